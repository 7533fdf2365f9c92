// Quoting for systemd: an environment file, and an argument of a unit's command line, follow different rules.
import { escapes } from "../escape.ts";

/**
 * A value of an `EnvironmentFile=`, in double quotes: there systemd takes a backslash before `"`, `\`, backquote and `$` off, keeps line
 * breaks, and expands nothing. POSIX sh reads the same text to the same value, so that `. env.sh` works for people.
 */
export const quoteEnv = (value: string): string => `"${escapes.env(value)}"`;

const controls: Readonly<Record<string, string>> = { "\n": String.raw`\n`, "\r": String.raw`\r`, "\t": String.raw`\t` };
const controlText = (control: string): string => controls[control] ?? `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`;

/** One argument of `ExecStart=`: C escapes in double quotes, `%` and `$` doubled so that systemd expands neither. */
export function quoteArgument(value: string): string {
  if (value.includes("\0")) throw new TypeError("an argument must not contain NUL");
  const expanded = value.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_/.:=@%$+,-]+$/.test(expanded)) return expanded;
  return `"${expanded.replace(/["\\]/g, String.raw`\$&`).replace(/[\u0001-\u001f\u007f]/g, controlText)}"`;
}

/** A command line: the program's path, written bare since systemd expands no `$` in it, and its arguments. */
export const commandLine = ([program = "", ...rest]: readonly string[]): string =>
  [program.replaceAll("%", "%%"), ...rest.map(quoteArgument)].join(" ");
