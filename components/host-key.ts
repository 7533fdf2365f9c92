// The host key of a server that was handed out: shown once, and pinned in the state.
import * as pulumi from "@pulumi/pulumi";
import type { HostKeyInputs } from "../provisioners/provider/host-key.ts";

export class HostKey extends pulumi.CustomResource {
  declare readonly hostKey: pulumi.Output<string>;
  constructor(
    name: string,
    args: { readonly [Name in keyof HostKeyInputs]: pulumi.Input<HostKeyInputs[Name]> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super("fleet:index:HostKey", name, { ...args, hostKey: undefined, fingerprint: undefined }, opts);
  }
}
