// The workload as a person would write it down in shell: one look at everything, and the changes one after the other.
import { createHash } from "node:crypto";
import { quote } from "../../provisioners/engine/shell-quote.ts";
import { type FileItem, type Item, render } from "./workload.ts";

const of = <Kind extends Item["kind"]>(items: readonly Item[], kind: Kind) =>
  items.filter((item): item is Extract<Item, { kind: Kind }> => item.kind === kind);
const all = (words: readonly string[]): string => words.map(quote).join(" ");
const sum = (file: FileItem, host: string): string => createHash("sha256").update(render(file, host)).digest("hex");

/** Prints `same` and ends where all is right already. One process for each of stat, sha256sum, dpkg-query and sed. */
export function lookShell(items: readonly Item[], host: string): string {
  const [files, links, directories] = [of(items, "file"), of(items, "link"), of(items, "directory")];
  const mode = (text: string) => text.replace(/^0/, "");
  const expected = [
    ...directories.map(({ path, mode: bits, owner }) => `directory|${mode(bits)}|${owner}|${owner}|'${path}'`),
    ...files.map(({ path, mode: bits, owner }) => `regular file|${mode(bits)}|${owner}|${owner}|'${path}'`),
    ...links.map(({ path, target }) => `symbolic link|777|root|root|'${path}' -> '${target}'`),
    ...files.map((file) => `${sum(file, host)}  ${file.path}`),
    // dpkg-query answers in the order of the alphabet.
    ...of(items, "package")
      .map(({ name }) => `ii |${name}`)
      .sort(),
    ...of(items, "user").map(({ name, comment }) => `${name}:${comment}:/home/${name}:/bin/bash`),
    ...of(items, "check").map(() => "holds"),
  ];
  const users = of(items, "user").map(({ name }) => name);
  return [
    "LC_ALL=C; export LC_ALL",
    "seen=$(",
    `stat -c '%F|%a|%U|%G|%N' -- ${all([...directories, ...files, ...links].map(({ path }) => path))} 2>/dev/null`,
    `sha256sum -- ${all(files.map(({ path }) => path))} 2>/dev/null`,
    `dpkg-query -W -f '\${db:Status-Abbrev}|\${Package}\\n' -- ${all(of(items, "package").map(({ name }) => name))}`,
    `sed -nE 's/^(${users.join("|")}):x:[0-9]+:[0-9]+:/\\1:/p' /etc/passwd`,
    ...of(items, "check").map(({ command }) => `{ ${command}; } 2>/dev/null && echo holds`),
    ")",
    `[ "$seen" = ${quote(expected.join("\n"))} ] && { echo same; exit 0; }`,
  ].join("\n");
}

function applyOne(item: Item, host: string): string {
  switch (item.kind) {
    case "user":
      return `useradd -m -c ${quote(item.comment)} -d /home/${item.name} -s /bin/bash -U -- ${item.name}`;
    case "directory":
      return `mkdir -m ${item.mode} ${item.path}${item.owner === "root" ? "" : `\nchown ${item.owner}:${item.owner} ${item.path}`}`;
    case "file":
      return writeShell(item, host);
    case "link":
      return `ln -s ${item.target} ${item.path}`;
    case "check":
      return item.command;
    case "package":
      return ":";
    default:
      throw new TypeError(`unknown item ${item satisfies never}`);
  }
}

/** Beside it, then renamed: a reader never meets half a file. Not flushed to the disk, unlike the product's. */
function writeShell(file: FileItem, host: string): string {
  const { path, mode, owner } = file;
  const fresh = `${path}.new`;
  return [
    `cat > ${fresh} <<'END_OF_FILE'\n${render(file, host)}END_OF_FILE`,
    ...(mode === "0644" ? [] : [`chmod ${mode} ${fresh}`]),
    ...(owner === "root" ? [] : [`chown ${owner}:${owner} ${fresh}`]),
    `mv -fT ${fresh} ${path}`,
  ].join("\n");
}

/** Stops at the first failure; prints `done` at the end. */
export const applyShell = (items: readonly Item[], host: string): string =>
  ["set -e", ...items.map((item) => applyOne(item, host)), "echo done"].join("\n");
