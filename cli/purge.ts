// `down --purge`: what people put onto servers that were lent, and a down would leave there, goes too: after a list, and a word to type.
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { failures, ownerBeside, purgeAll } from "../provisioners/engine/converge.ts";
import { type Leavings, leavings } from "../provisioners/engine/purge.ts";
import type { LockingShell } from "../provisioners/engine/shell.ts";
import { Sessions } from "../provisioners/ssh/session-pool.ts";
import { changes } from "../pulumi/interruption.ts";
import { counted } from "../spec/counted.ts";
import { UserError } from "../spec/problem.ts";
import type { LentServer } from "./lent-servers.ts";
import { confirm } from "./terminal.ts";

interface Found {
  readonly name: string;
  readonly shell: LockingShell;
  readonly left: Leavings;
}

/** Every server is asked before any is touched. Throws HostError, or a UserError where something could not be removed. */
export async function purge(stack: string, servers: readonly LentServer[], yes: boolean): Promise<void> {
  const sessions = new Sessions();
  const who = `${userInfo().username}@${hostname()}`;
  try {
    const asked = await Promise.all(servers.map((server) => ask(stack, who, server, sessions)));
    const found = asked.filter((each) => each !== undefined);
    const count = found.reduce((sum, { left }) => sum + left.all.length, 0);
    if (count === 0) return console.log("purge: nothing would stay on the servers");
    for (const { name, left } of found) for (const { what } of left.all) console.log(`${name}: ${what}`);
    await confirm(`purge removes ${counted(count, "thing")} of people's for good, with all that is in them`, stack, yes);
    changes();
    for (const each of found) await remove(stack, who, each);
  } finally {
    await sessions.closeAll();
  }
}

/** What belongs to another stack is for that one to say. */
async function ask(stack: string, who: string, server: LentServer, sessions: Sessions): Promise<Found | undefined> {
  const shell = await sessions.get(await server.connection());
  if (await ownerBeside(shell, { stack, who, id: server.owner })) return undefined;
  const left = await leavings(shell);
  return left.all.length === 0 ? undefined : { name: server.name, shell, left };
}

async function remove(stack: string, who: string, { name, shell, left }: Found): Promise<void> {
  await shell.lock({ who, what: `purge of stack ${stack}`, run: randomUUID(), wait: 30_000 });
  const report = await purgeAll(shell, left);
  for (const { address, changes: done, outcome } of report.results)
    if (outcome === "changed") console.log(`${name}: ${address}: ${done.join(", ")}`);
  const [failed] = failures(report);
  if (failed)
    throw new UserError(`${name}: ${failed.address}: ${failed.reason ?? "no reason given"}; nothing else was changed, run it again`);
}
