// The members' SSH keys, frozen in the state with their fingerprints.
import * as pulumi from "@pulumi/pulumi";
import type { TeamKeysInputs } from "../provisioners/provider/team-keys.ts";

export class TeamKeys extends pulumi.CustomResource {
  /** By user name: lines of authorized_keys. */
  declare readonly keys: pulumi.Output<Readonly<Record<string, readonly string[]>>>;
  constructor(name: string, args: TeamKeysInputs, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:TeamKeys", name, { ...args, keys: undefined, fingerprints: undefined }, opts);
  }
}
