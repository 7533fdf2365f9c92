// A machine that we make ourselves on this computer, to practise on.
import * as pulumi from "@pulumi/pulumi";
import type { MachineSpec } from "../../../machines/machine.ts";

/** What of a machine's spec is known before anything exists, and the key that may log in. */
export type MachineArgs = Omit<MachineSpec, "authorizedKey"> & { readonly authorizedKey: pulumi.Input<string> };

/** Costs some seconds and a few hundred MB of disk; the first one on a computer builds the base image, about half a minute. */
export class Machine extends pulumi.CustomResource {
  /** Where this computer reaches its SSH server. */
  declare readonly address: pulumi.Output<string>;
  declare readonly port: pulumi.Output<number>;
  /** Where the other machines of its stack reach it. */
  declare readonly privateAddress: pulumi.Output<string>;
  declare readonly user: pulumi.Output<string>;
  /** Made at creation, and so pinned before the first connection. */
  declare readonly hostKey: pulumi.Output<string>;
  constructor(name: string, args: MachineArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { port: undefined, privateAddress: undefined, user: undefined, hostKey: undefined, running: undefined };
    super("fleet:index:Machine", name, { ...args, ...outputs }, opts);
  }
}
