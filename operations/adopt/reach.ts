// Servers that no stack knows yet: their keys are looked at on the way on which they are reached, shown, and pinned.
import type { Connection } from "../../provisioners/engine/shell.ts";
import { scanHostKey } from "../../provisioners/ssh/connection.ts";
import type { Sessions } from "../../provisioners/ssh/session-pool.ts";
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

/** All at once. Throws HostError. */
export const openAll = (sessions: Sessions, ways: readonly Way[]): Promise<readonly Reached[]> =>
  Promise.all(ways.map(async (way) => ({ name: way.name, shell: await sessions.get(connectionOf(way)) })));
