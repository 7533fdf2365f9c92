// Runs the stack's benchmark, wherever that is, and reads its verdict.
import { spawn } from "node:child_process";
import { checkout, project } from "../../../provisioners/project.ts";
import { Lines } from "../../../provisioners/ssh/output.ts";
import { stopsWithUs, throwIfInterrupted } from "../../../pulumi/interruption.ts";
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

/** `run` starts it, hands over its lines and resolves with its exit code. */
export async function benchmarked(
  run: (hear: Hear) => Promise<number>,
  spec: Pick<BenchSpec, "score" | "fail">,
  hear: Hear,
): Promise<Benchmarked> {
  const began = Date.now() / 1000;
  let output = "";
  const code = await run((line) => {
    if (output.length < most) output += `${line}\n`;
    hear(line);
  });
  const how = { ...(spec.score !== undefined && { score: spec.score }), ...(spec.fail !== undefined && { fail: spec.fail }) };
  return { ...verdictIn(output, code, how), began, ended: Date.now() / 1000, output };
}

/** On this computer, by a shell, in the folder of the stacks. After `timeout` it is ended, and has failed. */
export async function runHere(command: string, { timeout }: Pick<BenchSpec, "timeout">, hear: Hear): Promise<number> {
  throwIfInterrupted();
  const child = spawn("sh", ["-c", command], {
    cwd: project,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FLEET_CHECKOUT: checkout },
  });
  stopsWithUs(child, "SIGTERM");
  const out = new Lines(hear);
  const err = new Lines(hear);
  child.stdout.on("data", (bytes: Buffer) => out.feed(bytes));
  child.stderr.on("data", (bytes: Buffer) => err.feed(bytes));
  const timer = setTimeout(() => {
    hear(`FAIL: not done within ${timeout}, and ended`);
    child.kill("SIGTERM");
  }, secondsOf(timeout) * 1000);
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 1));
  });
  clearTimeout(timer);
  for (const lines of [out, err]) lines.end();
  throwIfInterrupted();
  return code;
}
