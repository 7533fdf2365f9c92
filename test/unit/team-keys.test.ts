// Members' keys: fetched with retries, refused when they are no keys, frozen with their fingerprints.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Call } from "../../provisioners/provider/resource.ts";
import { teamKeysResource } from "../../provisioners/provider/team-keys.ts";
import { ssh2 } from "../../provisioners/ssh/ssh2.ts";

const key = ssh2.utils.generateKeyPairSync("ed25519").public;
const answers: Record<string, { status: number; body: string }[]> = {};
let server: Server;
let keyUrl: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    const queue = answers[request.url ?? ""] ?? [];
    const { status, body } = (queue.length > 1 ? queue.shift() : queue[0]) ?? { status: 404, body: "Not Found" };
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  keyUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/{user}.keys`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const said: string[] = [];
const call: Call = {
  urn: "",
  name: "",
  signal: new AbortController().signal,
  redact: (text) => text,
  log: (_severity, message) => said.push(message),
};
const fetchFor = (github: string) => teamKeysResource.create({ members: [{ name: "ada", github }], keyUrl }, call, false);

describe("a member's keys", () => {
  test("come without their comments, with fingerprints", async () => {
    answers["/ada.keys"] = [{ status: 200, body: `${key} ada@laptop\n` }];
    const { outputs } = await fetchFor("ada");
    expect(outputs.keys.ada).toEqual([`${key.split(" ").slice(0, 2).join(" ")} ada`]);
    expect(outputs.fingerprints.ada?.[0]).toMatch(/^SHA256:/);
  });

  test("are fetched again where the server has trouble", async () => {
    answers["/bob.keys"] = [
      { status: 503, body: "later" },
      { status: 200, body: `${key}\n` },
    ];
    const { outputs } = await fetchFor("bob");
    expect(outputs.keys.ada).toHaveLength(1);
    expect(said.some((line) => line.includes("again, try 2 of 5: status 503"))).toBe(true);
  });

  test.for([
    ["nothing", "", "got none"],
    ["a page", "<html>Not a key</html>\n", "got `<html>"],
    ["options before a key", `command="rm -rf /" ${key}\n`, "got `command="],
  ] as const)("that are %s are refused", async ([name, body, expected]) => {
    answers[`/${name[0]}.keys`] = [{ status: 200, body }];
    await expect(fetchFor(name[0]!)).rejects.toThrow(expected);
  });

  type Field = string | number | Buffer;
  const blob = (...fields: Field[]) =>
    Buffer.concat(
      fields.flatMap((field) => {
        const bytes = typeof field === "number" ? Buffer.alloc(field, 4) : Buffer.from(field);
        return [Buffer.from(new Uint32Array([bytes.length]).buffer).swap32(), bytes];
      }),
    ).toString("base64");
  const line = (type: string, ...fields: Field[]) => `${type} ${blob(type, ...fields)}`;
  const made = (...args: string[]) => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-key-"));
    execFileSync("ssh-keygen", ["-q", "-N", "", "-C", "", ...args, "-f", join(folder, "key")]);
    const text = readFileSync(join(folder, "key.pub"), "utf8").trim();
    rmSync(folder, { recursive: true });
    return text;
  };
  const nistp256 = made("-t", "ecdsa", "-b", "256");
  const curvePoint = Buffer.from(nistp256.split(" ")[1] ?? "", "base64").subarray(-65);
  /** Nobody can make a security key's pair without the device; OpenSSH reads these all the same. */
  const kinds = {
    ed25519: made("-t", "ed25519"),
    rsa: made("-t", "rsa", "-b", "2048"),
    nistp256,
    nistp384: made("-t", "ecdsa", "-b", "384"),
    nistp521: made("-t", "ecdsa", "-b", "521"),
    "a security key": line("sk-ssh-ed25519@openssh.com", 32, "ssh:"),
    "a security key on a curve": line("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", curvePoint, "ssh:"),
  };

  test.for(Object.entries(kinds))("of the kind %s are taken as OpenSSH takes them", async ([name, text]) => {
    answers["/kinds.keys"] = [{ status: 200, body: `${key}\n${text}\n` }];
    const { outputs } = await fetchFor("kinds");
    expect(outputs.keys.ada, name).toContain(`${text} kinds`);
    const seen = execFileSync("ssh-keygen", ["-l", "-f", "-"], { input: `${text}\n`, encoding: "utf8" });
    expect(outputs.fingerprints.ada).toContain(seen.split(" ")[1]);
  });

  test.for([
    ["a certificate", line("ssh-ed25519-cert-v01@openssh.com", 32, 32), "a certificate"],
    ["a key of a type that went", line("ssh-dss", 20, 20, 20, 20), "no longer takes"],
    ["a key of a type that is to come", line("ssh-something-new@example.org", 99), "not known here"],
  ] as const)("beside %s go on without it, and say so", async ([, text, reason]) => {
    answers["/more.keys"] = [{ status: 200, body: `${text}\n${key}\n` }];
    const { outputs } = await fetchFor("more");
    expect(outputs.keys.ada).toEqual([`${key.split(" ").slice(0, 2).join(" ")} more`]);
    expect(said.at(-1)).toContain(reason);
  });

  test("that sshd would ignore, all of them, don't stop a member whose others the stack file gives", async () => {
    answers["/given.keys"] = [{ status: 200, body: `${line("ssh-dss", 20, 20, 20, 20)}\n` }];
    await expect(fetchFor("given")).rejects.toThrow("got none; ask for one to be added");
    const member = { name: "ada", github: "given", keys: [key] };
    const { outputs } = await teamKeysResource.create({ members: [member], keyUrl }, call, false);
    expect(outputs.keys.ada).toHaveLength(1);
  });

  test.for([
    ["cut off", line("sk-ssh-ed25519@openssh.com", 32)],
    ["with more behind", line("ssh-ed25519", 32, "more")],
    ["of another type inside", `ssh-rsa ${blob("ssh-ed25519", 32)}`],
  ] as const)("that are %s are refused", async ([, text]) => {
    answers["/broken.keys"] = [{ status: 200, body: `${text}\n` }];
    await expect(fetchFor("broken")).rejects.toThrow("expected SSH keys of `broken`");
  });

  test("of somebody who is not there are refused at once", async () => {
    await expect(fetchFor("nobody")).rejects.toThrow("got status 404; give them as `keys:` in the stack file");
  });

  test("stay frozen where a refresh can't fetch them", async () => {
    answers["/eve.keys"] = [{ status: 200, body: `${key}\n` }];
    const { outputs } = await fetchFor("eve");
    answers["/eve.keys"] = [{ status: 404, body: "" }];
    const read = await teamKeysResource.read("team-keys", { inputs: { members: outputs.members, keyUrl }, outputs }, call);
    expect(read?.outputs).toEqual(outputs);
    expect(said.at(-1)).toContain("keeps the keys as they are frozen");
  });
});
