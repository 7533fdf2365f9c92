// What a doctor says of one thing: a line, and the command that mends it.

export interface Finding {
  readonly state: "ok" | "warning" | "failure";
  /** `this computer`, `accounts`, or a server. */
  readonly of: string;
  /** `disk`, `clock` … */
  readonly what: string;
  readonly text: string;
  /** A command for a shell here. */
  readonly mend?: string;
  /** What to do where no command does it, a sentence. */
  readonly advice?: string;
  /** POSIX sh for the server's root shell: what `--fix` runs, since it loses nothing and can be run twice. */
  readonly fix?: string;
}

type More = Pick<Finding, "mend" | "advice" | "fix">;

/** Of one thing or place, by its name. */
export const findingsOf = (of: string) => ({
  ok: (what: string, text: string): Finding => ({ state: "ok", of, what, text }),
  warning: (what: string, text: string, more: More = {}): Finding => ({ state: "warning", of, what, text, ...more }),
  failure: (what: string, text: string, more: More = {}): Finding => ({ state: "failure", of, what, text, ...more }),
});
