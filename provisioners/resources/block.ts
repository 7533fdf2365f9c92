// A managed block in a file that others write too (`/etc/hosts`): the lines between two markers are ours, the rest stays as it is. Where the
// file is a link (`/home/isucon/env.sh` into a repository), what it leads to is edited, and the link stays.

import { dirname } from "node:path";
import { z } from "zod";
import { counted } from "../../spec/counted.ts";
import { AbsolutePath, Mode, Owner, OwnName } from "../../spec/scalars.ts";
import type { PathSeen } from "../engine/probe.ts";
import { type Command, sh, withInput } from "../engine/shell-quote.ts";
import { common, defineKind, type Kept, missing } from "./kind.ts";

export const BlockWant = z.strictObject({
  ...common,
  path: AbsolutePath,
  /** Tells the blocks of one file apart. */
  name: OwnName,
  /** Whole lines. They must not hold a marker. */
  content: z
    .string()
    .regex(/\n$/, { error: "expected whole lines, each with its newline" })
    .regex(/^(?!# (?:BEGIN|END) fleet )(?:.*\n(?!# (?:BEGIN|END) fleet ))*$/, {
      error: "expected lines without a marker `# BEGIN fleet` or `# END fleet`",
    }),
  /** Of a file that is not there yet; one that is keeps its own. */
  mode: Mode.default("0644"),
  owner: Owner.default("root"),
  group: Owner.default("root"),
  /** Shell text that must succeed before the file lands; `%s` is the file with the new block. */
  validate: z.string().optional(),
  /** The content is a secret: it is masked everywhere, and kept encrypted in the state. */
  sensitive: z.boolean().optional(),
});
export type BlockWant = z.infer<typeof BlockWant>;

const markers = (name: string) => ({ begin: `# BEGIN fleet ${name}`, end: `# END fleet ${name}` });

/** The lines between the markers; `undefined` where there is no whole block. */
function blockIn(text: string, name: string): string | undefined {
  const { begin, end } = markers(name);
  const lines = text.split("\n");
  const first = lines.indexOf(begin);
  const last = lines.indexOf(end, first + 1);
  if (first < 0 || last < 0) return undefined;
  const inside = lines.slice(first + 1, last);
  return inside.map((line) => `${line}\n`).join("");
}

/** A whole file with the block at its end; one that it has already goes. */
export function withBlock(text: string, { name, content }: Pick<BlockWant, "name" | "content">): string {
  const { begin, end } = markers(name);
  const lines = text.split("\n");
  const [first, last] = [lines.indexOf(begin), lines.indexOf(end)];
  const rest = first >= 0 && last > first ? [...lines.slice(0, first), ...lines.slice(last + 1)].join("\n") : text;
  return `${rest}${rest === "" || rest.endsWith("\n") ? "" : "\n"}${begin}\n${content}${end}\n`;
}

/**
 * Works on the file as it is when the step runs, since other blocks may just have been written. The block stays at its place, or comes last.
 * Standard input: the block with its markers; nothing to remove it. A marker without its other half is refused.
 */
const edit = ({ path, name, mode, owner, group, validate }: Kept<BlockWant>): Command => {
  const { begin, end } = markers(name);
  return sh`block="$state/block" new="$state/block.new"
path=$(fleet_through ${path}) || exit 1
cat > "$block"
if [ -e "$path" ]; then set -- $(stat -L -c '0%a %u %g' -- "$path"); else set -- ${mode} ${owner} ${group}; fi
if [ -e "$path" ]; then fleet_read "$path"; fi > "$state/block.was"
awk -v begin=${begin} -v end=${end} -v block="$block" '
  function put() { if (!done) while ((getline line < block) > 0) print line; done = 1 }
  inside { if ($0 == end) { inside = 0; put() } next }
  $0 == begin { inside = 1; next }
  { print }
  END { if (inside) exit 3; put() }
' "$state/block.was" > "$new" ||
  { printf 'expected \`%s\` after its beginning in %s, got the end of the file; put it back by hand\\n' ${end} "$path"; exit 1; }
fleet_write "$path" "$1" "$2" "$3" ${validate ?? ""} like < "$new"
rm -f -- "$block" "$block.was" "$new"`;
};

/** Of a link, the content of what it leads to. */
interface BlockSeen extends PathSeen {
  /** A link that leads nowhere. */
  readonly dangling?: boolean;
}

export const block = defineKind<BlockWant, BlockSeen, "content">({
  kind: "block",
  rank: 90,
  schema: BlockWant,
  address: ({ path, name }) => `block[${path}:${name}]`,
  touches: ({ path }) => ({ paths: [path] }),
  path: ({ path }) => path,
  leans: ({ path, owner, group }) => ({ paths: [dirname(path)], users: [owner], groups: [group] }),
  standing: (have) => have,
  shared: true,
  sensitive: (want) => (want.sensitive ? ["content"] : []),
  read({ path }, look) {
    const file = look.path(path, { content: true });
    const behind = look.command(sh`[ ! -L ${path} ] || cat -- ${path}`);
    return () => {
      const seen = file();
      if (seen.type !== "link") return seen;
      const { code, stdout } = behind();
      return code === 0 ? { ...seen, content: Buffer.from(stdout) } : { ...seen, dangling: true };
    };
  },
  plan(want, have) {
    const { name, content } = want;
    const { begin, end } = markers(name);
    const now = blockIn(have.content?.toString("utf8") ?? "", name);
    if (now === content) return [];
    const verb = have.type === missing ? "create with a" : now === undefined ? "add a" : "change the";
    const change = `${verb} block of ${counted(content.split("\n").length - 1, "line")}`;
    return [{ change, property: "content", run: withInput(edit(want), `${begin}\n${content}${end}\n`) }];
  },
  seen(want, have) {
    const content = blockIn(have.content?.toString("utf8") ?? "", want.name);
    return content === undefined ? undefined : { ...want, content };
  },
  undo(want, original, have) {
    if (blockIn(have.content?.toString("utf8") ?? "", want.name) === undefined) return [];
    // Without the validator: what was there before needs no leave to come back.
    const cut = edit({ ...want, validate: undefined });
    return [{ change: "take the block out", run: sh`${cut}\n${original.type === missing || original.dangling ? dropEmpty : unendLine}` }];
  },
});

/** `$path` is where the block was cut out. */
const dropEmpty = sh`if [ ! -s "$path" ]; then fleet_remove "$path"; fi`;

/** A file whose last line had no newline got one with the block. */
const unendLine = sh`kept="$state/originals/$key"
if [ -e "$kept" ] && echo | cat -- "$kept" - | cmp -s -- - "$path"; then fleet_write "$path" "$1" "$2" "$3" '' like < "$kept"; fi`;
