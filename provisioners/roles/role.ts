// A role is a pure function from typed parameters and facts to resources. Nothing else.

import type { z } from "zod";
import type { Facts, MountedVolume } from "../engine/facts.ts";
import type { Address } from "../resources/kind.ts";
import type { ReaderName } from "../resources/live/readers.ts";
import type { Declared } from "../resources/want.ts";
import type { Move } from "./move.ts";

/** Where a role of one server can be reached, by whoever speaks its protocol. */
export interface Endpoint {
  /** What is spoken there: `mysql`, `redis`, `http`. */
  readonly protocol: string;
  readonly port?: number | undefined;
  /** A unix socket, for those on the same server. */
  readonly socket?: string | undefined;
}

/** An endpoint of a server of the team. */
export interface TeamEndpoint extends Endpoint {
  readonly server: string;
  readonly role: string;
}

/** What a role can't do without: an endpoint of the team. The role that provides it is done before, on whichever server it is. */
export interface Need {
  readonly protocol: string;
  /** The role that it must be of. @default any */
  readonly role?: string | undefined;
  /** The server that has it. @default the one that has it */
  readonly of?: string | undefined;
  /** The parameter that says which: `database.server`. */
  readonly at: string;
  /** The stack file says how to reach it where the team does not have it. @default false */
  readonly optional?: boolean;
  /** All that there are instead of one: each is done before, but for the role's own. @default false */
  readonly every?: boolean;
}

/** A unit that a role runs, with the TCP ports that it listens on, by the parameters that say so. */
export interface ServiceContract {
  readonly unit: ByFacts<string> | undefined;
  readonly ports: Readonly<Record<string, number>>;
}

/** The team as a role sees it: plain data, the same for every server but for `self`. */
export interface TeamView {
  readonly name: string;
  readonly servers: readonly ServerView[];
  readonly endpoints: readonly TeamEndpoint[];
  /** Everybody who logs in, the admin among them. */
  readonly members: readonly { readonly name: string; readonly sudo: boolean }[];
}

export interface ServerView {
  readonly name: string;
  /** By which the team's other servers reach it. */
  readonly privateAddress: string;
  readonly roles: readonly string[];
  /** The user that applications run as. */
  readonly account: string;
  /** Units that the stack file switches, by their full names. */
  readonly services?: Readonly<Record<string, "on" | "off" | "masked">>;
  /** Where its roles fetch the team's code. */
  readonly repositories?: readonly string[];
  /** Per cent of its usual share of the requests, for whoever balances over it; 100 without. */
  readonly share?: number;
  /** Ports that its roles listen on: what an ephemeral port range must leave out. */
  readonly ports: readonly number[];
  /** Those of them that another server's roles come to. */
  readonly reached?: readonly number[];
  /**
   * One of many alike that come and go: it has no address or name that others could know, keeps the name that its cloud gave it, and gets
   * nothing secret.
   */
  readonly pooled?: boolean;
  /** Disks of its own that outlive it, and are to be mounted; the mark `volume:SERVER/NAME` is each one's device. */
  readonly volumes?: readonly MountedVolume[];
}

/** A value that only the server's distribution decides; `undefined` where there is none for it. */
export type ByFacts<T> = T | ((facts: Facts) => T | undefined);

/** Places of the server that are a role's own to judge. A file of the team's that lies there is treated as the role's own files are. */
export interface Territory {
  /** In the addresses of what is done for it: `sshd`. */
  readonly name: string;
  /** Files, and folders with all that lies below. */
  readonly paths: readonly string[];
  /** The unit that reads them. */
  readonly unit?: ByFacts<string>;
  /** All services of the role read them, instead of one unit. @default false */
  readonly everyService?: boolean;
  /** @default reload */
  readonly hears?: "reload" | "restart";
  /** Shell text that must succeed with the whole tree in place: `nginx -t`. */
  readonly validate?: ByFacts<string>;
  /** Shell text that must succeed before one file lands, which is `%s`. */
  readonly validateFile?: string;
  /** Shell text that makes a change count, where no unit does. */
  readonly run?: string;
  /** Who is asked whether its first path is in force. */
  readonly live?: ReaderName;
  /** Its files, each of which is compared by `live` to what runs. @default the first path alone */
  readonly liveFiles?: RegExp;
  /** Of a file that is not there yet. @default what the tree has */
  readonly mode?: string;
  /** Resources of the role that say what its files say: where the team has one of these, it says it alone. */
  readonly instead?: readonly Address[];
  /** Its files are there, and checked, before the packages of the role. @default false */
  readonly beforePackages?: boolean;
  /** Resources of the role that must be there before the files: the checkout that they are laid over. */
  readonly after?: readonly Address[];
}

