// A tar archive laid into a directory: it travels with the want, or the server fetches it by its checksum.

import { createHash } from "node:crypto";
import { z } from "zod";
import { counted } from "../../spec/counted.ts";
import { AbsolutePath, Owner, Url } from "../../spec/scalars.ts";
import type { PathSeen } from "../engine/probe.ts";
import { type Command, lines, sh, withInput } from "../engine/shell-quote.ts";
import { common, defineKind, missing, purgeFolder, type Step } from "./kind.ts";
import { removeFile, removeTree } from "./undo-path.ts";

/** Bytes of an archive that travels with the want, and so rests in the stack's state. */
export const archiveLimit = 8 * 1024 * 1024;

const sumOf = (content: string): string => createHash("sha256").update(Buffer.from(content, "base64")).digest("hex");

export const ArchiveWant = z
  .strictObject({
    ...common,
    /** The directory that the archive's members are laid into. Files that are there and not in the archive stay. */
    path: AbsolutePath,
    /** Of the archive as a file, hex. Only a new one makes the server unpack again: edits of what was unpacked go unseen. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: "expected a sha256 of 64 hex digits" }),
    /** The archive as base64: tar, plain or packed as the server's tar knows it. */
    content: z
      .base64()
      .max(Math.ceil(archiveLimit / 3) * 4, { error: `expected at most ${archiveLimit} bytes; serve a larger one and give its \`url\`` })
      .optional(),
    /** Fetched by the server itself, with curl. */
    url: Url.optional(),
    /** Leading folders to leave out of the members' names. */
    strip: z.int().min(0).max(20).default(0),
    owner: Owner.default("root"),
    group: Owner.default("root"),
  })
  .refine(({ content, url }) => (content === undefined) !== (url === undefined), { error: "expected either `content` or `url`" })
  .refine(({ content, sha256 }) => content === undefined || sumOf(content) === sha256, {
    path: ["sha256"],
    error: "expected the sha256 of `content`",
  });
export type ArchiveWant = z.infer<typeof ArchiveWant>;

export interface ArchiveHave {
  readonly type: PathSeen["type"];
  /** Of the archive that was unpacked last and to the end. */
  readonly sha256: string;
}

/** Beside the copies: the names that archives brought here, and the sums of the files of the last one. */
const listMembers: Command = sh`list="$state/originals/$key.members"
touch "$list"
find . -mindepth 1 ! -type d -printf '%P\\n' | LC_ALL=C sort -u -o "$list" - "$list"
find . -mindepth 1 -type f -exec sha256sum {} + > "$list.sums"`;

/** Takes the folder away where all that is in it came with an archive and is as it came. */
const removeOwn = (path: string): Command => sh`list="$state/originals/$key.members"
[ -d ${path} ] || exit 0
fleet_enter ${path}
if [ -e "$list" ]; then
  { find . -mindepth 1 ! -type d ! -name '.fleet-*' -printf '%P\\n' | LC_ALL=C sort | LC_ALL=C comm -23 - "$list"
    sha256sum --check --quiet -- "$list.sums" 2>/dev/null | sed -n 's,^[.]/\\(.*\\): FAILED$,\\1,p'; } > "$list.work"
else
  echo 'what came with it is not known' > "$list.work"
fi
if [ -s "$list.work" ]; then
  printf '%s holds what did not come with the archive: %s; save it, and \`rm -r %s\` on the server removes it\\n' ${path} "$(head -n 5 "$list.work" | paste -s -d ,)" ${path}
  rm -f -- "$list.work"
  exit 1
fi
cd /
fleet_at ${path} rm -rf --
rm -f -- "$list" "$list.sums" "$list.work"`;

/**
 * Folder by folder, each entered: whoever has one of them may put a link in the place of the next. The directory itself keeps the mode that it
 * has; where it is a link, that leads on as it did. Expects the tree at "$packed/tree".
 */
