// A server that died and left the stack file: Pulumi forgets what it knows of it, since nothing there can be undone any more.
import type { FleetPlan } from "../provisioners/expand.ts";
import { choice } from "../spec/messages.ts";
import { UserError } from "../spec/problem.ts";
import { knownNames } from "./known-names.ts";
import { edit } from "./state.ts";
import type { Deployment, StateResource } from "./state-file.ts";

const hostOf = (servers: readonly string[], { type, inputs }: StateResource): boolean =>
  type === "fleet:index:Host" && servers.includes(String(inputs?.name));

/** What is of the server itself; what belongs to a machine that the fleet made goes with the machine. */
const ownsIt = (servers: readonly string[], { type, inputs }: StateResource): boolean =>
  type === "fleet:index:HostKey" && servers.includes(String(inputs?.name));

/** Without what is of these servers. Whatever waited for it waits for it no more. */
export function without(servers: readonly string[], deployment: Deployment): Deployment {
  const all = deployment.resources ?? [];
  const hosts = new Set(all.filter((each) => hostOf(servers, each)).map(({ urn }) => urn));
  const gone = new Set(
    all.filter((each) => hosts.has(each.urn) || hosts.has(each.parent ?? "") || ownsIt(servers, each)).map(({ urn }) => urn),
  );
  const left = (urns: readonly string[]): readonly string[] => urns.filter((urn) => !gone.has(urn));
  const resources = all
    .filter(({ urn }) => !gone.has(urn))
    .map((each) => ({
      ...each,
      ...(each.dependencies && { dependencies: left(each.dependencies) }),
      ...(each.propertyDependencies && {
        propertyDependencies: Object.fromEntries(Object.entries(each.propertyDependencies).map(([name, urns]) => [name, left(urns)])),
      }),
    }));
  return { ...deployment, resources };
}

/** Throws a UserError for a name that neither the state knows nor the stack file. */
export async function forgetServers(plan: FleetPlan, servers: readonly string[]): Promise<void> {
  if (servers.length === 0) return;
  const known = [...new Set([...(await knownNames(plan.stack)).servers, ...plan.servers].map(({ name }) => name))];
  for (const name of servers)
    if (!known.includes(name))
      throw new UserError(`--forget: expected a server that ${plan.stack} knows, got \`${name}\`${choice(name, known)}`);
  await edit(plan, (deployment) => without(servers, deployment));
  console.error(`${plan.stack}: ${servers.join(", ")} forgotten; what was done there stays there`);
}
