// What an interrupted command says: one sentence, with what is done, what is not, and what to type.

import { hasChanged, interrupt } from "../pulumi/interruption.ts";
import { launcher, shellWord, typed } from "../spec/typed.ts";

/** `130`, as a shell counts a command that Ctrl-C ended. */
export const interruptedCode = 130;

/** `words`: as they were typed behind `fleet`. */
export function interruption(words: readonly string[], changed = hasChanged()): string {
  const command = words.find((word, at) => !word.startsWith("-") && words[at - 1] !== "--cwd") ?? "fleet";
  if (command === "ssh") return "ssh: interrupted; what it ran there may go on without it";
  if (["status", "logs", "watch", "page"].includes(command)) return `${command}: interrupted; nothing of it goes on on the servers`;
  if (command === "run") return "run: interrupted; what it ran on the servers was ended there";
  if (["deploy", "rollback"].includes(command) && changed)
    return `${command}: interrupted; servers that had their turn keep it, the others run what they ran; next: ${typed()} status, then the same again or ${typed()} rollback`;
  if (command === "split" && changed)
    return `split: interrupted; nothing is left half-done but what is named above; next: ${typed()} status, then the same again, or --undo`;
  if (command === "image" && changed)
    return `image: interrupted; what was made on the way was taken away but for what is named above; next: ${typed()} sweep, which says what is left`;
  const again = [launcher(), ...words.map(shellWord)].join(" ");
  if (!changed) return `${command}: interrupted before anything was changed; next: ${again}`;
  if (command === "lab")
    return `lab: interrupted; its servers take back what it put onto them, within a minute or two and without this computer; next: ${again}`;
  if (command === "retest")
    return `retest: interrupted; a reboot that was asked for goes on; next: ${typed()} retest --resume goes on with it, --clean takes away what it wrote`;
  return `${command}: interrupted; what is done stays done, the rest was not begun; next: ${again}, which goes on from there`;
}

/** A command that waits for nobody ends at once; one that waits for an engine ends with it. */
export function onSignals(words: readonly string[]): void {
  const end = (signal: NodeJS.Signals): void => {
    if (interrupt(signal)) return;
    console.error(`${clear()}${interruption(words)}`);
    process.exit(interruptedCode);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
}

/** Of a line that is being drawn, or of a `^C`. */
const clear = (): string => (process.stderr.isTTY ? "\r\u001b[2K" : "");
