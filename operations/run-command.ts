// A command on servers, as their own user or as root: its lines as they come, its exit code, and its end with ours.
import type { RunOptions, Shell } from "../provisioners/engine/shell.ts";
import { type Command, sh } from "../provisioners/engine/shell-quote.ts";
import type { FleetServer } from "./fleet-up.ts";

export interface Line {
  readonly server: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

export interface Ran {
  readonly code: number;
  readonly seconds: number;
}

/** setTimeout takes no more. */
const forever = 2 ** 31 - 1;

/**
 * What a login of `user` would run: their shell, their environment, their home; root's where they are root. A command is written once for all servers:
 * whose shell speaks another language (fish, csh), or lets nobody in, gets sh.
 */
export const asLogin = (user: string, command: string): Command => sh`shell=$(getent passwd ${user} | cut -d : -f 7)
case \${shell##*/} in sh | bash | dash | ash | zsh | ksh | mksh) ;; *) shell=/bin/sh ;; esac
runuser -l ${user} -s "$shell" -c ${command}`;

/** Runs without a deadline of its own; an aborted signal ends it, with all that it started, and is thrown. */
export async function runCommand(
  server: FleetServer,
  shell: Shell,
  { command, user = server.connection.user }: { readonly command: string; readonly user?: string | undefined },
  { onLine, signal }: { readonly onLine: (line: Line) => void; readonly signal: AbortSignal },
): Promise<Ran> {
  const begun = performance.now();
  // What shells say of being ended is no output of the command.
  const hear = (stream: Line["stream"]) => (text: string) => void (signal.aborted || onLine({ server: server.name, stream, text }));
  const options: RunOptions = {
    onLine: hear("stdout"),
    onErrorLine: hear("stderr"),
    onBytes: () => {},
    deadline: forever,
    signal,
    onAbort: "end",
  };
  const { code } = await shell.run(asLogin(user, command), options);
  signal.throwIfAborted();
  return { code, seconds: (performance.now() - begun) / 1000 };
}
