// Asks a server: questions that come in the same moment go together, in one remote command for all of them.
import { Look, LookMoved } from "./probe.ts";
import { HostError, type RunOptions, type Shell } from "./shell.ts";

/** Puts its questions to the look; what it returns reads the answers. Called anew where the server changed under the look. */
export type Question<T> = (look: Look) => () => T;

interface Waiting {
  readonly question: Question<unknown>;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

const attempts = 3;
const batches = new WeakMap<Shell, Waiting[]>();

/** Costs one remote command, or a part of one. Changes nothing. Throws HostError. */
export function ask<T>(shell: Shell, question: Question<T>, options: RunOptions = {}): Promise<T> {
  // Who has a deadline of its own does not share it.
  if (options.deadline !== undefined || options.onLine || options.onBytes)
    return askAll(shell, [question], options).then(([all]) => all!());
  return new Promise<T>((resolve, reject) => {
    const waiting: Waiting = { question, resolve, reject };
    const batch = batches.get(shell);
    if (batch) {
      batch.push(waiting);
      return;
    }
    const begun = [waiting];
    batches.set(shell, begun);
    setImmediate(() => {
      batches.delete(shell);
      void answer(shell, begun, options);
    });
  });
}

/** An answer that makes no sense fails who asked for it, and nobody else. */
async function answer(shell: Shell, batch: readonly Waiting[], options: RunOptions): Promise<void> {
  try {
    const answers = await askAll(
      shell,
      batch.map(({ question }) => question),
      options,
    );
    for (const [index, { resolve, reject }] of batch.entries()) {
      try {
        resolve(answers[index]!() as never);
      } catch (error) {
        reject(error);
      }
    }
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

async function askAll<T>(shell: Shell, questions: readonly Question<T>[], options: RunOptions): Promise<readonly (() => T)[]> {
  for (let attempt = 1; ; attempt++) {
    const look = new Look();
    const answers = questions.map((question) => question(look));
    const { code, stdout, stderr } = await shell.run(look.script(), options);
    // Cut short by its signal, it has no answer, and no failure of its own.
    if (code !== 0) options.signal?.throwIfAborted();
    if (code !== 0) throw new HostError(shell.host, "lost", `the look ended with exit code ${code}: ${stderr.slice(0, 500)}`);
    try {
      look.hear(stdout);
      return answers;
    } catch (error) {
      if (!(error instanceof LookMoved) || attempt === attempts) throw error;
    }
  }
}
