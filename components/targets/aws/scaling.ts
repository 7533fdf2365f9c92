// When a pool grows: messages that wait for each host, by metric math on what SQS and the group already report.

export interface Backlog {
  readonly queueName: string;
  readonly groupName: string;
  /** Seconds that a message may wait. */
  readonly latency: number;
  /** Seconds that a host works on one message. */
  readonly perMessage: number;
}

export interface Metric {
  readonly id: string;
  readonly label: string;
  readonly expression?: string;
  readonly metricStat?: {
    readonly stat: string;
    readonly period: number;
    readonly metric: { readonly namespace: string; readonly metricName: string; readonly dimensions: { name: string; value: string }[] };
  };
  readonly returnData: boolean;
}

/** Messages that one host can have before it: what a latency allows. At least one. */
export const backlogTarget = ({ latency, perMessage }: Pick<Backlog, "latency" | "perMessage">): number =>
  Math.max(1, latency / perMessage);

/** Visible messages over hosts in service. With none in service the backlog itself counts: a division by zero would scale nothing. */
export function backlogMetrics({ queueName, groupName }: Pick<Backlog, "queueName" | "groupName">): readonly Metric[] {
  const stat = (id: string, label: string, of: string, namespace: string, metricName: string, name: string, value: string): Metric => ({
    id,
    label,
    metricStat: { stat: of, period: 60, metric: { namespace, metricName, dimensions: [{ name, value }] } },
    returnData: false,
  });
  return [
    stat("m1", "messages that wait", "Sum", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queueName),
    stat("m2", "hosts in service", "Average", "AWS/AutoScaling", "GroupInServiceInstances", "AutoScalingGroupName", groupName),
    { id: "e1", label: "backlog of each host", expression: "IF(m2>0, m1/m2, m1)", returnData: true },
  ];
}

export interface PoolSize {
  readonly min: number;
  readonly max: number;
}

/** The event's hours: more hosts ready before it begins, the usual after it. */
export interface EventHours extends PoolSize {
  /** ISO 8601, UTC. */
  readonly from: string;
  readonly until: string;
}

export interface ScheduledSize {
  readonly name: "begins" | "ends";
  readonly startTime: string;
  readonly minSize: number;
  readonly maxSize: number;
  /** -1 leaves the group as large as it is. */
  readonly desiredCapacity: number;
}

/** What a group is asked for: `desired` is left to it where it is undefined. */
export interface AskedSize extends PoolSize {
  readonly desired?: number | undefined;
}

/** One-time actions around an event, those that are still to come: AWS forgets one that ran, and refuses one in the past. */
export function scheduleOf(
  usual: AskedSize,
  { from, until, min, max }: EventHours,
  now: Date,
  byBacklog = false,
): readonly ScheduledSize[] {
  // A pool without a backlog shrinks by nothing else.
  const after = byBacklog ? -1 : (usual.desired ?? usual.min);
  const all: readonly ScheduledSize[] = [
    { name: "begins", startTime: from, minSize: min, maxSize: max, desiredCapacity: min },
    { name: "ends", startTime: until, minSize: usual.min, maxSize: usual.max, desiredCapacity: after },
  ];
  return all.filter(({ startTime }) => Date.parse(startTime) > now.getTime());
}

/** The sizes that hold now, as the schedule has set them: an up in the middle of the event must not take its servers away. */
export function sizeAt(usual: AskedSize, event: EventHours | undefined, now: Date): AskedSize {
  const during = event && Date.parse(event.from) <= now.getTime() && now.getTime() < Date.parse(event.until);
  return during ? { min: event.min, max: event.max } : usual;
}

/** Longer than a job takes, with room for its upload: a message that shows again while it is worked on is done twice. AWS's bounds kept. */
export const visibilityFor = (jobSeconds: number): number => Math.min(43_200, Math.max(30, Math.ceil(jobSeconds * 6)));
