// A look at all that a state remembers, over SSH, by the provider's own reads and comparisons.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Comparison, differing, type Remembered } from "../../provisioners/provider/as-remembered.ts";
import type { Properties } from "../../provisioners/provider/wire.ts";
import { Sessions } from "../../provisioners/ssh/session-pool.ts";
import { type Sshd, startSshd } from "../support/sshd.ts";

let server: Sshd;
let folder: string;
beforeAll(async () => {
  server = await startSshd();
  folder = mkdtempSync(join(tmpdir(), "fleet-remembered-"));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.stop();
});
beforeEach(() => writeFileSync(file(), "one\n", { mode: 0o644 }));

const file = () => join(folder, "motd");
const urn = (type: string, name: string) => `urn:pulumi:t::contest-fleet::fleet:index:TeamFleet$${type}::${name}`;
const remembered = (type: string, name: string, inputs: object, outputs: object = {}): Remembered => ({
  ...{ type, urn: urn(type, name), id: name },
  inputs: inputs as Properties,
  outputs: { ...inputs, ...outputs } as Properties,
});

function role(name: string, content = "one\n", more: object = {}): Remembered {
  const { username } = userInfo();
  const want = { path: file(), content, mode: "0644", owner: username, group: username };
  const inputs = { host: "isu1", role: name, connection: server.connection, resources: { [`file[${file()}]`]: want }, late: {}, guard: {} };
  return remembered("fleet:index:Role", `t-isu1-${name}`, inputs, { failed: [], owed: [], ...more });
}

const host = (facts: object, connection: object = server.connection) =>
  remembered("fleet:index:Host", "t-isu1", { name: "isu1", connection }, { facts, problem: "" });

const look = (...all: readonly Remembered[]) => differing(all, new AbortController().signal);

test("everything as remembered: all roles and the facts of a server in one command", async () => {
  const logins = server.log().split("Accepted publickey for").length;
  expect(await look(role("a"), role("b"), role("c"))).toEqual([]);
  expect(server.log().split("Accepted publickey for").length - logins).toBe(1);
});

test("a line changed by hand: the role and the resource", async () => {
  writeFileSync(file(), "two\n");
  expect(await look(role("a"))).toEqual([`isu1 a: file[${file()}]`]);
});

test("what the state itself holds open: a failure, a reload that is owed", async () => {
  expect(await look(role("a", "one\n", { failed: ["x"] }))).toEqual(["isu1 a: failed"]);
  expect(await look(role("a", "one\n", { owed: ["service[nginx.service]"] }))).toEqual(["isu1 a: owed"]);
});

test("inputs that were never made so", async () => {
  const asked = role("a", "three\n");
  expect(await look(asked)).toEqual([`isu1 a: file[${file()}]`]);
});

test("facts that templates compute from: other ones are the program's to see", async () => {
  const [told] = await look(host({ distribution: "debian" }));
  expect(told).toBe("t-isu1: facts");
});

test("a server that can't be reached, in the words of its own", async () => {
  const [told, ...rest] = await look(host({}, { ...server.connection, port: 1 }));
  expect(told).toMatch(/^isu1: /);
  expect(rest).toEqual([]);
});

test("a kind of resource that nobody here knows", async () => {
  expect(await look(remembered("fleet:index:Later", "x", {}))).toEqual(["x: only the engine knows a fleet:index:Later"]);
});

test("what the engine does not read is compared, not looked at", async () => {
  const keys = (members: object) => remembered("fleet:index:TeamKeys", "k", { members, keyUrl: "http://127.0.0.1:1/{user}" });
  const [ada, bob] = [keys([{ name: "ada" }]), keys([{ name: "bob" }])];
  expect(await look(ada)).toEqual([]);
  expect(await look({ ...ada, inputs: bob.inputs })).toEqual(["k: members"]);
});

test("the same look again and again: one login, a sentence a difference, and a new connection where the old one broke", async () => {
  const logins = () => server.log().split("Accepted publickey for").length;
  const before = logins();
  const sockets: Socket[] = [];
  const gate = createServer((near) => {
    const far = connect(server.connection.port, "127.0.0.1");
    for (const [from, to] of [[near, far] as const, [far, near] as const]) sockets.push(from.on("error", () => {}).pipe(to));
  });
  await new Promise<void>((resolve) => gate.listen(0, "127.0.0.1", resolve));
  const connection = { ...server.connection, port: (gate.address() as AddressInfo).port };
  const through = ({ inputs, outputs, ...each }: Remembered): Remembered => ({
    ...each,
    inputs: { ...inputs, connection } as unknown as Properties,
    outputs: { ...outputs, connection } as unknown as Properties,
  });
  const comparison = new Comparison();
  const again = () => comparison.look(connection, [through(role("a")), through(role("b"))], new AbortController().signal);
  const differs = ["a", "b"].map((name) => ({ server: "isu1", role: name, resource: `file[${file()}]`, what: "content" }));
  try {
    expect(await again()).toEqual([]);
    writeFileSync(file(), "two\n");
    expect(await again()).toEqual(differs);
    expect(logins() - before).toBe(1);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => again().catch(() => undefined)).toEqual(differs);
    expect(logins() - before).toBe(2);
  } finally {
    await comparison.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => gate.close(resolve));
  }
});

test("who did not answer is asked again by the next look; who holds a server's lock is named", async () => {
  const [comparison, other] = [new Comparison(), new Comparison()];
  const { signal } = new AbortController();
  const nobody = { ...server.connection, port: 1 };
  const roles = [{ ...role("a"), inputs: { ...role("a").inputs, connection: nobody } as unknown as Properties }];
  const sessions = new Sessions();
  try {
    await expect(comparison.look(nobody, roles, signal)).rejects.toThrow("refused");
    expect(await comparison.look(server.connection, [role("a")], signal)).toEqual([]);
    const shell = await sessions.get(server.connection);
    await shell.lock({ who: "ada@laptop", what: "drain isu3", run: "hers", signal });
    expect(await comparison.busy(server.connection, "ours", signal)).toContain("ada@laptop");
    await shell.unlock();
    expect(await comparison.busy(server.connection, "ours", signal)).toBeUndefined();
    // It keeps nobody out.
    expect(await other.busy(server.connection, "another", signal)).toBeUndefined();
  } finally {
    await Promise.all([comparison.close(), other.close(), sessions.closeAll()]);
  }
});
