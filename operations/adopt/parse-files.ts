// Files of a look: a line that says what it is, and a line with what is in it.
import type { ServerFile } from "./facts.ts";

export function filesIn(text: string): readonly ServerFile[] {
  const lines = text.split("\n");
  const files = new Map<string, ServerFile>();
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [kind = "", mode = "", owner = "", group = "", size, path = ""] = lines[at]!.split("|");
    const of = { path, mode: mode.padStart(4, "0"), owner, group, size: Number(size) };
    const rest = lines[at + 1]!;
    if (kind === "symbolic link") files.set(path, { ...of, target: rest });
    else if (kind.startsWith("regular")) files.set(path, { ...of, ...(isTold(of, rest) && { bytes: Buffer.from(rest, "base64") }) });
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What is empty, and not for everybody, is not told either. */
const isTold = ({ mode, size }: { readonly mode: string; readonly size: number }, base64: string): boolean =>
  Buffer.byteLength(base64, "base64") === size && (size > 0 || isOpen(mode));

/** Everybody on the server may read it. */
export const isOpen = (mode: string): boolean => (Number.parseInt(mode, 8) & 0o004) !== 0;

/** ` /etc/nginx/nginx.conf 1f2e… [obsolete]` */
export const shippedIn = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split("\n").flatMap((line) => {
      const [path, md5] = line.trim().split(" ");
      return path && md5 ? [[path, md5] as const] : [];
    }),
  );
