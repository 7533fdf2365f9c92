// A regular file: content, mode, owner, and a validator that must accept it before it lands.

import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { z } from "zod";
import { counted } from "../../spec/counted.ts";
import { FilePath, Mode, Owner } from "../../spec/scalars.ts";
import { contentLimit, type PathSeen } from "../engine/probe.ts";
import { type Command, raw, sh, withInput } from "../engine/shell-quote.ts";
import { attributeSteps } from "./attributes.ts";
import { common, defineKind, missing } from "./kind.ts";
import { undoPath } from "./undo-path.ts";

export const FileWant = z.strictObject({
  ...common,
  path: FilePath,
  /** Text; or bytes as base64 with `encoding: "base64"`. At most 1 MiB: larger things come as archives. */
  content: z.string(),
  encoding: z.enum(["utf8", "base64"]).optional(),
  mode: Mode.default("0644"),
  owner: Owner.default("root"),
  group: Owner.default("root"),
  /** Shell text that must succeed before the file lands; `%s` is the file with the new content: `visudo -cf %s`. */
  validate: z.string().optional(),
  /**
   * A file that is there keeps its mode and owner, with the execute bits of `mode` added; `mode`, `owner` and `group` are for one that is not.
   * A group that does not exist means the owner's own. @default false
   */
  keep: z.boolean().optional(),
  /** The content is a secret: it is masked everywhere, and kept encrypted in the state. */
  sensitive: z.boolean().optional(),
  /** Shell text that succeeds where what is there says the same in other words, and stays: another name of one time zone. */
  same: z.string().optional(),
});
export type FileWant = z.infer<typeof FileWant>;

export interface FileHave extends PathSeen {
  /** What is there says the same. */
  readonly same?: boolean | undefined;
}

export const bytesOf = ({ content, encoding }: Pick<FileWant, "content" | "encoding">): Buffer => Buffer.from(content, encoding ?? "utf8");

const short = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex").slice(0, 8);

/** Says what happens to the content, in lines where it is text and no secret. */
function contentChange(want: FileWant, have: PathSeen): string {
  const next = bytesOf(want);
  if (have.type === missing) return `create with ${counted(next.length, "byte")}`;
  if (want.sensitive) return "secret content changes";
  if (have.type !== "file") return `replace the ${have.type} with a file of ${counted(next.length, "byte")}`;
  if (!have.content) return `content of ${counted(have.size, "byte")} → ${counted(next.length, "byte")}`;
  return `content ${short(have.content)} → ${short(next)}`;
}

export const file = defineKind<FileWant, FileHave, "content">({
  kind: "file",
  rank: 60,
  schema: FileWant,
  address: ({ path }) => `file[${path}]`,
  touches: ({ path }) => ({ paths: [path] }),
  path: ({ path }) => path,
  leans: ({ path, owner, group, keep }) => ({ paths: [dirname(path)], users: [owner], ...(!keep && { groups: [group] }) }),
  standing: (have) => have,
  sensitive: (want) => (want.sensitive ? ["content"] : []),
  read({ path, same }, look, undo) {
    const seen = look.path(path, { content: true });
    if (same === undefined || undo) return seen;
    const answer = look.command(raw(same));
    return () => ({ ...seen(), same: answer().code === 0 });
  },
  plan(want, have) {
    const { path, validate } = want;
    const content = bytesOf(want);
    if (content.length > contentLimit)
      throw new RangeError(`file[${path}]: expected at most ${contentLimit} bytes, got ${content.length}; use an archive`);
    if (have.type !== "file" || !(have.same || have.content?.equals(content))) {
      const write = writeCommand(want);
      const clear = have.type === "directory" ? sh`fleet_at ${path} rmdir --\n` : sh``;
      return [
        {
          change: contentChange(want, have),
          property: "content",
          brief: validate === undefined,
          run: withInput(sh`${clear}${write}`, content),
        },
      ];
    }
    return attributeSteps(due(want, have), have);
  },
  seen(want, have) {
    if (have.type !== "file") return undefined;
    const content = have.content ?? Buffer.alloc(0);
    const same = have.same || content.equals(bytesOf(want));
    const told = same ? want.content : content.toString(want.encoding ?? "utf8");
    if (want.keep) return { ...want, content: told, mode: due(want, have).mode === have.mode ? want.mode : have.mode };
    return { ...want, content: told, mode: have.mode, owner: have.owner, group: have.group };
  },
  undo: ({ path }, original, have) => undoPath("file", path, original, have),
});

/** The want with the mode and owner that the file is to have: its own already, where it is kept. */
function due(want: FileWant, have: PathSeen): FileWant {
  if (!want.keep || have.type !== "file") return want;
  return { ...want, mode: withExecute(have.mode, want.mode), owner: have.owner, group: have.group };
}

/** Who may read may also run it, where the wanted mode says that anybody may. */
function withExecute(mode: string, wanted: string): string {
  const [now, next] = [Number.parseInt(mode, 8), Number.parseInt(wanted, 8)];
  return (next & 0o111 ? now | ((now & 0o444) >> 2) : now).toString(8).padStart(4, "0");
}

/** Mode and owner of a kept file are read when the step runs: a package of the same run may have brought it since the look. */
function writeCommand({ path, mode, owner, group, validate, keep }: FileWant): Command {
  if (!keep) return sh`fleet_write ${path} ${mode} ${owner} ${group} ${validate ?? ""}`;
  const execute = Number.parseInt(mode, 8) & 0o111 ? "1" : "";
  return sh`path=${path} execute=${execute}
if [ -f "$path" ] && [ ! -L "$path" ]; then set -- $(stat -c '0%a %u %g' -- "$path"); else set -- ${mode} ${owner} ${group}; fi
case $3 in root | 0) ;; *) getent group "$3" > /dev/null || set -- "$1" "$2" "$(id -gn -- "$2")" ;; esac
[ -z "$execute" ] || set -- "$(printf '%04o' $(( $1 | (($1 & 0444) >> 2) )))" "$2" "$3"
fleet_write "$path" "$1" "$2" "$3" ${validate ?? ""} like`;
}

/** Files of the system's own configuration folders, whose kind says nothing else. */
export const rootFile = { mode: "0644", owner: "root", group: "root" } as const;

export const writeRootFile = (path: string, text: string): Command =>
  withInput(sh`fleet_write ${path} ${rootFile.mode} ${rootFile.owner} ${rootFile.group} ''`, text);
