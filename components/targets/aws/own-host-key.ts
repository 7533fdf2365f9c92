// The host key that a server makes itself at the first connection, in place of the one that it was started with.
import * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs } from "../../connection.ts";

export class OwnHostKey extends pulumi.CustomResource {
  declare readonly hostKey: pulumi.Output<string>;
  constructor(name: string, args: { readonly name: string; readonly connection: ConnectionArgs }, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:OwnHostKey", name, { ...args, hostKey: undefined, fingerprint: undefined }, opts);
  }
}
