// One role on one server. Previews show its resources' properties, files line by line.
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../provisioners/host/shell.ts";
import type { Guards } from "../stacks/guards.ts";

export interface RoleArgs {
  readonly host: string;
  readonly role: string;
  readonly connection: pulumi.Input<Connection>;
  /** By address (`file[/etc/motd]`). */
  readonly resources: pulumi.Input<Readonly<Record<string, pulumi.Input<object>>>>;
  readonly guard: Guards;
}

export class Role extends pulumi.CustomResource {
  constructor(name: string, args: RoleArgs, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:Role", name, { ...args }, opts);
  }
}
