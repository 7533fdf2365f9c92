// Nothing but what the stack says steers a group: see provisioners/plugin/pool-guard.ts.
import * as pulumi from "@pulumi/pulumi";
import type { PoolGuardInputs } from "../../provisioners/plugin/pool-guard.ts";

type Inputs<T> = {
  readonly [Key in keyof T]: pulumi.Input<T[Key] extends readonly (infer Each)[] ? readonly pulumi.Input<Each>[] : T[Key]>;
};

export class PoolGuard extends pulumi.CustomResource {
  constructor(name: string, args: Inputs<PoolGuardInputs>, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:PoolGuard", name, { ...args, strays: undefined }, opts);
  }
}
