// Ctrl-C and SIGTERM: what we started is asked to stop at its next safe point, once, and waited for. Nothing else is begun then; the command
// says in one sentence what became of it (cli/interruption.ts).
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** Unwinds what was under way. Whoever asked for an end knows why: it is not an error to be told. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

let signalled: NodeJS.Signals | undefined;
let changing = false;
const children = new Map<ChildProcess, NodeJS.Signals>();

/** The signal that asked us to end; undefined where none did. */
export const interrupted = (): NodeJS.Signals | undefined => signalled;

const told = new Set<() => void>();

/** From here on something may have been changed. */
export const changes = (): void => {
  changing = true;
  for (const tell of told) tell();
  told.clear();
};
/** `tell` is called once when that begins, at once where it has; not any more after the returned function was called. */
export function whenChanging(tell: () => void): () => void {
  if (changing) tell();
  else told.add(tell);
  return () => told.delete(tell);
}
export const hasChanged = (): boolean => changing;

/** Throws where nothing more may be begun. */
export function throwIfInterrupted(): void {
  if (signalled) throw new Interrupted(signalled);
}

/** Until it ends, `child` is asked by `as` to stop when we are: the engine by SIGINT, which it takes for Ctrl-C. */
export function stopsWithUs(child: ChildProcess, as: NodeJS.Signals): void {
  children.set(child, as);
  child.once("close", () => children.delete(child));
}

const works = new Set<AbortController>();

/** Ends by our own end: a signal aborts it with Interrupted, and what it does is waited for. `done` when it is over. */
export function untilInterrupted(): { readonly signal: AbortSignal; readonly done: () => void } {
  const controller = new AbortController();
  if (signalled) controller.abort(new Interrupted(signalled));
  works.add(controller);
  return { signal: controller.signal, done: () => works.delete(controller) };
}

/** Whoever has a terminal gets Ctrl-C of it, as all that it started does; the engine takes a second one for "at once". */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/** @returns whether somebody is waited for, who has been asked to end */
export function interrupt(signal: NodeJS.Signals): boolean {
  const again = signalled !== undefined;
  signalled ??= signal;
  if (signal !== "SIGINT" || again || !hasTerminal()) for (const [child, as] of children) child.kill(as);
  for (const each of works) each.abort(new Interrupted(signal));
  // Somebody who asks twice waits for no server.
  return children.size > 0 || (works.size > 0 && !again);
}
