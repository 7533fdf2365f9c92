// A fleet that is machines of this computer and what is on them needs no engine to go: with the machines, all of it is gone.
import { targetOf } from "../components/targets/targets.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import type { StateResource } from "../pulumi/state-file.ts";

/** What lies in the state alone, or on a machine. */
const onMachines = new Set(["TeamFleet", "KeyPair", "TeamKeys", "Host", "Role", "Machine"].map((name) => `fleet:index:${name}`));
const engines = /^pulumi:(?:pulumi:Stack|providers:fleet)$/;

/** What lies in the state alone, or is remembered by the server that was handed out. */
const onServers = new Set(["TeamFleet", "KeyPair", "TeamKeys", "Host", "HostKey", "Role"].map((name) => `fleet:index:${name}`));

/** Whether all that a state held can be given back without it: nothing but what the stack file's own servers remember. */
export function standsOnServers({ spec, servers }: FleetPlan, resources: readonly StateResource[]): boolean {
  const known = resources.every(({ type }) => onServers.has(type) || engines.test(type));
  const names = new Set<unknown>(servers.map(({ name }) => name));
  const hosts = resources.filter(({ type }) => type === "fleet:index:Host");
  return targetOf(spec).lent && known && hosts.every(({ inputs }) => names.has(inputs?.name));
}

/**
 * Whether the state holds nothing that would outlive the machines: no server that was handed out, no hook, nothing of a cloud, no machine of
 * another stack's name.
 */
export function machinesAlone(stack: string, resources: readonly StateResource[]): boolean {
  const of = (type: string) => resources.filter((each) => each.type === `fleet:index:${type}`);
  const [machines, hosts] = [of("Machine"), of("Host")];
  const known = resources.every(({ type }) => onMachines.has(type) || engines.test(type));
  const ours = machines.every(({ inputs }) => inputs?.stack === stack);
  const names = new Set(machines.map(({ inputs }) => inputs?.name));
  return known && ours && machines.length > 0 && hosts.every(({ inputs }) => names.has(inputs?.name));
}
