// A server that no state knows: asked what it remembers, and for whom; scripts run for real, on this computer.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { giveBackServers, said } from "../../cli/give-back.ts";
import { claimServer, converge } from "../../provisioners/engine/converge.ts";
import { handBack } from "../../provisioners/engine/hand-back.ts";
import type { LockingShell } from "../../provisioners/engine/shell.ts";
import type { Command } from "../../provisioners/engine/shell-quote.ts";
import { Context } from "../../provisioners/provider/context.ts";
import { hostResource } from "../../provisioners/provider/host.ts";
import type { Call } from "../../provisioners/provider/resource.ts";
import { roleResource } from "../../provisioners/provider/role.ts";
import { want } from "../../provisioners/resources/want.ts";
import { isUserFacing } from "../../spec/problem.ts";
import { type LocalShell, localShell } from "../support/local-shell.ts";

let shell: LocalShell;
let locks: number;
beforeEach(() => {
  shell = localShell();
  locks = 0;
});
afterEach(() => shell.close());

const owner = { id: "1", stack: "team-ada", who: "ada@laptop", since: "2026-11-29T12:00:00.000Z" };
const ada = { stack: "team-ada", who: "ada@laptop" };
const hand = (comer: Parameters<typeof handBack>[1]) => handBack(shell as unknown as LockingShell, comer, async () => void locks++);
const file = (): string => join(shell.root, "a");

async function changed(): Promise<void> {
  writeFileSync(file(), "theirs\n");
  const me = userInfo().username;
  const { address, want: wanted } = want.file({ path: file(), content: "ours\n", owner: me, group: me });
  await claimServer(shell, { by: "ada-isu1" }, owner);
  await converge(shell, "app", { [address]: wanted }, { by: "ada-isu1-app" });
}

test("one that remembers nothing is not locked, and nothing is said of it", async () => {
  const handed = await hand(ada);
  expect([handed, locks, said("team-ada", "isu1", handed)]).toEqual([{ found: "nothing" }, 0, { clean: true, lines: [] }]);
});

test("what was done for a stack whose state is lost goes back, locked, and is said", async () => {
  await changed();
  const handed = await hand(ada);
  expect([locks, readFileSync(file(), "utf8"), existsSync(shell.memory)]).toEqual([1, "theirs\n", false]);
  expect(said("team-ada", "isu1", handed)).toEqual({
    clean: true,
    lines: [`isu1: file[${file()}]: put the original back`, "isu1: 1 resource put back from its own memory"],
  });
});

test("where a run was cut after its claim, nothing is left of that", async () => {
  await claimServer(shell, { by: "ada-isu1" }, owner);
  expect((await hand(ada)).found).toBe("ours");
  expect(existsSync(shell.memory)).toBe(false);
});

test.each([
  ["another stack's", { stack: "team-bob", who: "ada@laptop" }, "./fleet down team-ada where that one is"],
  ["the stack's of another operator", { stack: "team-ada", who: "bob@laptop" }, "./fleet down team-ada --take-over team-ada"],
])("%s is left as it is, unlocked, by its name", async (_, comer, next) => {
  await changed();
  const handed = await hand(comer);
  expect([handed, locks, readFileSync(file(), "utf8")]).toEqual([{ found: "another's", owner }, 0, "ours\n"]);
  const { clean, lines } = said(comer.stack, "isu1", handed);
  expect([clean, lines[0]]).toEqual([false, expect.stringContaining("it belongs to stack `team-ada` of ada@laptop since 2026-11-29T12")]);
  expect(lines[0]).toContain(next);
});

