// EC2's instances, as far as they are there at all: a terminated one is told of for an hour.
import { type EC2Client, type Filter, type Instance, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { all } from "./tagged-resource.ts";

const alive = ["pending", "running", "stopping", "stopped", "shutting-down"];

/** Those of all `filters`, page by page; in whatever state but `terminated`, unless `states` says otherwise. */
export async function instancesBy(client: EC2Client, filters: readonly Filter[], states: readonly string[] = alive): Promise<Instance[]> {
  const Filters = [...filters, { Name: "instance-state-name", Values: [...states] }];
  return await all(paginateDescribeInstances({ client }, { Filters }), ({ Reservations = [] }) =>
    Reservations.flatMap(({ Instances = [] }) => Instances),
  );
}
