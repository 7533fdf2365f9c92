// Facts are complete or not known at all: a role never counts with half of them.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { completeFacts, Facts, waitForBoot } from "../../provisioners/engine/facts.ts";
import { HostError, type Shell } from "../../provisioners/engine/shell.ts";
import { expandRole, planFleet } from "../../provisioners/expand.ts";
import type { Context } from "../../provisioners/provider/context.ts";
import { type HostInputs, hostResource } from "../../provisioners/provider/host.ts";
import type { Call } from "../../provisioners/provider/resource.ts";
import { unknown } from "../../provisioners/provider/wire.ts";
import { roleSchemas, roles } from "../../provisioners/roles/roles.ts";
import { choices } from "../../provisioners/stack.ts";
import { readStack } from "../../spec/read.ts";
import { localShell } from "../support/local-shell.ts";

const { spec } = readStack(join(import.meta.dirname, "../../stacks/Pulumi.practice.yaml"), choices);
const [server] = planFleet(spec, { stack: "practice", cores: 2, architecture: "amd64", overlays: {} }).servers;
const whole = completeFacts(server!.declared)!;
/** What is looked at beside them may be unknown: a role that wants it says so by itself. */
const names = (Object.keys(Facts.shape) as (keyof Facts)[]).filter((name) => !Facts.shape[name].safeParse(undefined).success);

test("these are the facts that every role may count on", () => {
  expect(names).toEqual(["distribution", "version", "architecture", "cores", "memoryMiB", "container", "packageManager", "cloudInit"]);
});

test("a server that systemd does not run is told so, and not waited for", async () => {
  const local = localShell();
  const elsewhere: Shell = {
    ...local,
    run: ({ text, masked }, options) =>
      local.run({ text: text.replaceAll("/run/systemd/system", join(local.root, "no-systemd")), masked }, options),
  };
  await expect(waitForBoot(elsewhere, { onWait: () => {} })).rejects.toThrow(
    /^isu1: expected a server that systemd runs, got one whose first process is `[^`]+` .*; next: take a virtual machine/,
  );
  await local.close();
});

describe("half of the facts", () => {
  test.for(roles.flatMap(({ name }) => names.map((fact) => [name, fact] as const)))("role %s without %s is refused", ([role, fact]) => {
    const { [fact]: _, ...facts } = whole;
    const at = { ...server!, spec: { ...server!.spec, params: { [role]: roleSchemas[role]?.parse({}) as Record<string, unknown> } } };
    expect(() => expandRole({ team: { name: "t", members: [], servers: [at.view], endpoints: [] } }, at, role, facts as Facts)).toThrow(
      "expected all facts of the server",
    );
  });

  test("with a number that is none are not complete either", () => {
    expect(completeFacts({ ...whole, memoryMiB: Number.NaN })).toBeUndefined();
    expect(completeFacts({ ...whole, cores: 0 })).toBeUndefined();
    expect(completeFacts(undefined)).toBeUndefined();
  });
});

describe("the first preview of a server that is off", () => {
  const said: string[] = [];
  const call = {
    urn: "",
    name: "",
    signal: new AbortController().signal,
    redact: (text: string) => text,
    log: (_severity: string, message: string) => said.push(message),
  } as unknown as Call;
  const off = { reach: () => Promise.reject(new HostError("isu3", "unreachable", "no route")) } as unknown as Context;
  const inputs = (declared: HostInputs["declared"]): HostInputs => ({
    name: "isu3",
    connection: { name: "isu3", address: "192.0.2.1", port: 22, user: "isucon", hostKey: "ssh-ed25519 AAAA" },
    ...(declared && { declared }),
  });

  test.for([
    ["nothing", undefined],
    ["an empty declaration", {}],
    ["its size alone", { memoryMiB: 1024, cores: 2 }],
  ] as const)("knows no facts from %s, and says why", async ([, declared]) => {
    const { outputs } = await hostResource(off).create(inputs(declared), call, true);
    expect([outputs.facts, outputs.problem]).toEqual([unknown, "isu3: no route"]);
    expect(said.at(-1)).toContain("isu3: no route");
  });

  test("goes by what is declared where that is all", async () => {
    const { outputs } = await hostResource(off).create(inputs(whole), call, true);
    expect(outputs.facts).toEqual(whole);
  });
});
