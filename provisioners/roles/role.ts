// A role is a pure function from typed parameters and facts to resources. Nothing else.
import type { z } from "zod";
import type { Facts } from "../engine/facts.ts";
import type { Declared } from "../resources/want.ts";

/** The team as a role sees it: plain data, the same for every server but for `self`. */
export interface TeamView {
  readonly name: string;
  readonly servers: readonly ServerView[];
  /** Everybody who logs in, the admin among them. */
  readonly members: readonly { readonly name: string; readonly sudo: boolean }[];
}

export interface ServerView {
  readonly name: string;
  /** By which the team's other servers reach it. */
  readonly privateAddress: string;
  readonly roles: readonly string[];
  /** Ports that its roles listen on: what an ephemeral port range must leave out. */
  readonly ports: readonly number[];
  /**
   * One of many alike that come and go: it has no address or name that others could know, keeps the name that its cloud gave it, and gets
   * nothing secret.
   */
  readonly pooled?: boolean;
  /** Disks of its own that outlive it, and are to be mounted; the mark `volume:SERVER/NAME` is each one's device. */
  readonly volumes?: readonly { readonly name: string; readonly mountPoint: string; readonly filesystem: "xfs" | "ext4" }[];
}

export interface RoleContext<Params> {
  readonly params: Params;
  readonly facts: Facts;
  readonly self: ServerView;
  readonly team: TeamView;
}

export interface Role<Params = unknown> {
  /** The word in the stack file; also the name of the folder. */
  readonly name: string;
  readonly summary: string;
  /** What the stack file may say under `params.<role>`; every field with a default, so that a role works unconfigured. */
  readonly params: z.ZodType<Params, unknown>;
  /** TCP ports that it listens on with these parameters. */
  ports?(params: Params): readonly number[];
  resources(context: RoleContext<Params>): readonly Declared[];
}

export const defineRole = <Params>(role: Role<Params>): Role<Params> => role;

/** Loopback alone is the default of a service that others of the team may need: then its private address is added. */
export function reachable({ self, team }: Pick<RoleContext<unknown>, "self" | "team">, addresses: readonly string[]): string[] {
  const alone = addresses.length === 1 && addresses[0] === "127.0.0.1";
  return alone && !self.pooled && team.servers.length > 1 ? [...addresses, self.privateAddress] : [...addresses];
}
