// Looks for a text where no secret may be: in argument lists while something runs, and in files afterwards.
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";

/** The text, and its base64 at each of the three places where it can stand in a longer one. */
export function formsOf(text: string): readonly string[] {
  const encoded = [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
    // The characters that neighbours share are left out.
    return bytes.toString("base64", 0, bytes.length - (bytes.length % 3)).slice(Math.ceil((offset * 4) / 3));
  });
  return [text, ...encoded];
}

/** Milliseconds: between two looks, and for how long a new process may still start another program. */
const interval = 5;
const youth = 1000;

/**
 * Reads the argument list of every process of this computer, those in containers too, until `stop`, which returns the lists that hold
 * one of `forms`. A process of less than some milliseconds may go unseen; each step of a run starts several that live longer.
 */
export function watchArguments(forms: readonly string[]): { stop(): readonly string[]; seen(): number } {
  const born = new Map<string, number>();
  const found = new Set<string>();
  const look = () => {
    const now = performance.now();
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const first = born.get(pid) ?? now;
      born.set(pid, first);
      if (now - first > youth) continue;
      const text = argumentsOf(pid);
      if (forms.some((form) => text.includes(form))) found.add(text.replaceAll("\0", " "));
    }
  };
  const timer = setInterval(look, interval);
  const stop = () => {
    clearInterval(timer);
    return [...found];
  };
  return { stop, seen: () => born.size };
}

const buffer = Buffer.alloc(128 * 1024);

function argumentsOf(pid: string): string {
  try {
    const file = openSync(`/proc/${pid}/cmdline`, "r");
    const length = readSync(file, buffer);
    closeSync(file);
    return buffer.toString("utf8", 0, length);
  } catch {
    // It has ended.
    return "";
  }
}

/** Which of the files hold one of the forms. */
export const filesWith = (files: readonly string[], forms: readonly string[]): readonly string[] =>
  files.filter((file) => {
    const text = readFileSync(file, "latin1");
    return forms.some((form) => text.includes(form));
  });
