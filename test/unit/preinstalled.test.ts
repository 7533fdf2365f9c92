// What a practice machine comes with, known from the stack file alone, and when it counts.
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { preinstalled } from "../../components/targets/practice/preinstalled.ts";
import type { MachineSpec } from "../../machines/machine.ts";
import { digest } from "../../machines/record.ts";
import { completeFacts, expandRole, type FleetPlan, planFleet, rolesOf } from "../../provisioners/expand.ts";
import { machineResource } from "../../provisioners/provider/machine.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { practiceFleet } from "../support/fleet.ts";

function planned(target: unknown, change: (fleet: Record<string, unknown>) => void = () => {}): FleetPlan {
  const fleet = practiceFleet((each) => Object.assign(each, { team: "t", target }));
  change(fleet);
  const { spec } = parseStack(stringify({ config: { "contest-fleet:fleet": fleet } }), "stacks/Pulumi.t.yaml", choices);
  return planFleet(spec, { stack: "t", cores: 2, architecture: "amd64", overlays: {} });
}

const setsOf = (plan: FleetPlan) => Object.fromEntries(plan.servers.map((server) => [server.name, preinstalled(plan, server)]));

describe("the packages of a practice machine's layer", () => {
  test("are all that its roles want, once each", () => {
    const plan = planned("practice");
    for (const server of plan.servers) {
      const wanted = rolesOf(server).flatMap((role) => Object.keys(expandRole(plan, server, role, completeFacts(server.declared)!)));
      const names = wanted.flatMap((address) => /^package\[(.*)\]$/.exec(address)?.[1] ?? []);
      expect(preinstalled(plan, server)).toEqual([...new Set(names)].sort());
    }
    const { isu1, isu2, isu3 } = setsOf(plan);
    expect(isu1).toContain("nginx");
    expect(isu2).toEqual(isu1);
    expect(isu3).toEqual(expect.arrayContaining(["mariadb-server", "memcached", "redis-server"]));
  });

  test("are none on plain machines, on virtual ones and on servers that were handed out", () => {
    const none = { isu1: [], isu2: [], isu3: [] };
    expect(setsOf(planned({ kind: "practice", image: "plain" }))).toEqual(none);
    expect(setsOf(planned({ kind: "practice", driver: "qemu" }))).toEqual(none);
    const login = { user: "isucon", password: { secure: "v1:AAAA" } };
    const inventory = planned("inventory", ({ servers }) => {
      for (const [index, server] of Object.values(servers as Record<string, object>).entries())
        Object.assign(server, { address: `192.0.2.${index + 1}`, ...login });
    });
    expect(setsOf(inventory)).toEqual(none);
  });
});

describe("of a machine that is there", () => {
  const spec: MachineSpec = {
    ...{ stack: "t", name: "isu1", driver: "nspawn", cores: 1, memoryMiB: 512, release: "bookworm", authorizedKey: "ssh-ed25519 AAAA x" },
    ...{ address: "10.77.1.11", subnet: "10.77.1.0/24", preinstalled: ["nginx"] },
  };
  const other = { ...spec, preinstalled: ["nginx", "redis-server"] };
  const { preinstalled: _, ...without } = spec;

  test("another list restarts nothing", () => {
    expect(digest(other, "salt")).toBe(digest(spec, "salt"));
    expect(digest(without, "salt")).toBe(digest(spec, "salt"));
    expect(digest({ ...spec, cores: 2 }, "salt")).not.toBe(digest(spec, "salt"));
  });

  test("another list is no change to the engine", () => {
    const { diff } = machineResource(async () => ({}) as never);
    const outputs = { ...spec, port: 22, privateAddress: spec.address, user: "fleet", hostKey: "ssh-ed25519 BBBB", running: true };
    const old = { inputs: spec, outputs } as Parameters<typeof diff>[0];
    for (const news of [other, without, spec]) expect(diff(old, news)).toEqual({});
    expect(diff(old, { ...spec, cores: 2 })).toEqual({ cores: "update" });
  });
});
