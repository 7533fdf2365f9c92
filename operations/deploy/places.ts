// Where a stack's application lies: the checkout that its role `app` wants on each server.

import type { Wants } from "../../provisioners/engine/order.ts";
import { type LateValues, resolvePlaceholders } from "../../provisioners/engine/placeholders.ts";
import { GitWant } from "../../provisioners/resources/git.ts";
import type { Address } from "../../provisioners/resources/kind.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { FleetServer } from "../fleet-up.ts";

export const role = "app";

export interface Place {
  readonly server: FleetServer;
  readonly address: Address;
  readonly git: GitWant;
  /** All that the role wants there, late values in their places. */
  readonly wants: Wants;
  /** By which name the server remembers who wants it. */
  readonly by: string;
}

/** Pure. Those of the servers that have a checkout. Throws a UserError where none has. */
export function placesOf(servers: readonly FleetServer[], stack: string): readonly Place[] {
  const places = servers.flatMap((server) => placeOn(server) ?? []);
  if (places.length > 0) return places;
  const names = servers.map(({ name }) => name).join(", ");
  throw new UserError(
    `${names}: expected a server with app.git, got none; next: write app.git into the stack file, then ${typed()} up ${stack}`,
  );
}

/** Pure. */
export function placeOn(server: FleetServer): Place | undefined {
  const own = server.remembered.find(({ inputs }) => inputs.role === role);
  if (!own) return undefined;
  const wants = resolvePlaceholders((own.inputs.resources ?? {}) as Wants, (own.inputs.late ?? {}) as LateValues);
  const address = (Object.keys(wants) as Address[]).find((each) => each.startsWith("git["));
  if (address === undefined) return undefined;
  const by = typeof own.outputs.wanter === "string" ? own.outputs.wanter : `${own.urn.split("::").slice(3).join("::")} ${role}`;
  return { server, address, git: GitWant.parse(wants[address]), wants, by };
}

/** Pure. The same, at a commit. */
export const wantsAt = ({ wants, address }: Place, commit: string): Wants => ({
  ...wants,
  [address]: { ...wants[address], ref: commit } as Wants[Address],
});
