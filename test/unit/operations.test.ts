// What works on servers that are up, over real OpenSSH servers: who is meant, each server's own outcome, and what ends when we do.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { behindDashes } from "../../cli/behind-dashes.ts";
import { askSections } from "../../operations/ask-sections.ts";
import { type FleetServer, type FleetUp, serversIn } from "../../operations/fleet-up.ts";
import { OpenServers, onServers } from "../../operations/on-servers.ts";
import { RunRecord } from "../../operations/record.ts";
import { faultsBefore } from "../../operations/retest/retest.ts";
import { asLogin, type Line, runCommand } from "../../operations/run-command.ts";
import { select } from "../../operations/select.ts";
import type { LockingShell, RunOptions } from "../../provisioners/engine/shell.ts";
import type { Command } from "../../provisioners/engine/shell-quote.ts";
import { opened } from "../../pulumi/checkpoint.ts";
import { Interrupted, interrupt } from "../../pulumi/interruption.ts";
import { freePort, type Sshd, startSshd } from "../support/sshd.ts";

const raw = (text: string): Command => ({ text, masked: text });
const named = (name: string, roles: readonly string[] = []): FleetServer => ({
  name,
  roles,
  connection: { name, address: "127.0.0.1", port: 1, user: "root", hostKey: "" },
  facts: {},
  wants: {},
  undone: [],
  remembered: [],
});

describe("which servers are meant", () => {
  const servers = [named("isu1", ["base", "nginx"]), named("isu2", ["base", "nginx", "app"]), named("db", ["base", "mysql"])];
  const names = (...words: string[]) => select(servers, words).map(({ name }) => name);

  test.for([
    [[], ["isu1", "isu2", "db"]],
    [["all"], ["isu1", "isu2", "db"]],
    [["db,isu1"], ["isu1", "db"]],
    [["isu*"], ["isu1", "isu2"]],
    [["nginx"], ["isu1", "isu2"]],
    [["role:app"], ["isu2"]],
    [["!db"], ["isu1", "isu2"]],
    [["nginx", "!isu2"], ["isu1"]],
  ] as const)("%j: %j", ([words, expected]) => {
    expect(names(...words)).toEqual(expected);
  });

  test("a server's name goes before a role's", () => {
    expect(select([named("app", ["base"]), named("isu1", ["app"])], ["app"]).map(({ name }) => name)).toEqual(["app"]);
  });

  test("a word that means nothing, and nothing that is left, are told", () => {
    expect(() => names("isu3")).toThrow("isu3: expected a server or a role that is up; did you mean `isu1`?");
    expect(() => names("role:ngin")).toThrow("did you mean `nginx`?");
    expect(() => names("isu1", "!isu*")).toThrow("expected at least one server");
  });
});

describe("words behind `--`", () => {
  test("are the command's, ours before it, and none is none", () => {
    expect(behindDashes(["isu1", "ls", "-l"], ["node", "fleet", "run", "isu1", "--", "ls", "-l"])).toEqual({
      ours: ["isu1"],
      behind: ["ls", "-l"],
    });
    expect(behindDashes(["isu1", "--", "x"], ["fleet", "run", "--", "isu1", "--", "x"]).behind).toEqual(["isu1", "--", "x"]);
    expect(behindDashes(["uptime"], ["fleet", "run", "uptime"])).toEqual({ ours: ["uptime"], behind: undefined });
  });
});

test("servers of a state: names in their order, roles in theirs, connections in the clear", () => {
  const secret = (value: unknown) => ({
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    plaintext: JSON.stringify(value),
  });
  const host = (name: string) => ({
    urn: name,
    type: "fleet:index:Host",
    inputs: { name, connection: { name, address: "203.0.113.1", port: 22, user: "isucon", hostKey: "k", password: secret("pass") } },
    outputs: { facts: { cores: 2 } },
  });
  const role = (server: string, name: string) => ({
    urn: `${server}-${name}`,
    type: "fleet:index:Role",
    inputs: { host: server, role: name, resources: { [`file[/${name}]`]: {} } },
  });
  const resources = [host("isu10"), host("isu2"), role("isu2", "base"), role("isu2", "app"), { urn: "k", type: "fleet:index:KeyPair" }];
  const servers = serversIn(opened(resources) as typeof resources);
  expect(servers.map(({ name, roles }) => [name, ...roles])).toEqual([["isu2", "base", "app"], ["isu10"]]);
  expect(servers[0]).toMatchObject({ connection: { password: "pass" }, facts: { cores: 2 }, wants: { app: { "file[/app]": {} } } });
});

