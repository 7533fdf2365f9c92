// What a person sees: colour only on a terminal, questions only where somebody can answer.
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { styleText } from "node:util";
import { UserError } from "../spec/problem.ts";

export const isTerminal = (): boolean => Boolean(process.stdin.isTTY && process.stdout.isTTY);

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
/** Plain text where the output is no terminal, or NO_COLOR is set. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout, validateStream: true });

/**
 * Asks before something is changed or lost, in one way everywhere: what it is about is typed by its name, the stack's as a rule; where it is
 * several, by their number. `--yes` answers it; without either, refuses.
 * @param what what will happen, a sentence
 */
export async function confirm(what: string, about: string | readonly string[], yes: boolean): Promise<void> {
  if (yes) return;
  const word = wordFor(about);
  if (!isTerminal()) throw new UserError(`${what}; expected a confirmation, got no terminal to ask on; next: add --yes`);
  const answer = await answered(`${what}.\nType ${styled("bold", word)} to go on: `);
  if (answer.trim() !== word) throw new UserError(`expected \`${word}\`, got \`${answer.trim()}\`; nothing was changed`);
}

/** Pure. */
export const wordFor = (about: string | readonly string[]): string =>
  typeof about === "string" ? about : about.length === 1 ? about[0]! : String(about.length);

/** An end of input (Ctrl-D) is an answer too: none. Ctrl-C comes as a signal does. */
async function answered(question: string): Promise<string> {
  const questions = createInterface({ input: process.stdin, output: process.stdout });
  const ended = new Promise<string>((resolve) => questions.once("close", () => resolve("")));
  questions.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const answer = await Promise.race([questions.question(question), ended]);
  questions.close();
  return answer;
}

/** What is typed is not shown. */
export async function askHidden(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const questions = createInterface({ input: process.stdin, output: silent, terminal: true });
  const ended = new Promise<string>((resolve) => questions.once("close", () => resolve("")));
  questions.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  process.stdout.write(question);
  const answer = await Promise.race([questions.question(""), ended]);
  questions.close();
  process.stdout.write("\n");
  return answer;
}

/** Columns of text, padded to their widest; the last one is left ragged. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? "").length)));
  return rows
    .map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join("  "))
    .join("\n");
}

/** Several lines behind one word: all but the first after `indent`, so that what a server said does not run into what stands below. */
export const hanging = (text: string, indent: string): string => text.trimEnd().replaceAll("\n", `\n${indent}`);

/** The words of a text in lines of the terminal's width (80 where there is none), each after `indent`. */
export function wrapped(text: string, indent = ""): string {
  const width = Math.min(process.stdout.columns || 80, 100) - indent.length;
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `${indent}${line}`).join("\n");
}
