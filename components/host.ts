// A server that can be reached over SSH, wherever it comes from.
import * as pulumi from "@pulumi/pulumi";
import type { Facts } from "../provisioners/host/facts.ts";
import type { Connection } from "../provisioners/host/shell.ts";
import type { HostInputs } from "../provisioners/plugin/host.ts";

export type HostArgs = { readonly [Name in keyof HostInputs]: pulumi.Input<HostInputs[Name]> };

export class Host extends pulumi.CustomResource {
  /** A secret: it holds the key or password. With the pinned host key. */
  declare readonly connection: pulumi.Output<Connection>;
  declare readonly facts: pulumi.Output<Facts>;
  constructor(name: string, args: HostArgs, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:Host", name, { ...args, facts: undefined }, opts);
  }
}