const layInto = (path: string): Command => sh`find . -type d | LC_ALL=C sort > "$packed/folders"
while IFS= read -r each; do
  at=${path}\${each#.}
  if [ "$each" != . ] && [ ! -d "$at" ]; then fleet_at "$at" mkdir -m 0700 --; fi
  ( fleet_enter "$at" || exit 1
    find "$packed/tree/$each" -mindepth 1 -maxdepth 1 ! -type d -exec cp -a --remove-destination -t . -- {} + || exit 1
    [ "$each" = . ] || { chown --reference="$packed/tree/$each" . && chmod --reference="$packed/tree/$each" .; } )
done < "$packed/folders"`;

const markerOf = (path: string): string => `${path}/.fleet-archive`;

/** The marker comes last: killed anywhere before, the next run unpacks again. */
function unpackStep(want: ArchiveWant, have: ArchiveHave): Step {
  const { path, sha256, content, url, strip, owner, group } = want;
  const bytes = content === undefined ? undefined : Buffer.from(content, "base64");
  const fetched: Command = bytes
    ? withInput(sh`cat > "$packed/archive"`, bytes)
    : sh`curl -fsSL --retry 3 --max-time 600 -o "$packed/archive" -- ${url ?? ""}`;
  const run = lines([
    sh`packed=$(mktemp -d)\ntrap 'rm -rf -- "$packed"' EXIT`,
    fetched,
    sh`printf '%s  %s\n' ${sha256} "$packed/archive" | sha256sum --check --quiet -`,
    sh`tar -tf "$packed/archive" > "$packed/names"`,
    sh`if grep -E -n '^/|(^|/)[.][.](/|$)' "$packed/names"; then printf 'refused: the archive names paths outside of its folder\n'; exit 1; fi`,
    sh`fleet_parents ${path}\n[ -d ${path} ] || { fleet_at ${path} mkdir -- && fleet_at ${path} chown -h ${`${owner}:${group}`} --; }`,
    removeFile(markerOf(path)),
    sh`mkdir "$packed/tree"\ntar -xf "$packed/archive" -C "$packed/tree" --strip-components=${strip} --no-same-owner --no-same-permissions`,
    sh`chown -hR ${`${owner}:${group}`} "$packed/tree"\ncd -- "$packed/tree"`,
    listMembers,
    layInto(path),
    withInput(sh`( fleet_write ${markerOf(path)} 0644 root root '' )`, `${sha256}\n`),
  ]);
  const from = bytes ? counted(bytes.length, "byte") : `\`${url}\``;
  const was = have.sha256 === missing ? "" : `, in place of \`${have.sha256.slice(0, 8)}\``;
  return { change: `unpack ${from} (sha256 \`${sha256.slice(0, 8)}\`)${was}`, property: "sha256", run };
}

export const archive = defineKind<ArchiveWant, ArchiveHave>({
  kind: "archive",
  rank: 160,
  schema: ArchiveWant,
  address: ({ path }) => `archive[${path}]`,
  touches: ({ path }) => ({ paths: [path] }),
  parents: ({ path }) => path,
  leans: ({ owner, group }) => ({ users: [owner], groups: [group] }),
  read({ path }, look) {
    const folder = look.path(path);
    const marker = look.path(markerOf(path), { content: true });
    return () => ({ type: folder().type, sha256: marker().content?.toString("utf8").trim() || missing });
  },
  plan: (want, have) => (have.sha256 === want.sha256 ? [] : [unpackStep(want, have)]),
  seen: (want, have) => (have.sha256 === missing ? undefined : { ...want, sha256: have.sha256 }),
  purge: ({ path }, original, { type }) =>
    original.type === missing && type === "directory" ? purgeFolder(path, removeTree(path), true) : undefined,
  undo({ path }, original) {
    if (original.type === missing) return [{ change: "remove what was unpacked", run: removeOwn(path) }];
    return `${path} was there before, and what lay in it can't be told from what was unpacked over it`;
  },
});
