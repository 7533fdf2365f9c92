// Adopted means unchanged. The description is planned against its own servers, by the look and the plan of every preview; what an up would change beside
// the fleet's own users and keys leaves the description, and is told.
import { availableParallelism } from "node:os";
import { inspect } from "../../provisioners/engine/converge.ts";
import { type Facts, readFacts } from "../../provisioners/engine/facts.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import { type LateValues, latesIn, resolvePlaceholders } from "../../provisioners/engine/placeholders.ts";
import type { Result } from "../../provisioners/engine/report.ts";
import type { Shell } from "../../provisioners/engine/shell.ts";
import { expandRole, type FleetPlan, planFleet, rolesOf, type ServerPlan } from "../../provisioners/expand.ts";
import { pathsOf } from "../../provisioners/overlay/owners.ts";
import type { Address } from "../../provisioners/resources/kind.ts";
import { choices } from "../../provisioners/stack.ts";
import { type OverlayEntry, ruled } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import { parseStack } from "../../spec/read.ts";
import type { Description } from "./describe.ts";
import type { Secrets } from "./hidden.ts";
import type { Layers } from "./trees.ts";

export interface Reached {
  readonly name: string;
  readonly shell: Shell;
}

/** Something that can't be described as it is. */
export interface Misfit {
  readonly server: string;
  readonly role: string;
  readonly address: Address;
  /** Where it lives. */
  readonly paths: readonly string[];
  readonly sentence: string;
}

export interface Proof {
  readonly description: Description;
  readonly misfits: readonly Misfit[];
  /** What the first up does: users and keys of the fleet, by server. */
  readonly own: Readonly<Record<string, readonly Address[]>>;
}

/** Each round takes something out. */
const rounds = 8;

/** Looks at the servers, and changes nothing. `write` makes the stack file's text of a description. */
export async function prove(description: Description, reached: readonly Reached[], write: (of: Description) => string): Promise<Proof> {
  const facts = new Map(await Promise.all(reached.map(async ({ name, shell }) => [name, await readFacts(shell)] as const)));
  let current = description;
  const misfits: Misfit[] = [];
  for (let round = 0; round < rounds; round++) {
    const plan = planFor(current, write(current));
    const found = await Promise.all(
      reached.map(({ name, shell }) => changesOn(plan, serverOf(plan, name), { shell, facts: facts.get(name)!, secrets: current.secrets })),
    );
    const wrong = found.flatMap((each) => each.misfits);
    if (wrong.length === 0)
      return { description: current, misfits, own: Object.fromEntries(reached.map(({ name }, index) => [name, found[index]!.own])) };
    // What only hears of something else is right once that is out.
    const causes = wrong.filter((each) => isDescribed(each, current));
    if (causes.length === 0) throw refused(description.stack, wrong);
    misfits.push(...causes);
    current = without(current, causes);
  }
  throw refused(description.stack, misfits);
}

const refused = (stack: string, wrong: readonly Misfit[]): UserError =>
  new UserError(`${stack}: expected a description that changes nothing, got one that would: ${wrong.map(sentenceOf).join("; ")}`);

export const sentenceOf = ({ server, address, sentence }: Misfit): string => `${server}: ${address}: ${sentence}`;

const serverOf = (plan: FleetPlan, name: string): ServerPlan => plan.servers.find((each) => each.name === name)!;

/** As `planOf` makes it of the written files. */
export function planFor({ stack, layers }: Description, text: string): FleetPlan {
  const { spec } = parseStack(text, `stacks/Pulumi.${stack}.yaml`, choices);
  const overlays = Object.fromEntries(Object.keys(spec.servers).map((name) => [name, ruled(laid(layers, name), spec.fileRules)]));
  return planFleet(spec, {
    ...{ stack, overlays, cores: availableParallelism() },
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
  });
}

export const laid = ({ common, own }: Layers, server: string): readonly OverlayEntry[] =>
  [...new Map([...common, ...(own[server] ?? [])].map((entry) => [entry.path, entry])).values()].sort((a, b) => (a.path < b.path ? -1 : 1));

interface Found {
  readonly misfits: readonly Misfit[];
  readonly own: readonly Address[];
}

/** A sentence where the role can't be on such a server. */
function expanded(plan: FleetPlan, server: ServerPlan, role: string, facts: Facts): Wants | string {
  try {
    return expandRole(plan, server, role, facts);
  } catch (error) {
    if (!(error instanceof UserError) || role === "base" || role === "files") throw error;
    return error.message;
  }
}

