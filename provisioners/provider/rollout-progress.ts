// How far a group's servers are on their way to one template, read from what AWS says of the group. Pure.

import type { Activity, AutoScalingGroup, Instance } from "@aws-sdk/client-auto-scaling";
import { counted } from "../../spec/counted.ts";

export interface Progress {
  /** In service and healthy, with the template that is wanted. */
  readonly serving: number;
  readonly desired: number;
  /** Still there with another template. */
  readonly others: number;
  /** On their way into service. */
  readonly booting: number;
}

const versionOf = ({ LaunchTemplate }: Instance): string => LaunchTemplate?.Version ?? "";
const leaving = ({ LifecycleState }: Instance): boolean => /^(?:Terminat|Detach|Standby|EnteringStandby)/.test(LifecycleState ?? "");
const serves = ({ LifecycleState, HealthStatus }: Instance): boolean =>
  LifecycleState === "InService" && HealthStatus?.toLowerCase() !== "unhealthy";

export function progressOf({ Instances = [], DesiredCapacity = 0 }: AutoScalingGroup, version: string): Progress {
  const there = Instances.filter((each) => !leaving(each));
  const wanted = there.filter((each) => versionOf(each) === version);
  const serving = wanted.filter(serves).length;
  return { serving, desired: DesiredCapacity, others: there.length - wanted.length, booting: wanted.length - serving };
}

export const isThrough = ({ serving, desired, others }: Progress): boolean => serving >= desired && others === 0;

/** `1 of 4 servers serve, 2 start, 3 still have the template before`. */
export function progressText({ serving, desired, others, booting }: Progress): string {
  const parts = [
    `${serving} of ${desired} servers serve`,
    ...(booting > 0 ? [`${booting} start`] : []),
    ...(others > 0 ? [`${others} still have the template before`] : []),
  ];
  return parts.join(", ");
}

const began = ({ StartTime }: Activity): number => StartTime?.getTime() ?? 0;

/** Launches that came to nothing since then, the newest first. A server that was taken away is no launch. */
export const failuresSince = (activities: readonly Activity[], since: number): readonly Activity[] =>
  activities
    .filter(({ StatusCode = "" }) => StatusCode === "Failed" || StatusCode === "Cancelled")
    .filter(({ Description = "" }) => !/^Terminating/.test(Description))
    .filter((each) => began(each) >= since)
    .sort((a, b) => began(b) - began(a));

export const reasonOf = ({ StatusMessage, Description }: Activity): string =>
  (StatusMessage || Description || "no reason given").replace(/\.$/, "");

/** So many launches in a row that come to nothing are enough. */
const enough = 3;
/** Seconds beside the servers' own patience, in which the group notices and says so. */
const slack = 180;

export interface Watched {
  readonly progress: Progress;
  /** Since the last server that came into service, or since the look began; the newest first. */
  readonly failures: readonly Activity[];
  /** Seconds since then. */
  readonly quiet: number;
  /** Seconds that a server has for its boot. */
  readonly patience: number;
  /** Why AWS's own instance refresh ended before its end. */
  readonly refreshEnded?: string | undefined;
}

/** `wait`, `done`, or why it can't come right. */
export function verdict({ progress, failures, quiet, patience, refreshEnded }: Watched): "wait" | "done" | { readonly why: string } {
  if (isThrough(progress)) return "done";
  const [newest] = failures;
  const said = newest ? `, the newest: ${reasonOf(newest)}` : "";
  if (failures.length >= enough) return { why: `${counted(failures.length, "launch", "launches")} in a row failed${said}` };
  if (refreshEnded !== undefined) return { why: `AWS ended the replacement: ${refreshEnded}${said}` };
  if (quiet <= patience + slack) return "wait";
  const minutes = Math.round(quiet / 60);
  return {
    why: `no server more came into service in ${minutes} minutes${said || "; its boot has not reported (the log on it: journalctl -u cloud-final)"}`,
  };
}
