// A server that can be reached over SSH, wherever it comes from.
import * as pulumi from "@pulumi/pulumi";
import type { Facts } from "../provisioners/engine/facts.ts";
import type { HostInputs } from "../provisioners/provider/host.ts";
import type { ConnectionArgs } from "./connection.ts";

export interface HostArgs extends Omit<HostInputs, "connection"> {
  readonly connection: ConnectionArgs;
}

export class Host extends pulumi.CustomResource {
  declare readonly facts: pulumi.Output<Facts>;
  constructor(name: string, args: HostArgs, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:Host", name, { ...args, facts: undefined }, opts);
  }
}
