// fleet:index:Machine: a practice machine on this computer. The drivers do the work; here it becomes a resource of the engine.
import { atCreation, type MachineDriver, type MachineSpec, type MachineState, replacing } from "../../machines/machine.ts";
import { same } from "./difference.ts";
import type { Call, Resource } from "./resource.ts";
import { type Json, secret, unknown } from "./wire.ts";

export interface MachineOutputs extends MachineSpec, Omit<MachineState, "id" | "leaderPid"> {}

/** Where SSH will answer, as far as that is known before the machine exists. */
const expected = ({ driver, address }: MachineSpec, port = unknown as never as number) =>
  driver === "qemu" ? { address: "127.0.0.1", port, privateAddress: address } : { address, port: 22, privateAddress: address };

const idOf = ({ stack, name }: Pick<MachineSpec, "stack" | "name">): string => `${stack}/${name}`;

const mustReplace: ReadonlySet<string> = new Set(replacing);
const passing: ReadonlySet<string> = new Set(atCreation);

type Drivers = Readonly<Record<MachineSpec["driver"], MachineDriver>>;

/** @param drivers loaded where there is a machine: other targets need none of them */
export function machineResource(drivers: () => Promise<Drivers>): Resource<MachineSpec, MachineOutputs> {
  /** Which resource of this run has the machine: another one's delete is a rename, and must not take it away. */
  const holders = new Map<string, string>();
  const ensure = async (spec: MachineSpec, call: Call): Promise<MachineOutputs> => {
    holders.set(idOf(spec), call.urn);
    const {
      id: _,
      leaderPid: __,
      ...state
    } = await (await drivers())[spec.driver].ensure(spec, { log: (line) => call.log("info", line, true), signal: call.signal });
    return { ...spec, ...state };
  };
  return {
    refreshBeforeUpdate: true,
    diff({ outputs }, news) {
      // The spec's address is the private one; the state's is where SSH answers.
      const was: MachineOutputs = { ...outputs, address: outputs.privateAddress };
      const names = Object.keys(news) as (keyof MachineSpec)[];
      const changed = names.filter((name) => !passing.has(name) && !same(was[name], news[name]));
      const properties = changed.map((name) => [name, mustReplace.has(name) ? ("update-replace" as const) : ("update" as const)]);
      return { ...Object.fromEntries(properties), ...(outputs.running ? {} : { running: "update" }) };
    },
    async create(spec, call, preview) {
      const id = idOf(spec);
      if (preview) return { id, outputs: { ...spec, ...expected(spec), user: unknown, hostKey: unknown, running: true } };
      return { id, outputs: await ensure(spec, call) };
    },
    async read(id, old) {
      const found = await (await drivers())[old.inputs.driver].read(id);
      if (!found) return undefined;
      const { running, hostKey, address, port, privateAddress } = found;
      return { inputs: old.inputs, outputs: { ...old.outputs, running, hostKey, address, port, privateAddress } };
    },
    update: async (_id, { outputs }, spec, call, preview) =>
      preview ? { ...outputs, ...spec, ...expected(spec, outputs.port), running: true } : await ensure(spec, call),
    async delete(id, { outputs }, call) {
      const holder = holders.get(id) ?? call.urn;
      if (holder !== call.urn) return call.log("info", `${outputs.name}: stays, as ${holder.split("::").at(-1)}`);
      await (await drivers())[outputs.driver].destroy(outputs, { log: (line) => call.log("info", line, true), signal: call.signal });
    },
    hide: (outputs) => ({ ...outputs, ...(outputs.users && { users: secret(outputs.users as unknown as Json) }) }),
  };
}
