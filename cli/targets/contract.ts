// What commands do with one target beside what they do with every stack: it takes time, asks somebody, or speaks.
import type { RoleReport } from "../../provisioners/engine/report.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import type { LentServer } from "../lent-servers.ts";

export interface ServerPrice {
  /** `c5.large` */
  readonly type: string;
  /** USD, on demand. */
  readonly perHour?: number;
}

export interface TargetOperations {
  /** Before the engine makes servers: what takes long, where a person sees how long. */
  prepare?(plan: FleetPlan): Promise<void>;
  /** What is around the servers, held against the target's own rules; undefined where there are none. */
  report?(plan: FleetPlan): Promise<RoleReport | undefined>;
  /** What it has cost until now, in a line. */
  spent?(plan: FleetPlan): Promise<string>;
  /** What each server is and costs, where that is known. */
  prices?(plan: FleetPlan): Promise<Readonly<Record<string, ServerPrice>>>;
  /** Servers that get back what they had. Asked before the state goes, which knows their host keys. */
  lent?(plan: FleetPlan): Promise<readonly LentServer[]>;
  /** @param destroy runs Pulumi's, with these variables added, and returns its exit code */
  destroy?(plan: FleetPlan, destroy: (env: Readonly<Record<string, string>>) => Promise<number>): Promise<number>;
  /** Says what is left, and returns 0 only where that is nothing. */
  proven?(plan: FleetPlan): Promise<number>;
}
