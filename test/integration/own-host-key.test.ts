// A server that was started with a given host key makes its own at the first connection, on a machine with a real sshd and systemd.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MachineSpec } from "../../machines/machine.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { leftovers, sweep } from "../../machines/sweep.ts";
import type { Connection } from "../../provisioners/engine/shell.ts";
import { sh } from "../../provisioners/engine/shell-quote.ts";
import { Context } from "../../provisioners/provider/context.ts";
import { ownHostKeyResource } from "../../provisioners/provider/own-host-key.ts";
import type { Call } from "../../provisioners/provider/resource.ts";
import { openShell } from "../../provisioners/ssh/session.ts";
import { ownNetwork, ownStack } from "../support/own.ts";
import { makeKey } from "../support/sshd.ts";

const [stack, network] = [ownStack("own-host-key-test"), ownNetwork()];
const said: string[] = [];
const call: Call = {
  urn: `urn:pulumi:${stack}::test::fleet:index:OwnHostKey::isu1`,
  name: "isu1",
  signal: new AbortController().signal,
  log: (_severity, message) => void said.push(message),
  redact: (text) => text,
};

let directory = "";
let given: Connection;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "own-host-key-"));
  const key = makeKey(join(directory, "key"));
  const place = { stack, name: "isu1", driver: "nspawn", address: `${network}.11`, subnet: `${network}.0/24` } as const;
  const spec: MachineSpec = { ...place, cores: 1, memoryMiB: 384, release: "bookworm", authorizedKey: key.public };
  const { address, port, user, hostKey } = await nspawn.ensure(spec, { log: () => {}, signal: call.signal });
  given = { name: "isu1", address, port, user, hostKey, privateKey: key.private };
});

afterAll(async () => {
  await sweep(stack);
  rmSync(directory, { recursive: true, force: true });
  expect(await leftovers(stack)).toEqual([]);
});

test("a preview knows nothing of it and touches nothing", async () => {
  const { outputs } = await ownHostKeyResource(new Context()).create({ name: "isu1", connection: given }, call, true);
  expect(outputs.hostKey).not.toContain("ssh-ed25519");
  await (await openShell(given)).close();
});

test("the given key is refused afterwards, the new one was made on the server", async () => {
  const { outputs } = await ownHostKeyResource(new Context()).create({ name: "isu1", connection: given }, call, false);
  expect(outputs.hostKey).toMatch(/^ssh-ed25519 AAAA\S+$/);
  expect(outputs.hostKey).not.toBe(given.hostKey.split(" ").slice(0, 2).join(" "));
  expect(said.join("\n")).toContain(outputs.fingerprint);
  await expect(openShell(given)).rejects.toMatchObject({ name: "HostError", fault: "host-key" });
  const shell = await openShell({ ...given, hostKey: outputs.hostKey });
  const { stdout } = await shell.run(sh`stat -c '%a %U %n' /etc/ssh/ssh_host_*; ls -A /etc/ssh | grep -c fleet_host`);
  await shell.close();
  const lines = stdout.toString("utf8").trim().split("\n");
  expect(lines).toEqual(["600 root /etc/ssh/ssh_host_ed25519_key", "644 root /etc/ssh/ssh_host_ed25519_key.pub", "0"]);
});
