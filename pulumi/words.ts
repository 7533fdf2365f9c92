// What users read of Pulumi: its sentences, names as they are written, without stack traces of its runner and without advice that would lose
// something here.
import { unspelled } from "../provisioners/engine/spelling.ts";

const unwanted = [
  /^\s+at .*(?:node:|node_modules|\.[cm]?[jt]s:\d+)/,
  // `fleet` removes the stack by itself; by force, what is still there would be nobody's.
  /^The resources in the stack have been deleted, but the history and configuration/,
  /^If you want to remove the stack completely, run `pulumi stack rm/,
  /pulumi stack rm .*--force/,
];

const isWanted = (line: string): boolean => !unwanted.some((pattern) => pattern.test(line));

export const readable = (text: string): string => unspelled(text.split("\n").filter(isWanted).join("\n"));

/** Takes output as it comes; `show` is handed whole lines. The returned function hands over the rest. */
export function readableLines(show: (text: string) => void): { take(text: string): void; end(): void } {
  let rest = "";
  return {
    take(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (isWanted(line)) show(`${unspelled(line)}\n`);
    },
    end() {
      if (rest !== "" && isWanted(rest)) show(unspelled(rest));
      rest = "";
    },
  };
}
