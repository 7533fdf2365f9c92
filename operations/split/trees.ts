// Folders and files that come to a server as they stand: compared first, packed on the old one, unpacked beside, and put in place by a rename.
// What is taken the place of stays beside it, under a hidden name, until the split is taken back.
import { pathFunctions } from "../../provisioners/engine/prelude.ts";
import { type Command, lines, quote, raw } from "../../provisioners/engine/shell-quote.ts";
import type { Item } from "../../provisioners/roles/move.ts";
import { counted } from "../../spec/counted.ts";
import { keptFolder } from "./record.ts";

/** Of what the new server has not: it goes by way of this computer. Bytes. */
export const treeLimit = 1024 * 1024 * 1024;

const entered = (id: string, text: string): Command => lines([raw(`run=${quote(id)}`), raw(pathFunctions), raw(text)]);
const placeOf = (path: string): readonly [folder: string, name: string] => {
  const at = path.lastIndexOf("/");
  return [path.slice(0, at) || "/", `./${path.slice(at + 1)}`];
};

/** A line each of what is there: bytes, files, and one digest of names, owners, modes and contents. */
export const treeScript = (paths: readonly string[]): Command =>
  entered(
    "look",
    `each() (
  [ -e "$1" ] || [ -L "$1" ] || exit 0
  fleet_enter "\${1%/*}" >&2 || exit 1
  name=./\${1##*/}
  digest=$({ find "$name" -xdev -printf '%p %y %m %u:%g %l\\n' | LC_ALL=C sort; find "$name" -xdev -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum --; } | sha256sum | cut -d ' ' -f 1)
  printf 'tree\\t%s\\t%s\\t%s\\t%s\\n' "$1" "$(du -sxb -- "$name" | cut -f 1)" "$(find "$name" -xdev ! -type d | wc -l)" "$digest"
)
${paths.map((path) => `each ${quote(path)}`).join("\n")}
printf 'free\\t%s\\n' "$(df -Pk /var/lib ${paths.map((path) => quote(placeOf(path)[0])).join(" ")} 2>/dev/null | awk 'NR > 1 { print $4 * 1024 }' | sort -n | head -n 1)"`,
  );

export interface TreeSeen {
  readonly items: readonly (Item & { readonly digest: string })[];
  readonly free?: number | undefined;
}

/** Pure. */
export function treesIn(text: string): TreeSeen {
  const rows = text.split("\n").map((line) => line.split("\t"));
  const free = rows.find(([key]) => key === "free")?.[1];
  return {
    items: rows
      .filter(([key]) => key === "tree")
      .map(([, name = "", bytes = "0", files = "0", digest = ""]) => ({
        name,
        bytes: Number(bytes),
        detail: counted(Number(files), "file"),
        digest,
      })),
    ...(free !== undefined && /^\d+$/.test(free) && { free: Number(free) }),
  };
}

/** Pure. What comes, and what it takes the place of: without what both have alike. */
export function differing(from: TreeSeen, to: TreeSeen): { readonly from: TreeSeen; readonly to: TreeSeen } {
  const there = new Map(to.items.map(({ name, digest }) => [name, digest]));
  const items = from.items.filter(({ name, digest }) => there.get(name) !== digest);
  const names = new Set(items.map(({ name }) => name));
  return { from: { ...from, items }, to: { ...to, items: to.items.filter(({ name }) => names.has(name)) } };
}

/** To standard output; a file that changes meanwhile is as it was at one moment or another. */
export const packScript = (path: string): Command => {
  const [folder, name] = placeOf(path);
  return entered(
    "pack",
    `fleet_enter ${quote(folder)} >&2 || exit 1
tar --one-file-system -czf - -- ${quote(name)} || [ $? = 1 ]`,
  );
};

const packOf = (id: string, at: number): string => `${keptFolder(id)}/tree-${at}`;

/** Unpacked in root's own folder, where nobody is in the way. */
export const unpackScript = (id: string, at: number, sha256: string): Command =>
  raw(`set -e
cd ${quote(keptFolder(id))}
[ "$(sha256sum < tree-${at}.tgz | cut -d ' ' -f 1)" = ${quote(sha256)} ] || { echo 'what came differs from what was sent' >&2; exit 1; }
rm -rf tree-${at}
mkdir tree-${at}
tar -xpzf tree-${at}.tgz -C tree-${at}
rm -f tree-${at}.tgz`);

export const receiveScript = (id: string, at: number, first: boolean): Command =>
  raw(`umask 077\nmkdir -p ${quote(keptFolder(id))}\ncat ${first ? ">" : ">>"} ${quote(`${packOf(id, at)}.tgz`)}`);