test("what an operation printed is kept, each in a folder of its own, the newest fifty", () => {
  const folder = mkdtempSync(join(tmpdir(), "runs-"));
  const at = (minute: number) => new Date(Date.UTC(2026, 10, 29, 10, minute));
  const minutes = Array.from({ length: 55 }, (_, minute) => minute);
  const ids = minutes.map((minute) => new RunRecord("run", "team-a", { folder, now: at(minute) }).id);
  expect(new RunRecord("run", "team-a", { folder, now: at(54) }).id).not.toBe(ids.at(-1));
  const last = new RunRecord("run", "team-a", { folder, now: new Date("2026-11-29T11:00:00Z") });
  last.line("isu1", "hello");
  last.line("isu1", "again");
  expect(readFileSync(join(last.folder, "isu1.log"), "utf8")).toBe("hello\nagain\n");
  expect(readdirSync(folder)).toHaveLength(50);
  rmSync(folder, { recursive: true });
});

test("a command runs by its user's login shell, without a deadline, and ends with us; its lines keep their stream", async () => {
  const lines: Line[] = [];
  const signal = new AbortController().signal;
  const run = async (script: Command, options: RunOptions = {}) => {
    expect(script.text).toContain("runuser -l isucon -s \"$shell\" -c 'ls | wc'");
    expect(options).toMatchObject({ signal, onAbort: "end", deadline: 2 ** 31 - 1 });
    options.onLine?.("out");
    options.onErrorLine?.("err");
    return { code: 3, stdout: Buffer.alloc(0), stderr: "" };
  };
  const shell = { host: "isu1", run, close: async () => {} };
  const hear = { onLine: (line: Line) => lines.push(line), signal };
  const ran = await runCommand(named("isu1"), shell, { command: "ls | wc", user: "isucon" }, hear);
  expect(ran.code).toBe(3);
  expect(lines).toEqual([
    { server: "isu1", stream: "stdout", text: "out" },
    { server: "isu1", stream: "stderr", text: "err" },
  ]);
});

describe("a command as a user of the server", () => {
  const shellOf = (own: string): string => {
    const fakes = `getent() { echo 'isucon:x:1100:1100::/home/isucon:${own}'; }\nrunuser() { printf '%s\\n' "$4"; }`;
    return spawnSync("sh", ["-s"], { input: `${fakes}\n${asLogin("isucon", "true").text}\n`, encoding: "utf8" }).stdout.trim();
  };

  test.each(["/bin/bash", "/bin/sh", "/usr/bin/zsh"])("runs by their own shell: %s", (own) => expect(shellOf(own)).toBe(own));

  test.each(["/usr/bin/fish", "/bin/tcsh", "/usr/sbin/nologin", ""])("runs by sh where that speaks another language, or none: %s", (own) =>
    expect(shellOf(own)).toBe("/bin/sh"),
  );
});

