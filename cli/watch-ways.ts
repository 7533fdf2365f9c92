// Where a watch tells of what it saw beside the terminal: a command here, an address on the network. Once a look, however much there is.
import { spawn } from "node:child_process";
import { UserError } from "../spec/problem.ts";

export interface Told {
  readonly stack: string;
  /** All lines: what chat rooms show of a webhook. */
  readonly text: string;
  readonly events: readonly object[];
}

/** Milliseconds; who takes longer is not waited for. */
const commandTime = 30_000;
const webhookTime = 10_000;

/** By the shell: JSON on its standard input, the lines in FLEET_TEXT. Throws where it fails. */
export async function execute(command: string, told: Told): Promise<void> {
  const code = await new Promise<number | string>((resolve) => {
    const child = spawn("sh", ["-c", command], {
      // What it prints is no line of the watch's own, which may be JSON.
      stdio: ["pipe", 2, 2],
      env: { ...process.env, FLEET_STACK: told.stack, FLEET_TEXT: told.text.slice(0, 32_000) },
      detached: true,
    });
    const timer = setTimeout(() => {
      resolve(`none within ${commandTime / 1000} s`);
      // It and all that it started.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, commandTime);
    child.stdin?.on("error", () => {});
    child.stdin?.end(`${JSON.stringify(told)}\n`);
    child.on("error", (error) => resolve(error.message));
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve(status ?? "a signal");
    });
  });
  if (code !== 0) throw new Error(`--exec: expected an end with 0, got ${code}`);
}

/** Before anything is done. It may hold a token: it is not said. */
export function refuseNoUrl(webhook: string | undefined): void {
  if (webhook !== undefined && !/^https?:\/\/[^\s/]/.test(webhook))
    throw new UserError("watch: --webhook: expected http:// or https:// and a host");
}

/** As JSON by POST. Throws where it is not taken. */
export async function post(url: string, told: Told): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(told),
    signal: AbortSignal.timeout(webhookTime),
    redirect: "error",
  }).catch((error: Error) => error);
  // An address may hold a token: it is not said.
  if (answer instanceof Error)
    throw new Error(`--webhook: expected an answer, got ${(answer.cause as Error | undefined)?.message || answer.message}`);
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`--webhook: expected 2xx, got ${answer.status}`);
}
