// Servers that no stack knows yet: their keys are looked at on the way on which they are reached, shown, and pinned.
import { type Connection, HostError } from "../../provisioners/engine/shell.ts";
import { scanHostKey } from "../../provisioners/ssh/connection.ts";
import type { Sessions } from "../../provisioners/ssh/session-pool.ts";
import { UserFacingError } from "../../spec/problem.ts";
import type { HandedOutServer } from "./addresses.ts";
import type { Way } from "./describe.ts";
import type { Reached } from "./prove.ts";

/** Throws HostError. */
export async function showKey({
  name,
  address,
  port = 22,
}: HandedOutServer): Promise<{ readonly hostKey: string; readonly fingerprint: string }> {
  return scanHostKey({ name, address, port });
}

export const connectionOf = ({ name, address, port = 22, user, hostKey, password, privateKey, sudoPassword }: Way): Connection => ({
  ...{ name, address, port, user, hostKey },
  ...(password !== undefined && { password }),
  ...(privateKey !== undefined && { privateKey }),
  ...(sudoPassword !== undefined && { sudoPassword }),
});

/** Why several servers were not reached. */
export class NotReached extends UserFacingError {
  readonly errors: readonly HostError[];
  constructor(errors: readonly HostError[]) {
    super(errors.map(({ message }) => message).join("\n"));
    this.errors = errors;
  }
}

/** One server after the other that refuses would cost a run each: all are waited for. Throws HostError, of several NotReached. */
export async function allOf<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  const ended = await Promise.allSettled(work);
  const errors = ended.flatMap((each): unknown[] => (each.status === "rejected" ? [each.reason] : []));
  if (errors.length > 1 && errors.every((each) => each instanceof HostError)) throw new NotReached(errors);
  return await Promise.all(work);
}

/** All at once. Throws as allOf does. */
export const openAll = (sessions: Pick<Sessions, "get">, ways: readonly Way[]): Promise<readonly Reached[]> =>
  allOf(ways.map(async (way) => ({ name: way.name, shell: await sessions.get(connectionOf(way)) })));
