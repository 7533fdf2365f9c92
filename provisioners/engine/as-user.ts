// Shell text that runs as somebody else: for what only they may read, and so that nothing of theirs (a git hook) runs as root.
import { type Command, sh } from "./shell-quote.ts";

/**
 * `text` runs under `sh -e` with `args` as $1, $2 …, HOME and USER being the user's; environment variables pass through. Text and
 * arguments are seen in the process list: a secret goes into the environment.
 */
export function asUser(user: string, text: string, args: readonly (string | number)[] = []): Command {
  const become = user === "root" ? sh`` : sh`runuser -u ${user} -- `;
  return sh`( HOME=~${user} USER=${user} LOGNAME=${user}; export HOME USER LOGNAME
${become}sh -ec ${text} sh ${args} )`;
}
