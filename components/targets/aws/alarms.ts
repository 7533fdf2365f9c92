// What to do when EC2's own checks fail, and what to watch on a queue: alarms as data.
import type { InstanceType } from "./facts/types.ts";

export interface Alarm {
  readonly name: string;
  readonly description: string;
  readonly namespace: string;
  readonly metricName: string;
  readonly statistic: string;
  /** Seconds. */
  readonly period: number;
  readonly evaluationPeriods: number;
  readonly threshold: number;
  readonly comparisonOperator: "GreaterThanOrEqualToThreshold";
  readonly treatMissingData: "missing" | "notBreaching";
}

const atLeast = { comparisonOperator: "GreaterThanOrEqualToThreshold" } as const;
const check = { namespace: "AWS/EC2", statistic: "Maximum", period: 60, threshold: 1, treatMissingData: "missing", ...atLeast } as const;

export interface StatusAlarm extends Alarm {
  readonly action: "reboot" | "recover";
}

/**
 * Reboot when the system hangs. When the hardware fails, `recover` moves an instance to other hardware, which EC2 does only for those
 * without instance store: for the others an alarm would look like help and give none, so there is none.
 */
export function statusAlarms({ disks }: InstanceType): readonly StatusAlarm[] {
  const reboot: StatusAlarm = {
    name: "instance-check",
    description: "the system does not answer EC2's check: reboot it",
    metricName: "StatusCheckFailed_Instance",
    evaluationPeriods: 3,
    action: "reboot",
    ...check,
  };
  const recover: StatusAlarm = {
    name: "system-check",
    description: "the hardware below fails: move to other hardware",
    metricName: "StatusCheckFailed_System",
    evaluationPeriods: 2,
    action: "recover",
    ...check,
  };
  return disks > 0 ? [reboot] : [reboot, recover];
}

/** EC2's own action of an alarm. */
export const actionArn = (region: string, action: StatusAlarm["action"]): string => `arn:aws:automate:${region}:ec2:${action}`;

const queue = {
  namespace: "AWS/SQS",
  statistic: "Maximum",
  period: 60,
  evaluationPeriods: 1,
  treatMissingData: "notBreaching",
  ...atLeast,
} as const;

/** A message that no host could work on. */
export const deadLetters: Alarm = {
  name: "dead-letters",
  description: "messages that failed again and again; look at one, mend the worker, then redrive",
  metricName: "ApproximateNumberOfMessagesVisible",
  threshold: 1,
  ...queue,
};

/** A message that waits longer than is meant. `seconds` is the limit. */
export const oldMessages = (seconds: number): Alarm => ({
  name: "old-messages",
  description: `a message waits longer than ${seconds} s; the workers don't keep up`,
  metricName: "ApproximateAgeOfOldestMessage",
  threshold: seconds,
  ...queue,
});
