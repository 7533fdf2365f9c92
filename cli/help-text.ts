// A help as it is printed: what is to be typed as the person types it, and no line wider than the terminal. Commander fits what it lays out itself;
// examples and what else stands behind the options are fitted here.
import { launcher } from "../spec/typed.ts";

const widest = 100;

/** Columns that a help may take. */
export const helpWidth = (): number => Math.min(process.stdout.columns || 80, widest);

/** Commands that stand to be typed: of the usage, of an example, and those that a mistake leads to. */
const asTyped = (line: string, name: string): string =>
  line.replaceAll(/^Usage: fleet\b|^\(fleet\b|^( {2}|.*[|("'*] ?| {2}EDITOR=\S+ \S+ )fleet (?=[a-z-])/g, (found) =>
    found.replace(/fleet( ?)$/, `${name}$1`),
  );

/** `command   comment`: where the comment begins. */
const commented = /^( {2}\S(?:.*?\S)?)( {2,})(\S.*)$/;

/** Lines of `width` at most, as far as words go, each but the first after `hang`. */
function filled(text: string, width: number, first: string, hang: string): readonly string[] {
  const lines = [first];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    const empty = last.trim() === "" || last === first;
    if (last.length + (empty ? 0 : 1) + word.length <= width || empty) lines[lines.length - 1] = `${last}${empty ? "" : " "}${word}`;
    else lines.push(`${hang}${word}`);
  }
  return lines;
}

/** Before each option, but inside of single quotes, where a backslash would be one. */
const optionBegins = / (?=--?[a-z](?:[^']*'[^']*')*[^']*$)/;

/** A command goes on behind a backslash, before one of its options. */
function continued(command: string, width: number): readonly string[] {
  const [first = "", ...options] = command.split(optionBegins);
  const lines = [first];
  for (const option of options) {
    const last = lines.at(-1)!;
    if (`${last} ${option} \\`.length <= width) lines[lines.length - 1] = `${last} ${option}`;
    else lines.push(`      ${option}`);
  }
  return lines.map((line, at) => (at < lines.length - 1 ? `${line} \\` : line));
}

/** An example's comment stands behind it, and goes on below itself; where that is narrow, it stands below the example. */
function example(line: string, width: number): readonly string[] {
  const [, command, gap, comment] = commented.exec(line) ?? [];
  if (command === undefined || gap === undefined || comment === undefined) return continued(line, width);
  const column = command.length + gap.length;
  if (column > width - 28) return [...continued(command, width), ...filled(comment, width, "      ", "      ")];
  return filled(comment, width, `${command}${gap}`, " ".repeat(column));
}

/** Pure. */
export function fitted(text: string, { name, width }: { readonly name: string; readonly width: number }): string {
  let examples = false;
  const wider = " ".repeat(Math.max(0, name.length - "fleet".length));
  const lines = text.split("\n").flatMap((written) => {
    if (/^Examples?:/.test(written)) examples = true;
    else if (written === "") examples = false;
    const line = asTyped(examples && /^ {20,}\S/.test(written) ? `${wider}${written}` : written, name);
    if (line.length <= width) return [line];
    if (examples) return example(line, width);
    const indent = /^ */.exec(line)![0];
    return filled(line.trim(), width, indent, indent);
  });
  return lines.join("\n");
}

/** For a program's `configureOutput`, which its commands inherit. */
export const helpOutput = {
  writeOut: (text: string): void => void process.stdout.write(fitted(text, { name: launcher(), width: helpWidth() })),
  writeErr: (text: string): void => void process.stderr.write(fitted(text, { name: launcher(), width: helpWidth() })),
  getOutHelpWidth: helpWidth,
};
