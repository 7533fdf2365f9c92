// A command in a session of its own, so that it can be killed with everything that it started, whatever process groups that is in
// (Pulumi gives each plugin one).
import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface Ended {
  /** Null where it was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Session {
  /** Never rejects for an exit code. */
  readonly ended: Promise<Ended>;
  /** kill -9, of all at once. Resolves when none is left; practice machines have sessions of their own and stay. */
  kill(): Promise<void>;
}

export interface SessionOptions {
  readonly cwd?: string;
  /** Beside this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** On standard input. @default none */
  readonly input?: string;
  /** Each line of standard output as it comes. */
  readonly onLine?: (line: string) => void;
}

export function startSession(program: string, args: readonly string[], { cwd, env, input = "", onLine }: SessionOptions = {}): Session {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: "pipe" });
  const output = { stdout: "", stderr: "" };
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine?.(line);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  child.stdin.on("error", () => undefined).end(input);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, ...output }));
  });
  return { ended, kill: () => killSession(child.pid!) };
}

/** The processes of a session that still run. */
export async function membersOf(session: number): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const rows = pids.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // proc(5): the name in parentheses may hold anything; after it come state, parent, process group, session.
    const [state, , , of] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return Number(of) === session && state !== "Z" ? [pid] : [];
  });
  return (await Promise.all(rows)).flat();
}

/** Their command lines, by process id. */
export async function commandsOf(session: number): Promise<ReadonlyMap<number, string>> {
  const members = await membersOf(session);
  const rows = members.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return [pid, text.split("\0").join(" ")] as const;
  });
  return new Map(await Promise.all(rows));
}

/** kill -9 of all of them; resolves when none is left. */
export async function killSession(session: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const members = await membersOf(session);
    if (members.length === 0) return;
    for (const pid of members) kill(pid);
    await sleep(10);
  }
  throw new Error(`session ${session}: processes are left after 5 s of kill -9`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
