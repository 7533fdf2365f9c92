// Names are identity: the state knows what was made by the names of its team and servers. A stack file that calls them otherwise must say
// so, or the fleet would make everything anew and then undo the old, which is the same servers.

import { targetOf } from "../components/targets/targets.ts";
import { ticked } from "../spec/messages.ts";
import type { Path } from "../spec/path.ts";
import { typed } from "../spec/typed.ts";
import type { FleetPlan, ServerPlan } from "./expand.ts";

/** A server as the state knows it. */
export interface KnownServer {
  readonly name: string;
  /** Where it was handed out; undefined for what the fleet makes itself. */
  readonly place?: string | undefined;
}

/** What the state knows, by the names that it was made with. */
export interface Known {
  readonly teams: readonly string[];
  readonly servers: readonly KnownServer[];
}

export interface Rename {
  /** In the fleet. */
  readonly path: Path;
  readonly reason: string;
}

interface Reach {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly jump?: { readonly address?: string | undefined } | undefined;
}

/** Two servers of one place are one server. Behind a jump host, an address is that host's word. */
export const placeOf = ({ address, port = 22, jump }: Reach): string | undefined =>
  address === undefined ? undefined : [address, port, ...(jump?.address === undefined ? [] : [`through ${jump.address}`])].join(" ");

/** What the stack file calls otherwise than the state, without saying that it does. Empty for a stack that was never up. */
export function renamesIn(plan: FleetPlan, known: Known): readonly Rename[] {
  const team = renamedTeam(plan, known);
  if (team.length > 0) return team;
  return targetOf(plan.spec).lent ? renamedServers(plan, known) : replacedMachines(plan, known);
}

const takeAway = (stack: string): string => `to begin anew, \`${typed()} down ${stack}\` first`;

function renamedTeam({ stack, spec }: FleetPlan, { teams }: Known): readonly Rename[] {
  const [former] = teams.filter((name) => name !== spec.team);
  if (former === undefined) return [];
  const path = ["team"];
  if (teams.length > 1)
    return [
      { path, reason: `expected one team in the state of ${stack}, got ${ticked(teams)}, with the same servers; ${ofTwo(stack, former)}` },
    ];
  if (spec.was === former) return [];
  const keep = targetOf(spec).keepsTeamName
    ? "what is made there keeps its name for life: take it back"
    : `write \`was: ${former}\` beside it to keep what is up`;
  return [
    { path, reason: `expected \`${former}\`, by whose name what is up was made, got \`${spec.team}\`; ${keep}, or, ${takeAway(stack)}` },
  ];
}

/** What a version that followed no rename left where its run was cut: nothing on a server is undone by forgetting it. */
const ofTwo = (stack: string, former: string): string =>
  "a rename was cut short: make Pulumi forget the one that is not `team`, which touches no server: " +
  `pulumi state delete --target-dependents -s ${stack} 'urn:pulumi:${stack}::contest-fleet::fleet:index:TeamFleet::${former}'`;

function renamedServers({ stack, spec, servers }: FleetPlan, known: Known): readonly Rename[] {
  const at = new Map(known.servers.flatMap(({ name, place }) => (place === undefined ? [] : [[place, name] as const])));
  const names = new Set(known.servers.map(({ name }) => name));
  const reach = ({ spec: { address, port, jump } }: ServerPlan): string | undefined =>
    placeOf({ address, port, jump: typeof jump === "string" ? spec.servers[jump] : jump });
  return servers.flatMap((server): readonly Rename[] => {
    const former = at.get(reach(server) ?? "");
    if (former === undefined || former === server.name) return [];
    const path = ["servers", server.name];
    const got = `expected \`${former}\`, by whose name the server at \`${server.spec.address}\` was made, got \`${server.name}\``;
    if (names.has(server.name)) return [{ path, reason: `${got}, which is another one there; give it a name that is new to the stack` }];
    if (server.spec.was === former) return [];
    return [{ path, reason: `${got}; write \`was: ${former}\` in it to keep what is there, or, ${takeAway(stack)}` }];
  });
}

/** A machine has its name for life. One that goes and one that comes in the same step look like a rename, and would lose what is on the first. */
function replacedMachines({ stack, servers }: FleetPlan, known: Known): readonly Rename[] {
  const [planned, made] = [servers.map(({ name }) => name), [...new Set(known.servers.map(({ name }) => name))]];
  const [come, go] = [planned.filter((name) => !made.includes(name)), made.filter((name) => !planned.includes(name))];
  if (go.length === 0) return [];
  return come.map((name) => ({
    path: ["servers", name],
    reason:
      `expected ${ticked(go)} too, got \`${name}\` in its place; a machine keeps its name: call it so, ` +
      `or, to destroy it, leave it out, \`${typed()} up ${stack}\`, and add \`${name}\` afterwards`,
  }));
}
