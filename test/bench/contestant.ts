// What a contestant is: given hosts and a workload, it makes them so, and says how long that took.
import type { Connection } from "../../provisioners/engine/shell.ts";

export const phases = ["first run", "nothing to do", "one file changed"] as const;
export type Phase = (typeof phases)[number];

export interface Job {
  readonly hosts: readonly Connection[];
  readonly phase: Phase;
  /** Of the workload: what the hosts shall have afterwards. */
  readonly revision: number;
}

export interface Sample {
  /** From the start of the work to its end. */
  readonly seconds: number;
  /** Before the work, where the contestant's program can be started beforehand and is in the product. @default 0 */
  readonly startSeconds?: number;
  /** Largest resident size in MB: of the controlling process, or of all processes of a whole command. */
  readonly memoryMB?: number;
  /** Of a whole command, with everything that it started. */
  readonly cpuSeconds?: number;
}

export interface Place {
  /** The bench's own, temporary: `client` (key), `known_hosts`. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

export interface Contestant {
  readonly name: string;
  /** Why a cell is not run; undefined where it is. What a later phase needs of it, the floor does. */
  skips(hosts: number, phase: Phase): string | undefined;
  /** How often a cell is run at most: the slow ones once, where it takes minutes. */
  runs(hosts: number, wanted: number): number;
  /** Writes what can be written beforehand, then measures. Throws where the work was not done. */
  run(job: Job, place: Place): Promise<Sample>;
  /** Whether somebody else looks at what it left; whole commands do the workload's files alone, and look themselves. @default true */
  readonly judged?: boolean;
  /** Takes away what it keeps outside the bench's directory. */
  end?(): void;
}
