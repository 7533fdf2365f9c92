// The host key of a server that was handed out: shown once, and pinned in the state.
import * as pulumi from "@pulumi/pulumi";
import type { HostKeyInputs } from "../../../provisioners/provider/host-key.ts";
import type { ConnectionArgs } from "../../connection.ts";

type Args = { readonly [Name in keyof Omit<HostKeyInputs, "jump">]: pulumi.Input<HostKeyInputs[Name]> } & Pick<ConnectionArgs, "jump">;

export class HostKey extends pulumi.CustomResource {
  declare readonly hostKey: pulumi.Output<string>;
  constructor(name: string, args: Args, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:HostKey", name, { ...args, hostKey: undefined, fingerprint: undefined }, opts);
  }
}
