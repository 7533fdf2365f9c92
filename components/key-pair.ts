// An ed25519 key that lives encrypted in the state.
import * as pulumi from "@pulumi/pulumi";

export class KeyPair extends pulumi.CustomResource {
  declare readonly publicKey: pulumi.Output<string>;
  /** A secret. */
  declare readonly privateKey: pulumi.Output<string>;
  constructor(name: string, args: { readonly comment: pulumi.Input<string> }, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:KeyPair", name, { ...args, publicKey: undefined, privateKey: undefined }, opts);
  }
}
