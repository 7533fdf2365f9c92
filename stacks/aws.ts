// Servers on EC2. The settings of the target; its components read nothing else.
import { z } from "zod";

const region = "expected an AWS region such as `ap-northeast-1`";
const instanceType = "expected an EC2 instance type such as `c5.large`";

/** `t4g.small`, `i4i.2xlarge`, `c7i-flex.large`, `u-6tb1.56xlarge`, `m5.metal-48xl`. */
export const InstanceType = z
  .string({ error: instanceType })
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.(?:[0-9]*[a-z]+)(?:-[0-9]+xl)?$/, { error: instanceType })
  .describe("EC2 instance type");

export const AwsTarget = z
  .strictObject({
    kind: z.literal("aws"),
    region: z
      .string({ error: region })
      .regex(/^[a-z]{2}(?:-[a-z]+){1,3}-[1-9]$/, { error: region })
      .describe("AWS region of all servers"),
    instanceType: InstanceType.default("c5.large").describe("EC2 instance type of every server; default `c5.large`, what ISUCON hands out"),
  })
  .describe("servers on EC2, made by the fleet");
