// How a stack is measured: as its file says, or as was typed; where neither does, what would be done is said first, and asked.

import type { FleetUp } from "../operations/fleet-up.ts";
import { planOf } from "../provisioners/stack.ts";
import { BenchSpec, Load } from "../spec/bench.ts";
import { typed } from "../spec/typed.ts";
import { confirm } from "./terminal.ts";

export interface BenchWish {
  readonly yes: boolean;
  readonly wait?: boolean;
  readonly command?: string;
}

/** A load on a server that nobody spoke of is not begun unasked. */
export async function benchOf(fleet: FleetUp, { yes, ...typed }: BenchWish): Promise<BenchSpec> {
  const written = planOf(fleet.stack).spec.bench;
  if (written === undefined && typed.command === undefined && typed.wait !== true) await confirm(unasked(fleet), "yes", yes);
  const { wait, command } = typed;
  return { ...(written ?? BenchSpec.parse({})), ...(wait !== undefined && { wait }), ...(command !== undefined && { command }) };
}

function unasked({ stack, servers }: FleetUp): string {
  const { connections, duration } = Load.parse({});
  const [first] = servers;
  return `${stack} has no \`bench:\` in its stack file: this asks ${first!.name} (http://${first!.connection.address}) for GET /, ${connections} connections as fast as they can for ${duration} (other ways: ${typed()} bench -- COMMAND, --wait, ${typed()} docs measuring)`;
}
