// Servers that nobody pushes to, in the words of the plan: one stands for all of its pool.
import type { TargetPool } from "../components/targets/contract.ts";
import type { OverlayEntry } from "../spec/overlay.ts";
import type { ServerPlan } from "./expand.ts";
import { accountOf, portsOf } from "./roles/contract.ts";

export interface PoolPlan extends ServerPlan {
  /** In the stack file: `target.pools.web`. */
  readonly place: string;
}

/** Of the pools that are told roles. */
export const poolPlans = (pools: readonly TargetPool[], overlays: Readonly<Record<string, readonly OverlayEntry[]>>): readonly PoolPlan[] =>
  pools.flatMap(({ name, place, roles, params, declared }) => {
    if (!roles) return [];
    const spec = { roles: [...roles], params, port: 22 };
    const view = { name, privateAddress: "127.0.0.1", account: accountOf(spec), roles, ports: portsOf(spec), pooled: true };
    return [{ name, place, spec, view, declared, overlay: overlays[name] ?? [] }];
  });
