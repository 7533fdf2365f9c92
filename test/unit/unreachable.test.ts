// A server that is off holds nobody up: the others are done, it is named with what to type, and how long it is waited for depends on who it is.
import { describe, expect, test } from "vitest";
import { asJson, reachFinding } from "../../cli/commands/doctor.ts";
import { answering, withSilent } from "../../operations/deploy/without.ts";
import type { FleetServer } from "../../operations/fleet-up.ts";
import type { OpenServers, Outcome } from "../../operations/on-servers.ts";
import { told } from "../../operations/split/look.ts";
import { needed } from "../../operations/unreachable.ts";
import { HostError, hostFaults, isUnreachable } from "../../provisioners/engine/shell.ts";
import { raw } from "../../provisioners/engine/shell-quote.ts";
import { Context } from "../../provisioners/provider/context.ts";
import { type HostInputs, type HostOutputs, hostResource, windowFor } from "../../provisioners/provider/host.ts";
import type { Call } from "../../provisioners/provider/resource.ts";
import { bootWindow, givenWindow, knownWindow } from "../../provisioners/provider/waiting.ts";
import { blankFacts } from "../support/facts.ts";
import { freePort } from "../support/sshd.ts";

const off = (name: string) => new HostError(name, "unreachable", "no route");

describe("which fault is one of a server that is off", () => {
  test("nobody there, or nobody any more; not a wrong key, a wrong password or another operator", () => {
    const faults = hostFaults.filter((fault) => isUnreachable(new HostError("isu3", fault, "")));
    expect(faults).toEqual(["unreachable", "lost", "timeout", "not-ready"]);
    expect(isUnreachable(new Error("no route"))).toBe(false);
  });

  test("what can't be done without it says what to type", () => {
    expect(needed(off("isu3"), "team-a", "--to '!isu3'").message).toBe(
      "isu3: no route; next: start it, and the same again; without it: --to '!isu3'; if it is gone for good, take it out of stacks/Pulumi.team-a.yaml, then ./fleet up team-a --forget isu3",
    );
  });
});

describe("a look at all for what any of them may know", () => {
  const looked = (...outcomes: readonly Outcome<string>[]) =>
    told(
      { each: async () => outcomes } as unknown as OpenServers,
      outcomes.map(({ server }) => ({ name: server }) as FleetServer),
      raw("true"),
    );

  test("goes on without those that are off, and keeps why", async () => {
    const { texts, silent } = await looked({ server: "isu1", value: "one" }, { server: "isu3", error: off("isu3") });
    expect([texts, [...silent.keys()]]).toEqual([["one"], ["isu3"]]);
  });

  test("ends where nobody answers, where something else is wrong, and at our own end", async () => {
    await expect(looked({ server: "isu3", error: off("isu3") })).rejects.toThrow("isu3: no route");
    await expect(looked({ server: "isu1", value: "" }, { server: "isu3", error: new Error("broken") })).rejects.toThrow("broken");
    const ended = { server: "isu3", error: off("isu3"), ended: "interrupted" } as const;
    await expect(looked({ server: "isu1", value: "" }, ended)).rejects.toThrow("no route");
  });
});

describe("a deploy", () => {
  const places = ["isu1", "isu2", "isu3"].map((name) => ({ server: { name } })) as unknown as Parameters<typeof answering>[0];
  const silent = new Map([["isu2", off("isu2")]]);
  const done = (...results: readonly ("deployed" | "unchanged" | "back")[]) => ({
    target: { commit: "b", subject: "s", ref: "main" },
    servers: [
      { server: "isu1", result: results[0]!, seconds: 1 },
      { server: "isu3", result: results[1]!, seconds: 1 },
    ],
    refs: { isu1: "main", isu3: "main" },
  });

  test("goes to those that answer; where nobody does it is refused with the reason", () => {
    expect(answering(places, silent).map(({ server }) => server.name)).toEqual(["isu1", "isu3"]);
    expect(() => answering(places.slice(1, 2), silent)).toThrow("isu2: no route");
  });

  test("names the others in their places, and the next up brings them what all run by now", () => {
    const { servers, refs } = withSilent(done("deployed", "unchanged"), places, silent);
    expect(servers.map(({ server, result }) => `${server} ${result}`)).toEqual(["isu1 deployed", "isu2 unreachable", "isu3 unchanged"]);
    expect(servers[1]?.reason).toBe("no route");
    expect(refs).toEqual({ isu1: "main", isu2: "main", isu3: "main" });
  });

  test("that went back says nothing of what a server that is off is to run", () => {
    expect(withSilent(done("back", "back"), places, silent).refs).toEqual({ isu1: "main", isu3: "main" });
  });
});

