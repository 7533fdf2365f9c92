// FleetSpec → FleetPlan → a role's resources. Pure: the same stack file gives the same plan, on every computer.
import type { Computer, EngineNeeds } from "../components/targets/contract.ts";
import { targetOf } from "../components/targets/targets.ts";
import { type Guards, guardsOf } from "../spec/guards.ts";
import type { OverlayEntry } from "../spec/overlay.ts";
import { refusal, UserError } from "../spec/problem.ts";
import { bytesOfSize } from "../spec/scalars.ts";
import type { FleetSpec, ServerSpec } from "../spec/spec.ts";
import { asAdopted } from "./adopted.ts";
import { completeFacts, type Facts } from "./engine/facts.ts";
import type { Wants } from "./engine/order.ts";
import { lay, replaced } from "./overlay/lay.ts";
import { type Neighbour, ownerOf } from "./overlay/owners.ts";
import { rendered } from "./overlay/template.ts";
import { unread } from "./overlay/unread.ts";
import { type PoolPlan, poolPlans } from "./pools.ts";
import type { Declared } from "./resources/want.ts";
import {
  accountOf,
  type ContractProblem,
  contractProblems,
  endpointsOf,
  portsOf,
  reachedPorts,
  repositoriesOf,
  sharesMemory,
} from "./roles/contract.ts";
import { resourcesOf } from "./roles/fault.ts";
import { unknownThere } from "./roles/package-managers.ts";
import { appAccount, type ServerView, type TeamView } from "./roles/role.ts";
import { otherTerritory, roleNamed, territoryOf } from "./roles/roles.ts";
import { type RoleStep, sequenceOf } from "./sequence.ts";

export { completeFacts };

/** One server of the plan. What its target adds (a machine, a login) stands beside. */
export interface ServerPlan {
  readonly name: string;
  readonly spec: ServerSpec;
  readonly view: ServerView;
  /** What is known before the server exists. */
  readonly declared: Partial<Facts>;
  /** Files that the stack lays over `/`, wherever they come from. */
  readonly overlay: readonly OverlayEntry[];
}

/** A member with the name that the servers know. */
export interface Person {
  readonly name: string;
  readonly keys: readonly string[];
  readonly github?: string;
}

export interface FleetPlan {
  readonly stack: string;
  readonly spec: FleetSpec;
  readonly team: TeamView;
  /** The members, whose keys are fetched. */
  readonly people: readonly Person[];
  readonly guard: Guards;
  readonly servers: readonly ServerPlan[];
  /** The roles of all servers, what they need of each other before them. */
  readonly order: readonly RoleStep[];
  /** Servers that nobody pushes to: one for all of a pool that is told roles. */
  readonly pools: readonly PoolPlan[];
  /** What its target's resources need of Pulumi's engine. */
  readonly engine: EngineNeeds;
}

/** The role that carries the team's files that no other role owns. */
export const overlayRole = "files";

export interface Surroundings extends Computer {
  /** By server or pool. */
  readonly overlays: Readonly<Record<string, readonly OverlayEntry[]>>;
}

