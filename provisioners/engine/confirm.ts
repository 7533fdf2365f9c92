// After a change of a door: does the fleet still come in? The answer is a new connection to root rights, made as the fleet makes its own.
import type { Address } from "../resources/kind.ts";
import type { ApplyOptions } from "./apply.ts";
import type { Result } from "./report.ts";
import { disarmScript, revertScript, wentBack } from "./revert.ts";
import { type Entrance, HostError, type Shell } from "./shell.ts";
import type { Command } from "./shell-quote.ts";

export interface Guarded {
  /** The first of the changes that go back together. */
  readonly from: number;
  readonly doors: readonly Address[];
  /** `sshd`, `firewall` */
  readonly names: readonly string[];
  readonly arm: Command;
}

/** Milliseconds for what the server does at a confirmation. Longer, and it would go back while it is confirmed. */
const confirmDeadline = 15_000;

/** Milliseconds until what nobody confirmed is back at the latest: with all that a step and putting back may take. */
const backDeadline = 90_000;

/** Undefined: somebody comes in. Else why nobody does, and that all is back. `then` runs with the confirmation. */
export async function confirm(
  shell: Shell,
  entrance: Entrance,
  { doors, names }: Guarded,
  then: readonly Command[],
  { onProgress }: ApplyOptions,
): Promise<string | undefined> {
  onProgress?.(doors[0]!, `log in once more: the way in was changed (${names.join(", ")})`);
  const why = await tryAgain(entrance, disarmScript(then));
  if (why === undefined) return undefined;
  onProgress?.(doors[0]!, `put all of it back: no new login works (${why})`);
  return `a new connection failed: ${why}; ${await untilBack(shell, entrance)}`;
}

async function tryAgain(entrance: Entrance, script: Command, deadline = confirmDeadline): Promise<string | undefined> {
  try {
    const { code, stderr } = await entrance.again(script, { deadline });
    if (code === 0) return undefined;
    return code === wentBack ? "it took too long" : `it ended with exit code ${code}: ${stderr.trim().slice(0, 500)}`;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    // How long it was tried for is no news.
    return error.sentence.replace(/^not ready after [^;]*; the last try: /, "");
  }
}

/** The old connection may still be there, and is quicker than the server's own patience. */
export async function untilBack(shell: Shell, entrance: Entrance): Promise<string> {
  const back = "all of it is as it was before";
  try {
    if ((await shell.run(revertScript, { deadline: backDeadline })).code === 0) return back;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
  const until = performance.now() + backDeadline;
  while (performance.now() < until) {
    if ((await tryAgain(entrance, revertScript, backDeadline)) === undefined) return back;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return "whether it went back could not be seen: nobody came in for 90 s";
}

/** One failure, and what went back with it. What did not happen or failed by itself keeps its own words. */
export function reverted(results: readonly Result[], { doors, names }: Guarded, why: string): readonly Result[] {
  const next = "next: change it so that the fleet still comes in, or give the stack the way in that it opens";
  const reason = `reverted: after the change of ${names.join(", ")} ${why}; ${next}`;
  const mine = results.filter(({ address }) => doors.includes(address));
  const first = mine.find(({ outcome }) => outcome === "changed") ?? mine[0]!;
  return results.map((result): Result => {
    if (result.address === first.address) return { ...result, outcome: "failed", reason };
    if (!doors.includes(result.address) || result.outcome === "failed") return result;
    return { ...result, outcome: "skipped", reason: `reverted with ${first.address}` };
  });
}