describe("a run on a server that is another stack's", () => {
  const comer = {
    urn: "urn:pulumi:team-bob::p::t::isu1",
    name: "bob-isu1",
    signal: new AbortController().signal,
    redact: (text: string) => text,
  };
  const inputs = {
    name: "isu1",
    connection: { name: "isu1", address: "192.0.2.1", port: 22, user: "isucon", hostKey: "ssh-ed25519 AAAA" },
  };
  const contextOf = (isProgram: boolean) => {
    const context = new Context();
    context.programRuns = isProgram;
    context.reach = async () => shell as unknown as LockingShell;
    context.lock = async () => {};
    return context;
  };

  test.each([
    [true, "./fleet up team-bob --take-over team-ada"],
    [false, "./fleet down team-bob --forget isu1"],
  ])("says what to type instead: of a program %s, %s", async (isProgram, next) => {
    await changed();
    const said: string[] = [];
    const call = { ...comer, log: (_: string, text: string) => said.push(text) } as unknown as Call;
    const resource = hostResource(contextOf(isProgram));
    const old = { inputs, outputs: { ...inputs, facts: {}, problem: "", owner: "2" } } as never;
    await resource.read("isu1", old, call);
    expect(said).toEqual([expect.stringContaining(next)]);
    await expect(resource.delete("isu1", old, call)).rejects.toThrow(next);
    expect(readFileSync(file(), "utf8")).toBe("ours\n");
  });

  test("is told by its first preview", async () => {
    await changed();
    const said: string[] = [];
    const call = { ...comer, log: (severity: string, text: string) => severity === "warning" && said.push(text) } as unknown as Call;
    const answering = {
      ...shell,
      run: async (command: Command) => (/is-system-running/.test(command.text) ? idle : await shell.run(command)),
    };
    const context = contextOf(true);
    context.reach = async () => answering as unknown as LockingShell;
    await hostResource(context).create(inputs as never, call, true);
    expect(said).toEqual([expect.stringContaining("belongs to stack `team-ada` of ada@laptop since")]);
  });
  const idle = { code: 0, stdout: Buffer.from(""), stderr: "" };
});

test("another stack's goes back where somebody named that one, and where another than that has it by now it does not", async () => {
  await changed();
  const bob = { stack: "team-bob", who: "ada@laptop" };
  const take = (takeOver: string) => handBack(shell as unknown as LockingShell, bob, async () => void locks++, { takeOver });
  expect([(await take("team-eve")).found, readFileSync(file(), "utf8")]).toEqual(["another's", "ours\n"]);
  expect([(await take("team-ada")).found, readFileSync(file(), "utf8"), existsSync(shell.memory)]).toEqual(["ours", "theirs\n", false]);
});

test("one operator's stack of one name is one stack, whatever id its state has", async () => {
  await changed();
  expect((await hand({ ...ada, id: "2" })).found).toBe("ours");
  expect([locks, readFileSync(file(), "utf8")]).toEqual([1, "theirs\n"]);
});

test("one that was taken by another stack while its lock was waited for is that one's", async () => {
  await changed();
  const bob = { ...owner, id: "2", stack: "team-bob" };
  const handed = await handBack(shell as unknown as LockingShell, ada, () => claimServer(shell, { by: "bob-isu1" }, bob));
  expect([handed.found, readFileSync(file(), "utf8")]).toEqual(["another's", "ours\n"]);
});

test("what could not go back is said, without what is a secret, and the server is not clean", async () => {
  await changed();
  await shell.run({ text: `rm ${file()}`, masked: "" });
  mkdirSync(join(file(), "work of hunter22"), { recursive: true });
  const { clean, lines } = said("team-ada", "isu1", await hand(ada), (text) => text.replaceAll(file(), "[hidden]"));
  expect([clean, lines.at(-1)]).toEqual([false, expect.stringMatching(/^isu1: 0 resources put back .*, 1 could not be undone; /)]);
  expect(lines[0]).toContain("expected an empty folder or a file at [hidden], got a folder that is not empty");
});

test.each([
  ["a role that is no longer wanted", "role", "ada-isu1-app"],
  ["a server that is no longer wanted", "host", "ada-isu1"],
] as const)("of %s the same is an error in words, without a stack trace", async (_, what, wanter) => {
  await changed();
  await shell.run({ text: `rm ${file()}`, masked: "" });
  mkdirSync(join(file(), "work"), { recursive: true });
  const context = {
    programRuns: true,
    reach: async () => shell,
    nowOf: () => ({}),
    refuseForeign: () => {},
    lock: async () => {},
  } as unknown as Context;
  const signal = new AbortController().signal;
  const call = { urn: "", name: "ada-isu1-app", signal, log: () => {}, redact: (text: string) => text } as Call;
  const outputs = { host: "isu1", role: "app", name: "isu1", resources: {}, late: {}, failed: [], owed: [], wanter };
  const resource = what === "role" ? roleResource(context) : hostResource(context);
  const old = { inputs: outputs, outputs } as unknown as { readonly inputs: never; readonly outputs: never };
  const error = await resource.delete("isu1", old, call).catch((thrown: unknown) => thrown);
  expect(isUserFacing(error)).toBe(true);
  expect(String(error)).toMatch(
    /1 of 1 could not be undone[\s\S]*a folder that is not empty[\s\S]*\nnext: put right what they say and run this again/,
  );
});

test("a down that finds nothing at all says so", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  expect(await giveBackServers("team-a", [])).toBe(0);
  expect(log.mock.calls.flat()).toContain("0 servers asked: nothing of team-a is left to give back");
  log.mockRestore();
});