/** Throws a UserError for a fleet that would lock itself out. */
export function planFleet(spec: FleetSpec, around: Surroundings): FleetPlan {
  refuseLockOut(spec, around.stack);
  const target = targetOf(spec);
  const pools = poolPlans(target.pools?.(spec) ?? [], around.overlays);
  const holders = Object.entries(spec.servers).map(([name, { roles, params }]) => ({ name, place: `servers.${name}`, roles, params }));
  const endpoints = endpointsOf(holders);
  const asked = [...holders, ...pools.map(({ name, place, spec: { roles, params } }) => ({ name, place, roles, params }))];
  const servers = Object.entries(spec.servers).map(([name, server]): ServerPlan => {
    const reached = reachedPorts(name, asked, endpoints);
    const privateAddress = target.privateAddress(spec, name, around);
    const volumes = target.volumes?.(spec, name) ?? [];
    const repositories = repositoriesOf(server);
    return {
      name,
      spec: server,
      view: {
        name,
        privateAddress,
        account: accountOf(server),
        roles: server.roles,
        ports: portsOf(server),
        ...(reached.length > 0 && { reached }),
        ...(server.services && { services: server.services }),
        ...(server.share !== undefined && server.share !== 100 && { share: server.share }),
        ...(volumes.length > 0 && { volumes }),
        ...(repositories.length > 0 && { repositories }),
      },
      declared: { ...target.declared(spec, name, around), ...sizesOf(server) },
      overlay: around.overlays[name] ?? [],
    };
  });
  const people = spec.members.map(
    ({ name, github, keys }): Person => ({ name: name ?? github?.toLowerCase() ?? "", keys, ...(github && { github }) }),
  );
  const members = [
    { name: spec.admin, sudo: true },
    ...people.map(({ name }, index) => ({ name, sudo: spec.members[index]?.sudo ?? true })),
  ];
  refuseContracts(around.stack, [...contractProblems(asked, endpoints), ...strangers(servers, pools)]);
  const team = { name: spec.team, members, servers: servers.map(({ view }) => view), endpoints };
  const order = orderOf(around.stack, servers, endpoints);
  return { stack: around.stack, spec, engine: target.engine, guard: guardsOf(spec.guard), servers, order, pools, people, team };
}

/** Roles that know nothing of their server's distribution, where an image or a declaration says which it is. */
const strangers = (servers: readonly ServerPlan[], pools: readonly PoolPlan[]): readonly ContractProblem[] =>
  [...servers.map((each) => ({ ...each, place: `servers.${each.name}` })), ...pools].flatMap(({ place, spec: { roles }, declared }) =>
    roles.flatMap((role) => {
      const reason = unknownThere(roleNamed(role), declared);
      return reason === undefined ? [] : [{ path: `${place}.roles`, reason }];
    }),
  );

function refuseContracts(stack: string, problems: readonly ContractProblem[]): void {
  if (problems.length > 0)
    throw refusal(
      stack,
      problems.map((each) => ({ at: `stacks/Pulumi.${stack}.yaml`, ...each })),
    );
}

function orderOf(stack: string, servers: readonly ServerPlan[], endpoints: TeamView["endpoints"]): readonly RoleStep[] {
  const { order, circle } = sequenceOf(servers, (server) => rolesOf(server as ServerPlan), endpoints);
  if (order) return order;
  const reason = `expected roles that can be done one after the other, got a circle: ${circle}; put what provides before what needs it`;
  throw refusal(stack, [{ at: `stacks/Pulumi.${stack}.yaml`, path: "servers", reason }]);
}

/** Whoever comes in by a door must not shut it behind itself: by password, or as root. */
function refuseLockOut(spec: FleetSpec, stack: string): void {
  const problems = Object.entries(spec.servers).flatMap(([name, server]) => {
    const shut = shutDoor(server);
    if (!shut) return [];
    const [key, reason] = shut;
    return [{ at: `stacks/Pulumi.${stack}.yaml`, path: `servers.${name}.params.base.sshd.${key}`, reason }];
  });
  if (problems.length > 0) throw refusal(stack, problems);
}

/** The setting of sshd that would refuse the next login, and what to do instead. */
function shutDoor({ user, password, privateKey, params }: ServerSpec): readonly [key: string, reason: string] | undefined {
  const sshd = params.base?.sshd as { readonly passwords?: boolean; readonly rootLogin?: string } | undefined;
  const byPassword = password !== undefined && privateKey === undefined;
  if (byPassword && sshd?.passwords === false)
    return ["passwords", "expected `true` while the fleet logs in by password, got `false`; set it, or give the server's `privateKey`"];
  if (user !== "root" || !sshd) return undefined;
  const wanted = byPassword ? ["yes"] : ["yes", "prohibit-password"];
  if (wanted.includes(sshd.rootLogin ?? "")) return undefined;
  const how = byPassword ? "as root by password" : "as root";
  return [
    "rootLogin",
    `expected \`${wanted.at(-1)}\` while the fleet logs in ${how}, got \`${sshd.rootLogin}\`; set it, or log in as another \`user\``,
  ];
}

