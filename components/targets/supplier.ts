// The wiring of a target: makes its servers, or takes what was handed out, and says how each is reached.
import type * as pulumi from "@pulumi/pulumi";
import type { LateName } from "../../provisioners/engine/placeholders.ts";
import type { FleetPlan, ServerPlan } from "../../provisioners/expand.ts";
import type { ConnectionArgs } from "../connection.ts";
import type { KeyPair } from "../key-pair.ts";
import type { Work } from "./aws/workloads.ts";

export interface Supplied {
  readonly connection: ConnectionArgs;
  readonly hostKey: pulumi.Input<string>;
  /** Of its volumes, by name: known when they are attached. */
  readonly devices?: Readonly<Record<string, pulumi.Input<string>>>;
  /** The server goes away with it: nothing on it needs to be undone. */
  readonly deletedWith?: pulumi.Resource;
}

export interface Means {
  readonly fleetKey: KeyPair;
  /** By path in the fleet. */
  readonly secrets: (path: string) => pulumi.Output<string>;
  readonly parent: pulumi.Resource;
}

/** What stands for the marks of these names. */
export type LateSource = (names: readonly LateName[]) => Record<string, pulumi.Input<string>>;

export interface Supply {
  /** By server name. */
  readonly servers: Readonly<Record<string, Supplied>>;
  /** When all of it may go: ISO 8601, or `never`; where the target makes it, and it costs. */
  readonly expiresAt?: pulumi.Input<string>;
  /** Makes what works beside the servers, where the target has such a thing: it may wait for what they say of themselves. */
  readonly work?: (late: LateSource) => Work | undefined;
}

/** @param name of the team, with which all names begin */
export type Supplier = (name: string, plan: FleetPlan, means: Means) => Supply;

export const eachServer = ({ servers }: FleetPlan, one: (server: ServerPlan) => Supplied): Supply => ({
  servers: Object.fromEntries(servers.map((server) => [server.name, one(server)])),
});

/** A secret stands in a spec as its mark alone, or (on practice) as plain text. */
export function secretText(text: string, secrets: Means["secrets"]): pulumi.Input<string> {
  const path = /^\u27e6secret:(.*)\u27e7$/.exec(text)?.[1];
  return path === undefined ? text : secrets(path);
}
