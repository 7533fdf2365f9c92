// Nothing but what the stack says steers a group: see provisioners/provider/pool-guard.ts.

import * as pulumi from "@pulumi/pulumi";
import type { Access } from "../../../provisioners/aws/access.ts";

interface PoolGuardArgs extends Access {
  readonly group: pulumi.Input<string>;
  readonly own: readonly pulumi.Input<string>[];
}

export class PoolGuard extends pulumi.CustomResource {
  constructor(name: string, args: PoolGuardArgs, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:PoolGuard", name, { ...args, strays: undefined }, opts);
  }
}