/** As the stack file says, whatever the target gives. */
const sizesOf = ({ memory, cores }: ServerSpec): Partial<Facts> => ({
  ...(memory && { memoryMiB: Math.floor(bytesOfSize(memory) / 2 ** 20) }),
  ...(cores && { cores }),
});

/** The roles of a server in their order. What no role owns comes right after `base`: a certificate or a dump is there for whoever reads it. */
export function rolesOf({ spec: { roles }, overlay }: Pick<ServerPlan, "spec" | "overlay">): readonly string[] {
  if (overlay.length === 0) return roles;
  const at = roles.indexOf("base") + 1;
  return [...roles.slice(0, at), overlayRole, ...roles.slice(at)];
}

/** What one role wants on one server, whose facts are all known, the team's own files in its territory among it. */
export function expandRole({ team }: Pick<FleetPlan, "team">, server: ServerPlan, role: string, facts: Facts): Wants {
  if (!completeFacts(facts))
    throw new TypeError(`${server.name}: ${role}: expected all facts of the server, got ${Object.keys(facts).join(", ") || "none"}`);
  const { spec, overlay, view } = server;
  const own = ownWants({ team }, server, facts);
  if (overlay.length === 0) return keyed(`${server.name}: ${role}`, role === overlayRole ? [] : own(role));
  const neighbours = neighboursOf(server, (name) => (name === role ? own(name) : quietly(() => own(name))));
  // Where the files of a program lie whose role the server has not, that program may run all the same.
  const nobody = { role: overlayRole, own: [], territory: otherTerritory(spec.roles) };
  const self = neighbours.find((each) => each.role === role) ?? nobody;
  const files = rendered(overlay, { facts, self: view, team, params: spec.params });
  const mine = files.filter((entry) => (ownerOf(entry, neighbours, facts) ?? overlayRole) === role);
  return keyed(`${server.name}: ${role}`, lay(self, mine, files, { facts, account: appAccount({ facts, self: view }), neighbours }));
}

/** What a role of the server wants by itself. */
const ownWants =
  ({ team }: Pick<FleetPlan, "team">, { spec, view: self }: ServerPlan, facts: Facts) =>
  (name: string): readonly Declared[] => {
    const all = resourcesOf(roleNamed(name), { params: spec.params[name], facts, shared: sharesMemory(name, spec.roles), self, team });
    return spec.adopted?.includes(name) ? asAdopted(all) : all;
  };

const neighboursOf = ({ spec }: ServerPlan, own: (name: string) => readonly Declared[]): readonly Neighbour[] =>
  spec.roles.map((role) => ({ role, own: own(role), territory: territoryOf(role, spec.params[role]) }));

/** What of its roles' own the team's files take the place of on a server, and which of them nobody would read there; a sentence each. */
export function replacements({ team }: Pick<FleetPlan, "team">, server: ServerPlan, facts: Facts): readonly string[] {
  const own = ownWants({ team }, server, facts);
  const taken = replaced(
    neighboursOf(server, (name) => quietly(() => own(name))),
    server.overlay,
  );
  return [...taken.map((each) => `${server.name}: ${each}`), ...unreadOn({ ...server, declared: facts })];
}

/** The team's files that nobody would read on a server, a sentence each. */
export const unreadOn = (server: Pick<ServerPlan, "name" | "overlay" | "declared">): readonly string[] =>
  unread(server.overlay, server.declared).map((each) => `${server.name}: ${each}`);

/** What another role can't do here is said where that role's own turn comes. */
function quietly(own: () => readonly Declared[]): readonly Declared[] {
  try {
    return own();
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

function keyed(place: string, declared: readonly Declared[]): Wants {
  const wants: Record<Declared["address"], Declared["want"]> = {};
  for (const { address, want } of declared) {
    if (address in wants && JSON.stringify(wants[address]) !== JSON.stringify(want))
      throw new UserError(`${place}: expected one \`${address}\`, got two different ones`);
    wants[address] = want;
  }
  return wants;
}
