// What is run once for all servers: a migration before any of them has the commit, and what is to follow when all have it.
import type { Shell } from "../../provisioners/engine/shell.ts";
import { type Command, lines } from "../../provisioners/engine/shell-quote.ts";
import { asOwner } from "../../provisioners/resources/git.ts";
import type { Place } from "./places.ts";

export interface Once {
  readonly name: "before" | "after";
  readonly command: string;
  readonly commit: string;
  readonly environmentFile?: string;
}

/** $1 path, $2 commit, $3 environment file or empty, $4 the command. The copy lies beside, and goes with the shell. */
const beforeText = `cd -- "$1"
place=$(mktemp -d)
trap 'cd /; git -C "$1" worktree remove --force "$place/code" >/dev/null 2>&1 || true; rm -rf "$place"' EXIT
git worktree add -q --detach "$place/code" "$2"
cd "$place/code"`;
const afterText = `cd -- "$1"`;
/** Lines of a systemd environment file are shell's, as contests write them. */
const runText = `file=\${3:-$HOME/env.sh}
if [ -r "$file" ]; then set -a; . "$file"; set +a; fi
sh -ec "$4" </dev/null 2>&1`;

export const onceScript = ({ git }: Place, { name, command, commit, environmentFile = "" }: Once): Command =>
  lines([asOwner(git, `${name === "before" ? beforeText : afterText}\n${runText}`, [git.path, commit, environmentFile, command])]);

interface Hear {
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
  readonly onOutput: (line: string) => void;
}

/** Milliseconds: a migration of a contest's tables. */
const deadline = 600_000;

/** @returns why it failed; undefined where it did not */
export async function runOnce(place: Place, shell: Shell, once: Once, { signal, onLine, onOutput }: Hear): Promise<string | undefined> {
  onLine(`${once.name}: ${once.command.trim().split("\n")[0]}`);
  const said: string[] = [];
  const hear = (line: string) => {
    onOutput(line);
    said.push(line);
    if (said.length > 20) said.shift();
  };
  const { code } = await shell.run(onceScript(place, once), { signal, onAbort: "end", deadline, onLine: hear });
  signal.throwIfAborted();
  return code === 0 ? undefined : `${once.name}: expected exit code 0, got ${code}${said.length > 0 ? `\n${said.join("\n")}` : ""}`;
}
