// A command measured with everything that it starts: its time, the CPU seconds of all, and the most memory that all of them held at once.
import { readdirSync, readFileSync } from "node:fs";
import { timed } from "./child.ts";

export interface TreeResult {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** MB, resident, of all processes together. */
  readonly memoryMB: number;
  readonly stdout: string;
}

interface TreeOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Milliseconds between two looks at the memory. */
const interval = 100;
/** What the shell says last: CPU times of itself, then of its children and theirs. */
const script = '"$@"; code=$?; echo; times; exit $code';

export async function timedTree(args: readonly string[], options: TreeOptions): Promise<TreeResult> {
  let most = 0;
  let group = 0;
  const timer = setInterval(() => {
    if (group > 0) most = Math.max(most, memoryOf(group));
  }, interval);
  try {
    const { seconds, stdout } = await timed("sh", ["-c", script, "sh", ...args], { ...options, onStart: (pid) => (group = pid) });
    const lines = stdout.trimEnd().split("\n");
    const cpuSeconds = lines
      .splice(-2)
      .flatMap((line) => line.split(" ").map(secondsOf))
      .reduce((sum, each) => sum + each, 0);
    return { seconds, cpuSeconds, memoryMB: most, stdout: lines.join("\n").trim() };
  } finally {
    clearInterval(timer);
  }
}

/** `0m1.234000s` */
const secondsOf = (text: string): number => {
  const [, minutes = "0", seconds = "0"] = /^(\d+)m([\d.]+)s$/.exec(text) ?? [];
  return Number(minutes) * 60 + Number(seconds);
};

const pageMB = 4096 / 2 ** 20;

/** Of the session that a process leads. */
function memoryOf(session: number): number {
  let pages = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      if (Number(fields[3]) === session) pages += Number(fields[21]);
    } catch {
      // It ended meanwhile.
    }
  }
  return pages * pageMB;
}
