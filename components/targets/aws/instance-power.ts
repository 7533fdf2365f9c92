// A server that is off is started again: see provisioners/provider/instance-power.ts.

import * as pulumi from "@pulumi/pulumi";
import type { Access } from "../../../provisioners/aws/access.ts";

interface InstancePowerArgs extends Access {
  readonly instance: pulumi.Input<string>;
}

export class InstancePower extends pulumi.CustomResource {
  /** What it got when it was started here; empty where that was not needed. */
  declare readonly address: pulumi.Output<string>;

  constructor(name: string, args: InstancePowerArgs, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:InstancePower", name, { ...args, state: undefined, address: undefined }, opts);
  }
}