const cannot = (role: string, sentence: string): Result => ({ address: `check[${role}]`, outcome: "pending", changes: [sentence] });

interface Ground {
  readonly shell: Shell;
  readonly facts: Facts;
  readonly secrets: Secrets;
}

async function changesOn(plan: FleetPlan, server: ServerPlan, { shell, facts, secrets }: Ground): Promise<Found> {
  const ours = new Set(Object.keys(expandRole(plan, bare(server), "base", facts)));
  const reports = await Promise.all(
    rolesOf(server).map(async (role) => {
      const wants = expanded(plan, server, role, facts);
      if (typeof wants === "string") return [{ role, wants: {}, result: cannot(role, wants) }];
      const { report } = await inspect(shell, role, filled(wants, secrets));
      return report.results.filter(({ changes }) => changes.length > 0).map((result) => ({ role, wants, result }));
    }),
  );
  const all = reports.flat();
  const isOwn = ({ role, result: { address } }: (typeof all)[number]) => role === "base" && ours.has(address);
  return {
    own: all.filter(isOwn).map(({ result }) => result.address),
    misfits: all.filter((each) => !isOwn(each)).map(({ role, wants, result }) => misfit(server.name, role, result, wants)),
  };
}

/** Without anything that a description may leave out: what is left is the fleet's own users and keys. */
const bare = (server: ServerPlan): ServerPlan => {
  const { services: _, ...view } = server.view;
  return { ...server, view, overlay: [] };
};

/** What only the first up makes is on no server yet. */
const filled = (wants: Wants, secrets: Secrets): Wants => {
  const known: LateValues = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [`secret:secrets.${name}`, value]));
  const values: LateValues = Object.fromEntries(latesIn(wants).map((name) => [name, known[name] ?? "made-by-the-first-up"]));
  return resolvePlaceholders(wants, values);
};

const misfit = (server: string, role: string, { address, changes }: Result, wants: Wants): Misfit => {
  const want = wants[address];
  return { server, role, address, paths: want ? pathsOf({ address, want }) : [], sentence: changes.join("; ") };
};

/** Whether the description says it, and could leave it out. */
const isDescribed = (wrong: Misfit, description: Description): boolean =>
  isFile(wrong, description.layers) || isSwitch(wrong, description) || isRole(wrong);

const isFile = ({ server, paths }: Misfit, layers: Layers): boolean => laid(layers, server).some(({ path }) => paths.includes(path));
const isSwitch = ({ server, address }: Misfit, { servers }: Description): boolean =>
  Object.keys(servers[server]?.services ?? {}).some((unit) => address === `service[${unit}]`);
const isRole = ({ role }: Misfit): boolean => role !== "base" && role !== "files";

/** A file or a switch goes by itself; only what is neither takes its role along. */
function without(description: Description, causes: readonly Misfit[]): Description {
  const files = causes.filter((each) => isFile(each, description.layers));
  const switches = causes.filter((each) => !files.includes(each) && isSwitch(each, description));
  const rest = causes.filter((each) => !files.includes(each) && !switches.includes(each));
  const servers = Object.entries(description.servers).map(([name, { candidates, services, ...more }]) => {
    const on = (all: readonly Misfit[]) => all.filter(({ server }) => server === name);
    const left = Object.entries(services).filter(([unit]) => !on(switches).some(({ address }) => address === `service[${unit}]`));
    const kept = candidates.filter(({ role }) => !on(rest).some((each) => each.role === role));
    return [name, { ...more, candidates: kept, services: Object.fromEntries(left) }] as const;
  });
  return { ...description, servers: Object.fromEntries(servers), layers: withoutFiles(description, files) };
}

/** A common file that does not fit one server becomes the others' own. */
function withoutFiles({ layers, servers }: Description, wrong: readonly Misfit[]): Layers {
  const names = Object.keys(servers);
  const gone = (name: string, { path }: OverlayEntry) => wrong.some(({ server, paths }) => server === name && paths.includes(path));
  const moved = layers.common.filter((entry) => names.some((name) => gone(name, entry)));
  return {
    common: layers.common.filter((entry) => !moved.includes(entry)),
    own: Object.fromEntries(names.map((name) => [name, [...moved, ...(layers.own[name] ?? [])].filter((entry) => !gone(name, entry))])),
  };
}