describe("how long an up waits for a server", () => {
  const host = (more: object = {}): HostInputs => ({
    name: "isu3",
    connection: { name: "isu3", address: "127.0.0.1", port: 22, user: "isucon", hostKey: "ssh-ed25519 AAAA" },
    ...more,
  });
  const was = (more: object = {}): HostOutputs => ({ ...host(more), facts: blankFacts, problem: "" });

  test("a new one, one at another address and one that the fleet itself starts as long as a boot takes", () => {
    expect(windowFor(host())).toBe(bootWindow);
    expect(windowFor(host(), was({ connection: { ...host().connection, address: "127.0.0.2" } }))).toBe(bootWindow);
    expect(windowFor(host({ made: true }), was({ made: true }))).toBe(bootWindow);
  });

  test("one that answered before not so long: the others' run ends by it", () => {
    expect(windowFor(host(), was())).toBe(knownWindow);
    expect(knownWindow).toBeLessThan(bootWindow / 2);
  });

  test("as long as somebody typed, whoever it is", () => {
    expect([givenWindow({ FLEET_CONNECT_TIMEOUT: "0" }), givenWindow({ FLEET_CONNECT_TIMEOUT: "45" })]).toEqual([0, 45_000]);
    expect([givenWindow({}), givenWindow({ FLEET_CONNECT_TIMEOUT: "soon" })]).toEqual([undefined, undefined]);
  });

  const waited = async (given: string | undefined) => {
    const said: string[] = [];
    const call = {
      urn: "urn:pulumi:team-a::contest-fleet::fleet:index:Host::team-a-isu3",
      name: "",
      signal: new AbortController().signal,
      redact: (text: string) => text,
      log: (_severity: string, message: string) => said.push(message),
    } as unknown as Call;
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const connection = { ...host().connection, port: await freePort(), hostKey: key, password: "x" };
    const before = process.env.FLEET_CONNECT_TIMEOUT;
    if (given !== undefined) process.env.FLEET_CONNECT_TIMEOUT = given;
    const resource = hostResource(new Context());
    const old = { inputs: host({ connection }), outputs: was({ connection }) };
    const error = await resource.update!("isu3", old, host({ connection }), call, false).then(String, String);
    if (before === undefined) delete process.env.FLEET_CONNECT_TIMEOUT;
    else process.env.FLEET_CONNECT_TIMEOUT = before;
    return { error, said };
  };

  test("not at all where that is typed; it is named with what to do if it is gone for good", async () => {
    const { error, said } = await waited("0");
    expect(said).toEqual([]);
    expect(error).toMatch(
      /isu3: `127\.0\.0\.1:\d+` refused the connection.*; nothing was done there; next: start it, then \.\/fleet up team-a; if it is gone for good, .*--forget isu3$/,
    );
  });

  test("and no longer than was typed", async () => {
    const { error, said } = await waited("1");
    expect(error).toContain("isu3: not ready after 1 s");
    expect(said[0]).toMatch(/^waits \d of 1 s more: /);
  });
});

test("the doctor sends nobody to a shell on a server that is off", () => {
  const off = reachFinding("isu3", new HostError("isu3", "unreachable", "no route"), "team-a");
  expect([off.text, off.mend, off.advice]).toEqual([
    "no route",
    undefined,
    expect.stringMatching(/^it is off, or out of reach: start it; .* --forget isu3$/),
  ]);
  expect(asJson(off)).toMatchObject({ state: "failure", mend: null, advice: expect.stringContaining("start it") });
  expect(reachFinding("isu3", new HostError("isu3", "locked", "locked"), "team-a").mend).toBe("./fleet ssh isu3 -s team-a");
});
