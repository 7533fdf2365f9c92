// What the program exports of a stack that is up (index.ts): how to reach its servers, and what works beside them.

import type { Work } from "../components/targets/aws/workloads.ts";
import type { Connection } from "../provisioners/engine/shell.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import type { Aimed } from "../provisioners/stack.ts";
import { ask } from "../pulumi/command.ts";
import type { Plain } from "./aws/work.ts";

export interface Exported {
  /** By name; undefined where nothing is up. */
  readonly servers?: Readonly<Record<string, Connection>>;
  /** The fleet's own user on every server. */
  readonly admin: { readonly user: string; readonly privateKey: string };
  /** When all of it may go, ISO 8601 or `never`; absent where it costs nothing by the hour. */
  readonly expiresAt?: string;
  /** Pools, pipelines and databases; absent where there are none. */
  readonly aws?: Plain<Work>;
}

/** Passwords and keys in it are in the clear. */
export const exportedBy = async (plan: Aimed & Pick<FleetPlan, "stack">): Promise<Exported> =>
  JSON.parse(await ask(plan, ["stack", "output", "--stack", plan.stack, "--show-secrets", "--json"]));
