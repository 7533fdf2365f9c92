// An alarm of CloudWatch from its data.
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Alarm } from "./alarms.ts";
import type { Tags } from "./tags.ts";

export interface AlarmWiring {
  readonly dimensions: Readonly<Record<string, pulumi.Input<string>>>;
  /** ARNs of topics and of EC2's own actions. */
  readonly actions: readonly pulumi.Input<string>[];
  readonly tags: Tags;
}

export function alarm(
  name: string,
  data: Alarm,
  { dimensions, actions, tags }: AlarmWiring,
  opts: pulumi.CustomResourceOptions,
): aws.cloudwatch.MetricAlarm {
  const { name: _, description, ...rest } = data;
  const args = { ...rest, alarmDescription: description, dimensions, alarmActions: [...actions] };
  return new aws.cloudwatch.MetricAlarm(name, { ...args, tags: { ...tags } }, opts);
}
