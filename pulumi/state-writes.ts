// How often the engine writes the state. It writes all of it after every step: four fifths of the time of 64 servers. A run that can be killed
// at any moment without it needs it once, at its end (docs/adr/0041-state-at-the-end.md).
import { targetOf } from "../components/targets/targets.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import { keyNames } from "../provisioners/key-names.ts";
import { pulumi } from "./command.ts";
import { isLocal, localDeployment } from "./state.ts";
import type { Deployment, StateResource } from "./state-file.ts";

/** Each server remembers what was done there, and a host key or a member's keys are asked for again. */
const foundAgain: ReadonlySet<string> = new Set(
  ["TeamFleet", "Host", "Role", "HostKey", "TeamKeys", "KeyPair", "Machine"].map((name) => `fleet:index:${name}`),
);
const ofPulumi = /^pulumi:(?:pulumi:Stack|providers:fleet)$/;

/** What is lost for good with the state: the keys by which the fleet comes in, and machines that nobody else knows of. */
const irreplaceable = ["fleet:index:KeyPair", "fleet:index:Machine"];

const names = (resources: readonly StateResource[], type: string): readonly string[] =>
  resources.filter((each) => each.type === type).map(({ urn }) => urn.split("::").at(-1) ?? "");

/** Whether a run of the plan that is killed anywhere leaves nothing that its next run can't find again, though the state knows nothing of it. */
export function needsNoSteps({ spec }: FleetPlan, { resources = [], pending_operations: open = [] }: Deployment): boolean {
  const machines = targetOf(spec).machines?.(spec);
  if (!machines || Object.keys(spec.hooks).length > 0 || open.length > 0) return false;
  if (resources.some(({ type }) => !foundAgain.has(type) && !ofPulumi.test(type))) return false;
  const wanted = [Object.values(keyNames(spec.team)), machines];
  return irreplaceable.every((type, index) => same(names(resources, type), wanted[index]!));
}

const same = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((each) => b.includes(each));

/** Servers up to which the state is small, and a second start of the engine would cost more. */
const fewServers = 8;

/** For the environment of the engine's `up`. A first run on many servers begins with the keys alone, and has them written down. */
export async function stateWrites(plan: FleetPlan): Promise<Readonly<Record<string, string>>> {
  if (!isLocal()) return {};
  const known = () => needsNoSteps(plan, localDeployment(plan.stack) ?? {});
  if (!known() && isFirst(plan)) await makeKeys(plan);
  return known() ? atTheEnd : {};
}

const atTheEnd = { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" };

const isFirst = ({ spec, servers, stack }: FleetPlan): boolean =>
  targetOf(spec).lent && servers.length > fewServers && names(localDeployment(stack)?.resources ?? [], "fleet:index:KeyPair").length === 0;

/** What goes wrong here, the run itself will say. */
async function makeKeys(plan: FleetPlan): Promise<void> {
  const targets = [plan.spec.team, ...Object.values(keyNames(plan.spec.team))].map((name) => `--target=**::${name}`);
  const args = ["up", "--stack", plan.stack, "--yes", "--skip-preview", ...targets];
  await pulumi(plan, args, { capture: true });
}
