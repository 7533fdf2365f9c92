// A file of a server, for an editor here: what lies at its path, and which of it can't be edited.

import { type Command, sh } from "../../provisioners/engine/shell-quote.ts";
import { sizeLimit } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";

export interface RemoteFile {
  /** Where it really lies: links on the way are followed. */
  readonly path: string;
  /** Undefined where nothing is there yet. */
  readonly text: string | undefined;
  /** As `stat` has it: `644`. */
  readonly mode: string;
}

/** One line that says what is there, and the bytes of a file that is not too big behind it. */
export const fetchScript = (path: string): Command => sh`path=$(readlink -m -- ${path}) || exit 1
if [ -d "$path" ]; then printf 'directory 0 0 %s\n' "$path"
elif [ -f "$path" ]; then
size=$(stat -c %s -- "$path") && mode=$(stat -c %a -- "$path") || exit 1
printf 'file %s %s %s\n' "$size" "$mode" "$path"
[ "$size" -gt ${sizeLimit} ] || cat -- "$path"
elif [ -e "$path" ]; then printf 'other 0 0 %s\n' "$path"
elif [ -d "$(dirname -- "$path")" ]; then printf 'none 0 644 %s\n' "$path"
else printf 'nowhere 0 0 %s\n' "$path"
fi`;

/** Made by the kernel, or gone at the next boot. */
const fleeting = /^\/(?:proc|sys|dev|run|tmp)(?:\/|$)/;

/** Pure. Throws a UserError for what no editor here can take. `place`: `isu1:/etc/motd`. */
export function remoteFile(place: string, answer: Buffer): RemoteFile {
  const end = answer.indexOf("\n");
  const [, kind, size = "0", mode = "644", path = ""] = /^(\w+) (\d+) (\d+) (.*)$/.exec(answer.subarray(0, end).toString("utf8")) ?? [];
  const refuse = (got: string, next: string) => new UserError(`edit: ${place}: expected a text file, got ${got}; next: ${next}`);
  if (kind === undefined) throw refuse("no answer that can be read", "type it again");
  if (fleeting.test(path))
    throw refuse(`one below ${path.split("/", 2).join("/")}, which is gone at the next boot`, "a role's parameter, or a file of /etc");
  if (kind === "directory") throw refuse("a directory", "name a file in it");
  if (kind === "other") throw refuse("something that is no file (a socket, a device)", "name a file");
  if (kind === "nowhere")
    throw refuse(
      "a path in a folder that is not there",
      `look at the path; a new folder comes with the stack's files (${typed()} docs stack-file)`,
    );
  if (kind === "none") return { path, text: undefined, mode };
  if (Number(size) > sizeLimit)
    throw refuse(`${size} bytes, of at most ${sizeLimit}`, "bring it as an archive (archives: in the stack file)");
  const bytes = answer.subarray(end + 1);
  const text = bytes.toString("utf8");
  if (bytes.includes(0) || !Buffer.from(text).equals(bytes))
    throw refuse("other bytes than UTF-8 text", "put the file below the stack's files/ as it is");
  return { path, text, mode };
}
