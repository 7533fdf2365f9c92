// A regular file: content, mode, owner, and a validator that must accept it before it lands.
import { createHash } from "node:crypto";
import { z } from "zod";
import { AbsolutePath, Mode, Owner } from "../../spec/scalars.ts";
import { contentLimit, type PathSeen } from "../engine/probe.ts";
import { type Command, sh, withInput } from "../engine/shell-quote.ts";
import { common, defineKind, missing, type Step } from "./kind.ts";
import { undoPath } from "./undo-path.ts";

export const FileWant = z.strictObject({
  ...common,
  path: AbsolutePath,
  /** Text; or bytes as base64 with `encoding: "base64"`. At most 1 MiB: larger things come as archives. */
  content: z.string(),
  encoding: z.enum(["utf8", "base64"]).optional(),
  mode: Mode.default("0644"),
  owner: Owner.default("root"),
  group: Owner.default("root"),
  /** Shell text that must succeed before the file lands; `%s` is the file with the new content: `visudo -cf %s`. */
  validate: z.string().optional(),
  /** The content is a secret: it is masked everywhere, and kept encrypted in the state. */
  sensitive: z.boolean().optional(),
});
export type FileWant = z.infer<typeof FileWant>;

export const bytesOf = ({ content, encoding }: Pick<FileWant, "content" | "encoding">): Buffer => Buffer.from(content, encoding ?? "utf8");

const short = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex").slice(0, 8);

/** Says what happens to the content, in lines where it is text and no secret. */
function contentChange(want: FileWant, have: PathSeen): string {
  const next = bytesOf(want);
  if (have.type === missing) return `create with ${next.length} bytes`;
  if (want.sensitive) return "secret content changes";
  if (have.type !== "file") return `replace the ${have.type} with a file of ${next.length} bytes`;
  if (!have.content) return `content of ${have.size} bytes → ${next.length} bytes`;
  return `content ${short(have.content)} → ${short(next)}`;
}

export const file = defineKind<FileWant, PathSeen>({
  kind: "file",
  schema: FileWant,
  address: ({ path }) => `file[${path}]`,
  touches: ({ path }) => ({ paths: [path] }),
  path: ({ path }) => path,
  sensitive: (want) => (want.sensitive ? ["content"] : []),
  read: ({ path }, look) => look.path(path, { content: true }),
  plan(want, have) {
    const { path, mode, owner, group, validate } = want;
    const content = bytesOf(want);
    if (content.length > contentLimit)
      throw new RangeError(`file[${path}]: expected at most ${contentLimit} bytes, got ${content.length}; use an archive`);
    if (have.type !== "file" || !have.content?.equals(content)) {
      const write = sh`fleet_write ${path} ${mode} ${owner} ${group} ${validate ?? ""}`;
      const clear = have.type === "directory" ? sh`rmdir -- ${path}\n` : sh``;
      return [
        {
          change: contentChange(want, have),
          property: "content",
          brief: validate === undefined,
          run: withInput(sh`${clear}${write}`, content),
        },
      ];
    }
    return attributeSteps(want, have);
  },
  seen(want, have) {
    if (have.type !== "file") return undefined;
    const content = have.content ?? Buffer.alloc(0);
    const same = content.equals(bytesOf(want));
    const told = same ? want.content : content.toString(want.encoding ?? "utf8");
    return { ...want, content: told, mode: have.mode, owner: have.owner, group: have.group };
  },
  undo: ({ path }, original, have) => undoPath("file", path, original, have),
});

interface Attributes {
  readonly path: string;
  readonly mode?: string | undefined;
  readonly owner: string;
  readonly group: string;
}

/** Mode and owner of what is there already; shared by files and directories. */
export function attributeSteps({ path, mode, owner, group }: Attributes, have: PathSeen): Step[] {
  const steps: Step[] = [];
  if (have.owner !== owner || have.group !== group) {
    const run = sh`chown -h ${`${owner}:${group}`} ${path}`;
    steps.push({
      change: `owner \`${have.owner}:${have.group}\` → \`${owner}:${group}\``,
      property: have.owner !== owner ? "owner" : "group",
      run,
    });
  }
  // chown clears set-id bits, so the mode comes last.
  if (mode !== undefined && have.mode !== mode)
    steps.push({ change: `mode \`${have.mode}\` → \`${mode}\``, property: "mode", run: sh`chmod ${mode} ${path}` });
  return steps;
}

/** Files of the system's own configuration folders, whose kind says nothing else. */
export const rootFile = { mode: "0644", owner: "root", group: "root" } as const;

export const writeRootFile = (path: string, text: string): Command =>
  withInput(sh`fleet_write ${path} ${rootFile.mode} ${rootFile.owner} ${rootFile.group} ''`, text);
