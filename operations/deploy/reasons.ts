// Why a deploy did not take, and what the stack file has of it, as lines. Pure.
import type { Told } from "./deploy.ts";
import { isCommit, short } from "./records.ts";

/** Each once, with the name of the server that it is about: those that went back for another's sake have that one's. */
export function reasonsOf(servers: readonly Pick<Told, "server" | "reason">[]): readonly string[] {
  const names = servers.map(({ server }) => server);
  const isNamed = (reason: string) => names.some((name) => reason.startsWith(`${name}: `));
  const whole = servers.flatMap(({ server, reason }) => (reason === undefined ? [] : [isNamed(reason) ? reason : `${server}: ${reason}`]));
  const told = [...new Set(whole)];
  // Who says more of it says that, too.
  return told.filter((line) => !told.some((other) => other.startsWith(`${line}\n`)));
}

/** What was written there: after a failure not what was asked for, but what runs. */
export function pinnedLine(stack: string, right: boolean, refs: Readonly<Record<string, string>>): string {
  const file = `stacks/Pulumi.${stack}.yaml`;
  const end = "commit it for the others of your team";
  if (right) return `${file} says so too (app.git.ref): the next up keeps it; ${end}`;
  const named = (ref: string) => (isCommit(ref) ? short(ref) : ref);
  const all = Object.entries(refs).map(([server, ref]) => `${named(ref)} for ${server}`);
  return `${file} has what runs (app.git.ref: ${all.join(", ")}): the next up keeps that, and does not bring what failed; ${end}`;
}
