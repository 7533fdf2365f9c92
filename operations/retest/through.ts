// A note through the application: written before the reboot as its users write, read back after it. Asked on the server itself, over loopback.
import type { LockingShell } from "../../provisioners/engine/shell.ts";
import { type Command, sh } from "../../provisioners/engine/shell-quote.ts";
import type { MarkerSpec } from "../../spec/retest.ts";

export interface Note {
  readonly mark: string;
  /** What the application called it. */
  readonly id?: string | undefined;
}

/** Pure. */
export const filled = (text: string, { mark, id }: Note): string =>
  text.replaceAll(/\{(mark|id)\}/g, (_, word: "mark" | "id") => (word === "mark" ? mark : (id ?? "")));

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** Prints the answer, and its status in the last line. */
export function asking({ port, headers }: Pick<MarkerSpec, "port" | "headers">, { method, path, body }: Asked, note: Note): Command {
  const words = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${filled(value, note)}`]);
  const data = body === undefined ? [] : ["--data-binary", filled(body, note)];
  const url = `http://127.0.0.1:${port}${filled(path, note)}`;
  return sh`command -v curl >/dev/null || { echo 'expected curl on the server, got none; next: apt-get install curl' >&2; exit 1; }
exec curl -sS --globoff --noproxy ${"*"} --max-time 15 -X ${method} ${words} ${data} -w ${"\\n%{http_code}"} ${url}`;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Throws an Error where nobody answers. */
async function ask(shell: Pick<LockingShell, "run">, command: Command): Promise<Answer> {
  const { code, stdout, stderr } = await shell.run(command, { deadline: 20_000 });
  if (code !== 0) throw new Error(stderr.trim().split("\n").at(-1) || `exit code ${code}`);
  const lines = stdout.toString("utf8").split("\n");
  return { status: Number(lines.at(-1)), text: lines.slice(0, -1).join("\n") };
}

const isGood = ({ status }: Answer): boolean => status >= 200 && status < 400;
const gist = (text: string): string =>
  text
    .trim()
    .replaceAll(/[^\P{C}]|\s+/gu, " ")
    .slice(0, 120);

/** Throws an Error that says what the application said instead. */
export async function write(shell: Pick<LockingShell, "run">, marker: MarkerSpec, mark: string): Promise<Note> {
  const place = `${marker.method} ${marker.post}`;
  const answer = await ask(shell, asking(marker, { method: marker.method, path: marker.post, body: marker.body }, { mark })).catch(
    (error: Error) => Promise.reject(new Error(`retest.marker: ${place}: expected an answer, got: ${error.message}`)),
  );
  if (!isGood(answer)) throw new Error(`retest.marker: ${place}: expected 2xx, got ${answer.status}: ${gist(answer.text)}`);
  const id = marker.id === undefined ? undefined : new RegExp(marker.id).exec(answer.text)?.[1];
  if (marker.id !== undefined && id === undefined)
    throw new Error(`retest.marker.id: expected it to find something in the answer, got ${gist(answer.text)}`);
  return { mark, id };
}

/** What is missing, by name and with what came in its place; undefined where it is there. */
export async function missing(shell: Pick<LockingShell, "run">, marker: MarkerSpec, note: Note): Promise<string | undefined> {
  const lost = (why: string) => `note through the application (${filled(marker.read, note)}: ${why})`;
  try {
    const answer = await ask(shell, asking(marker, { method: "GET", path: marker.read }, note));
    if (isGood(answer) && answer.text.includes(filled(marker.expect, note))) return undefined;
    return lost(`${answer.status} ${gist(answer.text)}`);
  } catch (error) {
    return lost((error as Error).message);
  }
}

/** Of an application that takes notes away; one that was never written is none. */
export async function take(shell: Pick<LockingShell, "run">, marker: MarkerSpec, note: Note): Promise<void> {
  if (marker.remove !== undefined) await ask(shell, asking(marker, { method: "DELETE", path: marker.remove }, note));
}
