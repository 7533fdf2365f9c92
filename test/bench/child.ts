// A contestant's program: timed, watched, and ended with everything that it started.
import { spawn } from "node:child_process";

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly signal: AbortSignal;
  /** Milliseconds. @default 1200000 */
  readonly deadline?: number;
  /** Called with each piece of standard output. */
  readonly onOutput?: (text: string) => void;
  /** Told the process, which leads a session of its own. */
  readonly onStart?: (pid: number) => void;
}

export interface ChildResult {
  readonly seconds: number;
  readonly stdout: string;
}

/** Rejects where the exit code is not 0, with the end of what it said. On a signal its whole process group is ended. */
export async function timed(file: string, args: readonly string[], options: ChildOptions): Promise<ChildResult> {
  const { cwd, env = process.env, input = "", signal, deadline = 1_200_000, onOutput, onStart } = options;
  signal.throwIfAborted();
  const begin = performance.now();
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  if (child.pid !== undefined) onStart?.(child.pid);
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.stdout += text;
    onOutput?.(text);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  child.stdin.on("error", () => undefined).end(input);
  const stop = () => child.pid !== undefined && endGroup(child.pid);
  const timer = setTimeout(stop, deadline);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
    const seconds = (performance.now() - begin) / 1000;
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`\`${file}\` ended with ${code ?? "a signal"}:\n${`${said.stdout}\n${said.stderr}`.slice(-4000)}`);
    return { seconds, stdout: said.stdout };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    // Ansible leaves its kept connections behind.
    stop();
  }
}

/** Those that left the group end with the hosts: their connections close. */
function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
