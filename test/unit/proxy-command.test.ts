// A server behind a program's input and output, as OpenSSH's ProxyCommand has them, over a real OpenSSH server.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sshOptions } from "../../cli/commands/ssh.ts";
import { sh } from "../../provisioners/engine/shell-quote.ts";
import { Link, scanHostKey } from "../../provisioners/ssh/connection.ts";
import { expanded, throughCommand } from "../../provisioners/ssh/proxy-command.ts";
import { openShell } from "../../provisioners/ssh/session.ts";
import { type Sshd, startSshd } from "../support/sshd.ts";

let sshd: Sshd;
/** Leads to the server wherever it was asked to lead, and says who it is and what it was asked. */
const tunnel = `
const { writeFileSync } = require("node:fs");
const [file, port, ...asked] = process.argv.slice(2);
writeFileSync(file, JSON.stringify([process.pid, ...asked]));
const socket = require("node:net").connect(Number(port), "127.0.0.1");
process.stdin.pipe(socket).pipe(process.stdout);
socket.on("close", () => process.exit());
`;
const ran = () => join(sshd.directory, "tunnel.json");
const behind = () => {
  writeFileSync(join(sshd.directory, "tunnel.cjs"), tunnel);
  const proxyCommand = `${process.execPath} ${join(sshd.directory, "tunnel.cjs")} ${ran()} ${sshd.port} %h %p %%h`;
  // Nobody is there (TEST-NET-1): but for the program, no way leads anywhere.
  return { ...sshd.connection, address: "192.0.2.1", port: 2022, proxyCommand };
};

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(async () => await sshd?.stop());

async function ended(pid: number): Promise<void> {
  for (let tries = 0; existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "); tries++) {
    if (tries > 500) throw new Error(`the program ${pid} goes on`);
    await sleep(20);
  }
}

test("a shell goes through it, megabytes too, and the program ends with the connection", async () => {
  const shell = await openShell(behind(), { runDirectory: join(sshd.directory, "run") });
  const text = "0123456789abcdef".repeat(200_000);
  const { stdout } = await shell.run(sh`printf %s ${text} | wc -c`);
  expect(stdout.toString()).toBe("3200000\n");
  const [pid, ...asked] = JSON.parse(readFileSync(ran(), "utf8")) as [number, ...string[]];
  expect(asked).toEqual(["192.0.2.1", "2022", "%h"]);
  await shell.close();
  await ended(pid);
});

test("one that ends, and one that is silent, are a sentence each with what it said last", async () => {
  const fails = { ...behind(), proxyCommand: "sh -c 'echo Unable to locate credentials >&2; exit 253'" };
  await expect(Link.open(fails)).rejects.toMatchObject({
    fault: "unreachable",
    message: expect.stringMatching(/`sh -c`, the way to `192\.0\.2\.1:2022`, ended with code 253: `Unable to locate credentials`/),
  });
  await expect(Link.open({ ...behind(), proxyCommand: "no-such-aws open-tunnel" })).rejects.toMatchObject({
    again: "never",
    message: expect.stringContaining("install `no-such-aws` on this computer"),
  });
  const file = join(sshd.directory, "silent");
  const silent = throughCommand(`sh -c 'echo $$ >${file}; sleep 60'`, behind(), 1000);
  await expect(silent).rejects.toMatchObject({ message: expect.stringContaining("within 1 s") });
  await ended(Number(readFileSync(file, "utf8")));
});

test("OpenSSH gets the same words, and marks are replaced as it does", () => {
  const { proxyCommand } = behind();
  expect(sshOptions("team-a", behind())).toContain(`ProxyCommand=${proxyCommand}`);
  expect(expanded("a %h:%p %%p %x", { name: "isu1", address: "192.0.2.1", port: 22 })).toBe("a 192.0.2.1:22 %p %x");
});

test("its host key can be asked for", async () => {
  const { hostKey } = await scanHostKey(behind(), undefined);
  expect(sshd.connection.hostKey.startsWith(hostKey)).toBe(true);
});
