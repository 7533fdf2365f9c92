// Runs the stack's benchmark, wherever that is, and reads its verdict.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { checkout, project } from "../../../provisioners/project.ts";
import { Lines } from "../../../provisioners/ssh/output.ts";
import { sleep } from "../../../provisioners/ssh/retry.ts";
import { throwIfInterrupted, untilInterrupted } from "../../../pulumi/interruption.ts";
import type { BenchSpec } from "../../../spec/bench.ts";
import { secondsOf } from "../../../spec/scalars.ts";
import { type Verdict, verdictIn } from "../score.ts";

export interface Benchmarked extends Verdict {
  /** Seconds of the epoch. */
  readonly began: number;
  readonly ended: number;
  readonly output: string;
}

export type Hear = (line: string) => void;

/** Of one run's output: what a benchmark prints in a loop must not fill the memory. */
const most = 4 * 1024 * 1024;

/** `{isu1}` in the command, as this computer reaches it. */
export const addressed = (command: string, addresses: Readonly<Record<string, string>>): string =>
  command.replace(/\{([a-z][a-z0-9-]*)\}/g, (whole, name: string) => addresses[name] ?? whole);

/** `run` starts it, hands over its lines and resolves with its exit code. A score that a person saw goes before what is printed. */
export async function benchmarked(
  run: (hear: Hear) => Promise<number>,
  spec: Pick<BenchSpec, "score" | "fail">,
  { hear, score }: { readonly hear: Hear; readonly score?: number | undefined },
): Promise<Benchmarked> {
  const began = Date.now() / 1000;
  let output = "";
  const code = await run((line) => {
    if (output.length < most) output += `${line}\n`;
    hear(line);
  });
  const how = {
    ...(score !== undefined && { seen: score }),
    ...(spec.score !== undefined && { score: spec.score }),
    ...(spec.fail !== undefined && { fail: spec.fail }),
  };
  return { ...verdictIn(output, code, how), began, ended: Date.now() / 1000, output };
}

/** Milliseconds that one who was asked to end gets for it, and that what it wrote last takes to come. */
const grace = { end: 5_000, pipes: 2_000 } as const;

/** On this computer, by a shell, in the folder of the stacks. After `timeout`, or with us, it is ended with all that it started, and has failed. */
export async function runHere(command: string, { timeout }: Pick<BenchSpec, "timeout">, hear: Hear): Promise<number> {
  throwIfInterrupted();
  const child = spawn("sh", ["-c", command], {
    cwd: project,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FLEET_CHECKOUT: checkout },
    // A group of its own: whatever it starts ends with it.
    detached: true,
  });
  const [out, err] = [new Lines(hear), new Lines(hear)];
  child.stdout.on("data", (bytes: Buffer) => out.feed(bytes));
  child.stderr.on("data", (bytes: Buffer) => err.feed(bytes));
  const ending = endingOf(child);
  const { signal, done } = untilInterrupted();
  signal.addEventListener("abort", ending.begin, { once: true });
  const timer = setTimeout(() => {
    hear(`FAIL: not done within ${timeout}, and ended`);
    ending.begin();
  }, secondsOf(timeout) * 1000);
  try {
    return await codeOf(child);
  } finally {
    clearTimeout(timer);
    await ending.over();
    done();
    for (const lines of [out, err]) lines.end();
    throwIfInterrupted();
  }
}

/** Asks the group of `child` to end, then ends it. `over`: once those that were asked and outlive the shell have had their time, too. */
function endingOf({ pid }: ChildProcess): { readonly begin: () => void; readonly over: () => Promise<void> } {
  let later: NodeJS.Timeout | undefined;
  let killed = false;
  const tell = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return pid !== undefined && process.kill(-pid, signal);
    } catch {
      return false;
    }
  };
  const begin = () => {
    tell("SIGTERM");
    later ??= setTimeout(() => {
      killed = true;
      tell("SIGKILL");
    }, grace.end);
  };
  const over = async () => {
    while (later && !killed && tell(0)) await sleep(100);
    clearTimeout(later);
  };
  return { begin, over };
}

/** As a shell says it: 137 for one that was killed. A program that it left in the background may hold its output open: nobody waits for that. */
async function codeOf(child: ChildProcess): Promise<number> {
  const closed = Promise.withResolvers<void>();
  child.once("close", () => closed.resolve());
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status, signal) => resolve(status ?? 128 + constants.signals[signal!]));
  });
  const timer = setTimeout(closed.resolve, grace.pipes);
  await closed.promise;
  clearTimeout(timer);
  for (const each of [child.stdout, child.stderr]) each?.destroy();
  return code;
}
