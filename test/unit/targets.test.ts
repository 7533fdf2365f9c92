// The contract of targets, held against each of them.
import { existsSync, readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { z } from "zod";
import { operations } from "../../cli/targets/targets.ts";
import type { Target } from "../../components/targets/contract.ts";
import { suppliers } from "../../components/targets/suppliers.ts";
import { targetOf, targets } from "../../components/targets/targets.ts";
import { Facts } from "../../provisioners/engine/facts.ts";
import { type FleetPlan, planFleet } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { RoleParams } from "../../spec/params.ts";
import { UserError } from "../../spec/problem.ts";
import { parseStack } from "../../spec/read.ts";

const root = join(import.meta.dirname, "../..");

interface Sample {
  /** What the target needs beside its kind. */
  readonly settings: object;
  /** What each server needs. */
  readonly reach: (at: number) => object;
}

/** The least that each target wants to hear; a target more stands here too. */
const samples: Readonly<Record<string, Sample>> = {
  practice: { settings: {}, reach: () => ({}) },
  inventory: {
    settings: {},
    reach: (at) => ({ address: `203.0.113.${10 + at}`, user: "isucon", password: { secure: "v1:aaaa" } }),
  },
  aws: { settings: { region: "ap-northeast-1", sshFrom: ["203.0.113.0/24"] }, reach: () => ({}) },
};

interface Written {
  readonly fleet?: object;
  readonly settings?: object;
  /** Of the second server. */
  readonly second?: object;
}

function textOf(kind: string, { fleet = {}, settings = {}, second = {} }: Written = {}): string {
  const sample = samples[kind]!;
  const servers = {
    isu1: { roles: ["base"], ...sample.reach(1) },
    isu2: { roles: ["base", "nginx"], ...sample.reach(2), ...second },
  };
  const whole = { team: "team-a", target: { kind, ...sample.settings, ...settings }, servers, ...fleet };
  return stringify({ config: { "contest-fleet:fleet": whole } });
}

const specOf = (kind: string, written?: Written) => parseStack(textOf(kind, written), "stacks/Pulumi.t.yaml", choices).spec;
const planned = (kind: string, written?: Written): FleetPlan =>
  planFleet(specOf(kind, written), { stack: "t", cores: 4, architecture: "amd64", overlays: {} });
const refused = (kind: string, written: Written): readonly string[] => {
  try {
    planned(kind, written);
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.problems.map(({ path }) => path);
  }
};

test("every target has a sample here, a supplier, its part in the commands, and a folder", () => {
  const kinds = targets.map(({ kind }) => kind).sort();
  expect(new Set(kinds).size).toBe(kinds.length);
  for (const registry of [samples, suppliers, operations]) expect(Object.keys(registry).sort()).toEqual(kinds);
  for (const kind of kinds)
    for (const file of ["target.ts", "supply.ts"])
      expect(existsSync(join(root, "components/targets", kind, file)), `${kind}/${file}`).toBe(true);
});

test("a kind that is none is refused with those that there are", () => {
  const text = stringify({ config: { "contest-fleet:fleet": { team: "team-a", target: "moon", servers: { isu1: { roles: ["base"] } } } } });
  expect(() => parseStack(text, "x.yaml", choices)).toThrow("target.kind: expected one of `practice`, `inventory`, `aws`, got `moon`");
  expect(() => targetOf({ target: { kind: "moon" } })).toThrow("moon: no such target");
});

/** Every setting, however deep, with the path where it stands. */
function settingsOf(schema: z.core.$ZodType, path = ""): readonly (readonly [string, z.core.$ZodType])[] {
  const def = schema._zod.def as {
    shape?: Record<string, z.core.$ZodType>;
    innerType?: z.core.$ZodType;
    valueType?: z.core.$ZodType;
    element?: z.core.$ZodType;
  };
  const inner = def.innerType ?? def.valueType ?? def.element;
  const own = Object.entries(def.shape ?? {}).flatMap(([key, value]) => {
    const at = path === "" ? key : `${path}.${key}`;
    return [[at, value] as const, ...settingsOf(value, at)];
  });
  return [...own, ...(inner ? settingsOf(inner, path) : [])];
}

/** As an editor shows it, which looks through what a default or an option is wrapped around. */
function described(schema: z.core.$ZodType): string | undefined {
  const { innerType } = schema._zod.def as { innerType?: z.core.$ZodType };
  return (schema as z.ZodType).description ?? (innerType && described(innerType));
}

describe.for(targets.map((target): [string, Target] => [target.kind, target]))("%s", ([kind, target]) => {
  const plan = planned(kind);
  const fleet = plan.spec;

  test("has a schema that says what it is, and describes each of its settings", () => {
    const schema = target.schema(RoleParams.default({}));
    expect(schema.description).toMatch(/\w{5}/);
    const settings = settingsOf(schema);
    expect(settings.map(([path]) => path)).toContain("kind");
    const silent = settings.filter(([path, each]) => !/(^|\.)(kind|params)$/.test(path) && !described(each)).map(([path]) => path);
    expect(silent).toEqual([]);
  });

  test("takes the least that it wants to hear, and refuses a setting that it has not", () => {
    expect(fleet.target.kind).toBe(kind);
    expect(refused(kind, { settings: { instaceTyp: "c5.large" } })).toEqual(["target.instaceTyp"]);
  });

  test("gives each server an address of its own, and facts that are none but facts", () => {
    const addresses = plan.servers.map(({ view }) => view.privateAddress);
    expect(addresses.every(isIPv4)).toBe(true);
    expect(new Set(addresses).size).toBe(addresses.length);
    for (const { declared } of plan.servers) expect(Facts.partial().strict().parse(declared)).toEqual(declared);
  });

  test("lets the stack file's own words for address and sizes win", () => {
    const [{ view }] = planned(kind).servers as [FleetPlan["servers"][number]];
    const privateAddress = view.privateAddress.replace(/\d+$/, "77");
    const [, server] = planned(kind, { second: { privateAddress, cores: 3, memory: "3GiB" } }).servers;
    expect(server!.view.privateAddress).toBe(privateAddress);
    expect(server!.declared).toMatchObject({ cores: 3, memoryMiB: 3072 });
  });

  test("plans the same from the same stack file", () => {
    expect(planned(kind)).toEqual(plan);
  });

  test("of servers that it makes, takes no word of how to reach them and no former name; of lent ones it wants the first", () => {
    const given = { address: "203.0.113.99", user: "x", password: { secure: "v1:aaaa" } };
    const expected = Object.keys(given).map((key) => `servers.isu2.${key}`);
    expect(refused(kind, { second: given })).toEqual(target.lent ? [] : expected);
    expect(refused(kind, { second: { was: "isu9" } })).toEqual(target.lent ? [] : ["servers.isu2.was"]);
    if (target.lent) expect(refused(kind, { second: { address: undefined, user: undefined } })).not.toEqual([]);
  });

  test("takes a former name of the team but where names stay for life", () => {
    expect(refused(kind, { fleet: { was: "team-z" } })).toEqual(target.keepsTeamName ? ["was"] : []);
  });

  test("takes secrets in the clear only where they protect nothing", () => {
    const params = { mysql: { users: { app: { password: "in the clear" } } } };
    const second = { roles: ["base", "mysql"], params };
    expect(refused(kind, { second })).toEqual(target.plainSecrets ? [] : ["servers.isu2.params.mysql.users.app.password"]);
  });

  test("refuses disks of its servers, or has them", () => {
    const without = target.withoutDisks(fleet.target as never);
    expect(refused(kind, { second: { disks: ["10GiB"] } })).toEqual(without ? ["servers.isu2.disks"] : []);
  });

  test("needs of the engine what is there", () => {
    expect(plan.engine).toBe(target.engine);
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };
    for (const provider of target.engine.providers) expect(dependencies).toHaveProperty([`@pulumi/${provider}`]);
  });

  test("says how its servers are reached, and what becomes of them", () => {
    expect(["plan", "state"]).toContain(target.reached(fleet).by);
    expect(["all", "ssh"]).toContain(target.reached(fleet).ports);
    expect(target.fate).toMatch(/^[a-z].*[a-z]$/);
    for (const row of target.going?.(fleet) ?? []) expect(row).toHaveLength(3);
  });

  test("foretells a price where it has one, which the resources of an empty engine have not", () => {
    if (!target.preview) return expect(target.engine.policed).toBe(false);
    expect(target.preview.price(fleet, "t")).toBeGreaterThan(0);
    expect(target.preview.priceOf(fleet, [])).toBe(0);
    expect(target.preview.flows(fleet, "t")).toContain("22/tcp");
  });

  test("gives back or proves: nothing goes without a word", async () => {
    const { lent, proven } = await operations[kind]!();
    expect(lent !== undefined).toBe(target.lent);
    expect(lent !== undefined || proven !== undefined).toBe(true);
  });
});
