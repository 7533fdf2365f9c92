// What the state of a stack knows, by the names that it was made with; and the refusal of a stack file that calls it otherwise, or asks for
// what can't be made of it.
import { targetOf } from "../components/targets/targets.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import { type Known, type KnownServer, placeOf, renamesIn } from "../provisioners/renames.ts";
import { placesIn } from "../provisioners/stack.ts";
import { pathText } from "../spec/path.ts";
import { type Problem, refusal } from "../spec/problem.ts";
import { ask } from "./command.ts";
import { existing, isLocal, localDeployment } from "./state.ts";
import type { StateResource } from "./state-file.ts";

interface Place {
  readonly address?: string;
  readonly port?: number;
  readonly jump?: { readonly address?: string };
}

/** Each says in its inputs which server it is for. */
const ofServers = ["Host", "HostKey", "OwnHostKey", "Machine"].map((name) => `fleet:index:${name}`);

export function knownIn(resources: readonly StateResource[]): Known {
  const there = resources.filter((each) => each.delete !== true);
  const servers = there
    .filter(({ type, inputs }) => ofServers.includes(type) && typeof inputs?.name === "string")
    .map(({ type, inputs = {} }): KnownServer => {
      const reach = (type === "fleet:index:Machine" ? {} : (inputs.connection ?? inputs)) as Place;
      return { name: String(inputs.name), place: placeOf(reach) };
    });
  return {
    teams: there.filter(({ type }) => type === "fleet:index:TeamFleet").map(({ urn }) => urn.split("::").at(-1) ?? ""),
    servers: [...new Map(servers.map((each) => [JSON.stringify(each), each])).values()],
  };
}

export const knownNames = async (stack: string): Promise<Known> => knownIn(await resourcesOf(stack));

/** Secrets in it are encrypted. */
export async function resourcesOf(stack: string): Promise<readonly StateResource[]> {
  if ((await existing([stack])).length === 0) return [];
  const deployment = isLocal()
    ? localDeployment(stack)
    : JSON.parse(await ask(undefined, ["stack", "export", "--stack", stack])).deployment;
  return deployment?.resources ?? [];
}

const compared = "FLEET_NAMES_COMPARED";
/** For a run of Pulumi's: what `fleet` has looked at already, its program need not. A state that is far away costs a second. */
export const namesCompared = ({ stack }: FleetPlan): Readonly<Record<string, string>> => ({ [compared]: stack });

/** Problems of the stack file against the state, with their places: other names, smaller disks. */
export async function stateProblems(plan: FleetPlan): Promise<readonly Problem[]> {
  const resources = await resourcesOf(plan.stack);
  const found = [...renamesIn(plan, knownIn(resources)), ...(targetOf(plan.spec).against?.(plan.spec, resources) ?? [])];
  if (found.length === 0) return [];
  const placeIn = placesIn(plan.stack);
  return found.map(({ path, reason }) => ({ at: placeIn(path), path: pathText(path), reason }));
}

/** Throws a UserError for what can't be made of what is up. Before anything else is done. */
export async function refuseByState(plan: FleetPlan): Promise<void> {
  if (process.env[compared] === plan.stack && !isLocal()) return;
  const problems = await stateProblems(plan);
  if (problems.length > 0) throw refusal(`stacks/Pulumi.${plan.stack}.yaml`, problems);
}