describe("on servers", () => {
  let sshds: readonly Sshd[];
  let fleet: FleetUp;
  const running = (pid: string) => existsSync(`/proc/${pid}`) && !/^\S+ \([^)]*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

  beforeAll(async () => {
    sshds = await Promise.all([startSshd("isu1"), startSshd("isu2")]);
    const down = { ...sshds[0]!.connection, name: "isu3", port: await freePort() };
    const connections = [...sshds.map(({ connection }) => connection), down];
    fleet = { stack: "x", secrets: [], around: [], servers: connections.map((connection) => ({ ...named(connection.name), connection })) };
  });
  afterAll(() => Promise.all(sshds.map((each) => each.stop())));

  test("each has its own outcome, all at once: a value, what went wrong, or why it could not be reached", async () => {
    const seen: string[] = [];
    const outcomes = await onServers(
      fleet,
      [],
      async ({ name }, shell) => {
        if (name === "isu2") throw new Error("no");
        return (await shell.run(raw("echo here"))).stdout.toString();
      },
      { onOutcome: ({ server }) => seen.push(server) },
    );
    expect(outcomes[0]).toEqual({ server: "isu1", value: "here\n" });
    expect(outcomes[1]).toMatchObject({ server: "isu2", error: new Error("no") });
    expect(outcomes[2]).toMatchObject({ server: "isu3", error: { name: "HostError", fault: "unreachable" } });
    expect(seen.sort()).toEqual(["isu1", "isu2", "isu3"]);
  });

  test("a server that takes too long is ended alone, with all that it started there", async () => {
    const pids: string[] = [];
    const work = async ({ name }: FleetServer, shell: Parameters<Parameters<typeof onServers>[2]>[1], signal: AbortSignal) => {
      const slow = "echo $$; sleep 300 & echo $!; setsid sh -c 'echo $$; sleep 300'";
      const { code } = await shell.run(raw(name === "isu1" ? slow : "exit 4"), {
        signal,
        onAbort: "end",
        onLine: (pid) => pids.push(pid),
      });
      signal.throwIfAborted();
      return code;
    };
    const outcomes = await onServers(fleet, ["isu1", "isu2"], work, { timeout: 1500 });
    expect(outcomes[0]).toMatchObject({ server: "isu1", ended: "timeout" });
    expect(outcomes[1]).toEqual({ server: "isu2", value: 4 });
    expect(pids).toHaveLength(3);
    await expect.poll(() => pids.slice(1).filter(running)).toEqual([]);
  });

  test("a signal ends what runs on all of them, and the connections can be used again", async () => {
    const open = new OpenServers();
    const abort = new AbortController();
    const lines: string[] = [];
    const work = (server: FleetServer, shell: Parameters<Parameters<typeof onServers>[2]>[1], signal: AbortSignal) =>
      shell.run(raw("echo begun; sleep 60"), {
        signal,
        onAbort: "end",
        onLine: (line) => lines.push(`${server.name} ${line}`) && lines.length === 2 && abort.abort(new Error("enough")),
      });
    const begun = performance.now();
    const outcomes = await open.each(fleet.servers.slice(0, 2), work, { signal: abort.signal });
    expect(performance.now() - begun).toBeLessThan(50_000);
    expect(outcomes).toMatchObject([{ value: { code: 143 } }, { value: { code: 143 } }]);
    expect(await open.each(fleet.servers.slice(0, 1), async (_, shell) => (await shell.run(raw("true"))).code)).toMatchObject([
      { value: 0 },
    ]);
    await open.close();
  });

  test("a look that is cut short failed by what cut it short, not by the exit code of what was ended", async () => {
    const open = new OpenServers();
    const abort = new AbortController();
    const look = (seconds: string) => (_: FleetServer, shell: LockingShell, signal: AbortSignal) =>
      askSections(shell, { wait: `sleep ${seconds}` }, "look", { signal, onAbort: "end" });
    setTimeout(() => abort.abort(new Error("enough")), 500);
    const [cut] = await open.each(fleet.servers.slice(0, 1), look("60"), { signal: abort.signal });
    expect(cut).toMatchObject({ ended: "interrupted", error: { message: "enough" } });
    const [late] = await open.each(fleet.servers.slice(0, 1), look("60"), { timeout: 1500 });
    expect(late).toMatchObject({ ended: "timeout", error: { message: "not done within 1.5 s" } });
    await open.close();
  });

  // The last one: this process has been asked to end from here on.
  test("Ctrl-C in the look of a retest finds nothing, and says nothing of the servers", async () => {
    const open = new OpenServers();
    const found = faultsBefore(open, fleet.servers.slice(0, 2));
    interrupt("SIGTERM");
    await expect(found).rejects.toThrow(Interrupted);
    await open.close();
  });
});
