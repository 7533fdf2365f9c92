// One role on one server. Previews show its resources' properties, files line by line.
import * as pulumi from "@pulumi/pulumi";
import type { Wants } from "../provisioners/engine/order.ts";
import type { Guards } from "../spec/guards.ts";
import { secondsOf } from "../spec/scalars.ts";
import type { ConnectionArgs } from "./connection.ts";

export interface RoleArgs {
  readonly host: string;
  readonly role: string;
  readonly connection: ConnectionArgs;
  /** By address (`file[/etc/motd]`), with marks where late values belong. */
  readonly resources: pulumi.Input<Wants>;
  /** The late values, by the names in their marks. */
  readonly late: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  readonly guard: Guards;
}

/** Of the engine's operations on one role, as a duration that its own units hold: `1h`. */
export const within = (limit: string): pulumi.CustomTimeouts => {
  const time = `${secondsOf(limit)}s`;
  return { create: time, update: time, delete: time };
};

export class Role extends pulumi.CustomResource {
  /** What could not be had at the last run, where that is all that failed: the roles behind it are done all the same. */
  declare readonly failed: pulumi.Output<readonly string[]>;

  constructor(name: string, args: RoleArgs, opts?: pulumi.CustomResourceOptions) {
    super("fleet:index:Role", name, { ...args, failed: undefined }, opts);
  }
}
