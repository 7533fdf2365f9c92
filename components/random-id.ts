// Eight hexadecimal digits that stay until `replacementTrigger` says that what they name is made anew.
import * as pulumi from "@pulumi/pulumi";

export class Nonce extends pulumi.CustomResource {
  declare readonly value: pulumi.Output<string>;
  constructor(name: string, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:Nonce", name, { value: undefined }, opts);
  }
}
