// A pool counts as up when its servers serve: see provisioners/provider/pool-rollout.ts.

import * as pulumi from "@pulumi/pulumi";
import type { Access } from "../../../provisioners/aws/access.ts";

interface PoolRolloutArgs extends Access {
  readonly group: pulumi.Input<string>;
  readonly version: pulumi.Input<string>;
  readonly patience: number;
  readonly minHealthy: number;
  readonly shape: string;
}

export class PoolRollout extends pulumi.CustomResource {
  constructor(name: string, args: PoolRolloutArgs, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:PoolRollout", name, { ...args, worked: undefined, missing: undefined, problem: undefined }, opts);
  }
}
