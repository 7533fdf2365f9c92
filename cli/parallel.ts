// Many teams at once: each is a `fleet` of its own with one stack, told in one line. What a command does for one team stands in its own
// file alone, and a team that fails, hangs or runs out of memory takes nobody along (docs/adr/0005-many-teams.md).

import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pLimit from "p-limit";
import { codeFile, project } from "../provisioners/project.ts";
import { stateFolder } from "../pulumi/command.ts";
import { EventLog } from "../pulumi/event-log.ts";
import { changes, interrupted, stopsWithUs } from "../pulumi/interruption.ts";
import { typed } from "../spec/typed.ts";
import { interruptedCode } from "./interruption.ts";
import { Board, type TeamLine } from "./progress-table.ts";

export type ManyCommand = "up" | "down";

const runs = (): string => join(stateFolder, "runs");
const memory = (): string => join(runs(), "failed.json");

type Failed = Readonly<Partial<Record<ManyCommand, readonly string[]>>>;

function remembered(): Failed {
  try {
    return JSON.parse(readFileSync(memory(), "utf8")) as Failed;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

/** Of these stacks, those that the last run of the command with them did not bring to its end. */
export const failedBefore = (command: ManyCommand, stacks: readonly string[]): readonly string[] => {
  const failed = remembered()[command] ?? [];
  return stacks.filter((stack) => failed.includes(stack));
};

/** Teams that were not in this run keep what the run before said of them. */
export function remember(command: ManyCommand, ran: readonly string[], failed: readonly string[]): void {
  const before = remembered();
  const kept = (before[command] ?? []).filter((stack) => !ran.includes(stack));
  mkdirSync(runs(), { recursive: true });
  writeFileSync(memory(), `${JSON.stringify({ ...before, [command]: [...kept, ...failed].sort() }, null, 2)}\n`);
}

/** Starts what works on one team; a test hands over another one. */
export type Start = (command: ManyCommand, stack: string, events: string) => ChildProcess;

const start: Start = (command, stack, events) =>
  spawn(process.execPath, [...process.execArgv, codeFile("cli/main"), command, stack, "--yes"], {
    cwd: project,
    // The engine's events, as the Automation API reads them; the flag is one of its debug commands.
    env: { ...process.env, FLEET_EVENT_LOG: events, PULUMI_DEBUG_COMMANDS: "true", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });

/** Milliseconds between two looks at what a team is doing. */
const interval = 500;

export interface ManyOptions {
  /** Teams at once. */
  readonly parallel: number;
  readonly start?: Start;
}

/** @returns 0 where all came to their end, else 1 */
export async function runMany(
  command: ManyCommand,
  stacks: readonly string[],
  { parallel, start: begin = start }: ManyOptions,
): Promise<number> {
  mkdirSync(runs(), { recursive: true });
  const board = new Board(stacks, process.stdout);
  const limit = pLimit(parallel);
  changes();
  try {
    const work = (stack: string) => (interrupted() ? notStarted(stack) : one(command, stack, { begin, board }));
    const lines = await Promise.all(stacks.map((stack) => limit(async () => board.end(await work(stack)))));
    const failed = lines.filter(({ state }) => state !== "done");
    remember(
      command,
      stacks,
      failed.map(({ stack }) => stack),
    );
    console.log(closing(command, lines.length, failed));
    return failed.length === 0 ? 0 : 1;
  } finally {
    board.close();
  }
}

const notStarted = (stack: string): TeamLine => ({ stack, state: "failed", text: "cancelled before it began", errors: [] });

interface Means {
  readonly begin: Start;
  readonly board: Board;
}

async function one(command: ManyCommand, stack: string, { begin, board }: Means): Promise<TeamLine> {
  const [log, eventFile] = [join(runs(), `${command}-${stack}.log`), join(runs(), `${command}-${stack}.events`)];
  rmSync(eventFile, { force: true });
  const events = new EventLog(eventFile);
  const began = Date.now();
  const child = begin(command, stack, eventFile);
  stopsWithUs(child, "SIGTERM");
  const output = createWriteStream(log, { mode: 0o600 });
  for (const stream of [child.stdout, child.stderr]) stream?.pipe(output, { end: false });
  const timer = setInterval(() => board.update({ stack, state: "running", text: events.read().progress, errors: [] }), interval);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (status) => resolve(status ?? 130));
    });
    await new Promise((resolve) => output.end(resolve));
    const { summary, errors } = events.read();
    const seconds = `${Math.round((Date.now() - began) / 1000)} s`;
    if (code === 0) return { stack, state: "done", text: `${summary || "nothing to do"}, ${seconds}`, errors: [] };
    const text = [code === interruptedCode ? "cancelled" : `exit code ${code}`, ...(summary ? [summary] : []), seconds].join(", ");
    return { stack, state: "failed", text, errors: errors.length > 0 ? errors : lastLines(log), log };
  } finally {
    clearInterval(timer);
    rmSync(eventFile, { force: true });
  }
}

const told = 5;
const lastLines = (file: string): readonly string[] => readFileSync(file, "utf8").trim().split("\n").slice(-told);

function closing(command: ManyCommand, count: number, failed: readonly TeamLine[]): string {
  if (failed.length === 0) return `${command}: ${count === 1 ? "the team is" : `all ${count} teams are`} done`;
  const each = failed.map(({ stack, errors, log }) =>
    [`${stack}:`, ...errors.slice(0, told).map((line) => `  ${line}`), ...(log ? [`  all of it: ${log}`] : [])].join("\n"),
  );
  const next = `${command}: ${count - failed.length} of ${count} teams done, ${failed.length} failed; next: ${typed()} ${command} --all --only-failed`;
  return ["", ...each, "", next].join("\n");
}