export interface RoleContext<Params> {
  readonly params: Params;
  readonly facts: Facts;
  /** Whether another role of the server wants memory too. */
  readonly shared: boolean;
  readonly self: ServerView;
  readonly team: TeamView;
}

export interface Role<Params = unknown> {
  /** The word in the stack file; also the name of the folder. */
  readonly name: string;
  /** Of a team's own: its folder, by its real path. */
  readonly folder?: string;
  readonly summary: string;
  /** What the stack file may say under `params.<role>`; every field with a default, so that a role works unconfigured. */
  readonly params: z.ZodType<Params, unknown>;
  /** Those of whose distributions it knows the names and paths. @default any */
  readonly packageManagers?: readonly Facts["packageManager"][];
  /** Its places on a server. No two roles share one; of two that lie in each other the longer path counts. */
  territory?: readonly Territory[] | ((params: Params) => readonly Territory[]);
  /** What it runs with these parameters. No two roles of a server share a port. */
  services?(params: Params): readonly ServiceContract[];
  /** Where others reach it, by name. */
  provides?(params: Params): Readonly<Record<string, Endpoint>>;
  needs?(params: Params): readonly Need[];
  /** Where it fetches the team's code: every server is to know the ssh keys of those hosts. */
  repositories?(params: Params): readonly string[];
  /** Of the server: `share` for a cache or a database, `rest` for what takes what is left, together. @default none */
  memory?: "none" | "share" | "rest";
  /** The user that applications run as, where this role is the one that says so. */
  account?(params: Params): string;
  /** How it comes to another server with what it keeps; a role without it can't be moved by `fleet split`. */
  move?(params: Params): Move;
  resources(context: RoleContext<Params>): readonly Declared[];
}

export const defineRole = <Params>(role: Role<Params>): Role<Params> => role;

export interface Account {
  readonly name: string;
  readonly home: string;
  /** The primary group, which need not be called like the user. */
  readonly group: string;
}

/** As it is on the server, else as a new one would be made. */
export const accountNamed = ({ facts }: Pick<RoleContext<unknown>, "facts">, name: string): Account =>
  name === "root"
    ? { name, home: "/root", group: "root" }
    : { name, home: facts.accounts?.[name]?.home ?? `/home/${name}`, group: facts.accounts?.[name]?.group ?? name };

/** Of the user that applications run as. */
export const appAccount = (context: Pick<RoleContext<unknown>, "facts" | "self">): Account => accountNamed(context, context.self.account);

/** What a need was resolved to: before anything runs, `fleet check` has refused none and several. */
export const endpointOf = ({ endpoints }: TeamView, need: Pick<Need, "protocol" | "of" | "role">): TeamEndpoint | undefined =>
  endpoints.find((each) => meets(each, need));

export const meets = (endpoint: TeamEndpoint, { protocol, of, role }: Pick<Need, "protocol" | "of" | "role">): boolean =>
  endpoint.protocol === protocol && (of ?? endpoint.server) === endpoint.server && (role ?? endpoint.role) === endpoint.role;

/** For a check of a port: by which address others must find it open, where any come to it. */
export const reachedAt = ({ self }: Pick<RoleContext<unknown>, "self">, port: number): { readonly reached?: string } =>
  self.reached?.includes(port) ? { reached: self.privateAddress } : {};

/** Loopback alone is the default of a service that others of the team may need: then its private address is added. */
export function reachable({ self, team }: Pick<RoleContext<unknown>, "self" | "team">, addresses: readonly string[]): string[] {
  const alone = addresses.length === 1 && addresses[0] === "127.0.0.1";
  return alone && !self.pooled && team.servers.length > 1 ? [...addresses, self.privateAddress] : [...addresses];
}