export const forgetPack = (id: string, at: number): Command => raw(`rm -rf ${quote(`${packOf(id, at)}.tgz`)} ${quote(packOf(id, at))}`);

const hidden = (id: string, path: string): string => `./.${path.slice(path.lastIndexOf("/") + 1)}.fleet-split-${id}`;

/** Whoever runs with what was there, runs with what came. */
const heard = (units: readonly string[]): string =>
  units.map((unit) => `systemctl ${unit === "nginx.service" ? "try-reload-or-restart" : "try-restart"} -- ${quote(unit)} || :`).join("\n");

/** Which it is, is written down before: it may end between any two lines. */
export const swapScript = (id: string, items: readonly Item[], units: readonly string[]): Command =>
  entered(
    id,
    `set -e
kept=${quote(keptFolder(id))}
${items
  .map(({ name: path }, at) => {
    const [folder, name] = placeOf(path);
    return `(
  fleet_folders ${quote(folder)}
  fleet_enter ${quote(folder)} || exit 1
  if [ -e ${quote(name)} ] || [ -L ${quote(name)} ]; then touch "$kept/had-${at}"; else touch "$kept/new-${at}"; fi
  [ ! -e "$kept/had-${at}" ] || mv -T -- ${quote(name)} ${quote(hidden(id, path))}
  mv -T -- "$kept/tree-${at}/"${quote(name)} ${quote(name)}
) || exit 1`;
  })
  .join("\n")}
${heard(units)}`,
  );

/** As if nothing had come. */
export const swapBackScript = (id: string, items: readonly Item[], units: readonly string[]): Command =>
  entered(
    id,
    `kept=${quote(keptFolder(id))}
failed=0
${items
  .map(({ name: path }, at) => {
    const [folder, name] = placeOf(path);
    return `(
  [ -d ${quote(folder)} ] || exit 0
  fleet_enter ${quote(folder)} || exit 1
  if [ -e ${quote(hidden(id, path))} ] || [ -L ${quote(hidden(id, path))} ]; then
    rm -rf -- ${quote(name)}
    mv -T -- ${quote(hidden(id, path))} ${quote(name)} || exit 1
  elif [ -e "$kept/new-${at}" ]; then
    rm -rf -- ${quote(name)}
  fi
  rm -f "$kept/had-${at}" "$kept/new-${at}"
) || failed=1`;
  })
  .join("\n")}
${heard(units)}
[ "$failed" = 0 ]`,
  );

/** One script for each of them, in its folder: `$name`, `$came` beside it and `$kept` are what it is called, and will be. */
const each = (id: string, items: readonly Item[], other: string, text: (at: number) => string): string =>
  items
    .map(({ name: path }, at) => {
      const [folder, name] = placeOf(path);
      return `(
  [ -d ${quote(folder)} ] || exit 0
  fleet_enter ${quote(folder)} || exit 1
  name=${quote(name)} came=${quote(hidden(id, path))} kept=${quote(hidden(other, path))}
  there() { [ -e "$1" ] || [ -L "$1" ]; }
  ${text(at)}
) || exit 1`;
    })
    .join("\n");

/**
 * On the way back: what was kept comes into its place again, and what had come is beside it until all is done.
 * @param id of the way back
 * @param of the split that is taken back
 */
export const swapAgain = (id: string, of: string, items: readonly Item[], units: readonly string[]): { run: Command; undo: Command } => ({
  run: entered(
    id,
    `${each(id, items, of, (at) => `if there "$kept"; then mv -T -- "$name" "$came" && mv -T -- "$kept" "$name"; elif [ -e ${quote(`${keptFolder(of)}/new-${at}`)} ]; then mv -T -- "$name" "$came"; fi`)}
${heard(units)}`,
  ),
  undo: entered(
    id,
    `${each(
      id,
      items,
      of,
      () => `there "$came" || exit 0
  ! there "$name" || mv -T -- "$name" "$kept" || exit 1
  mv -T -- "$came" "$name"`,
    )}
${heard(units)}`,
  ),
});

/** What was kept of them is no longer wanted. */
export const swapForgetScript = (id: string, items: readonly Item[]): Command =>
  entered(
    id,
    items
      .map(
        ({ name: path }) =>
          `( [ ! -d ${quote(placeOf(path)[0])} ] || { fleet_enter ${quote(placeOf(path)[0])} && rm -rf -- ${quote(hidden(id, path))}; } ) || exit 1`,
      )
      .join("\n") || ":",
  );
