// How a path goes back to what it was: shared by every kind that lives at one path.

import { basename, dirname } from "node:path";
import type { PathSeen } from "../engine/probe.ts";
import { type Command, lines, sh } from "../engine/shell-quote.ts";
import { attributeSteps } from "./attributes.ts";
import { type Kept, missing, type Step } from "./kind.ts";

/** The runner keeps a copy of what was there before the first change at `$state/originals/$key`, attributes and all. */
export function undoPath(noun: string, path: string, original: Kept<PathSeen>, have: PathSeen): readonly Step[] {
  if (original.type === missing) return remove(noun, path, have);
  if (original.type === "directory") return directoryAgain(path, original, have);
  if (original.type === "link" && have.type === "link" && original.target === have.target) return [];
  const run = sh`fleet_folders ${dirname(path)}\nfleet_back "$state/originals/$key" ${path}`;
  return [{ change: "put the original back", run }];
}

/** The folder to work in, and how the path is called there. */
export const placeOf = (path: string): readonly [folder: string, name: string] => [dirname(path), `./${basename(path)}`];

export const removeFile = (path: string): Command => sh`fleet_remove ${path}`;
export const removeTree = (path: string): Command => sh`fleet_at ${path} rm -rf --`;

/** Root's own comes into being as root's, but where a set-group-id directory hands down its group. */
export function makeFolder({
  path,
  mode,
  owner,
  group,
}: Pick<Kept<PathSeen>, "mode" | "owner" | "group"> & { readonly path: string }): Command {
  const [folder, name] = placeOf(path);
  const of = `${owner}:${group}`;
  const owned = of === "root:root" ? sh`if [ -g . ]; then chown -h ${of} ${name}; fi` : sh`chown -h ${of} ${name}`;
  return lines([sh`fleet_enter ${folder}`, sh`mkdir -m ${mode} -- ${name}`, owned]);
}

function remove(noun: string, path: string, have: PathSeen): readonly Step[] {
  if (have.type === missing) return [];
  if (have.type !== "directory") return [{ change: `remove the ${noun}`, run: removeFile(path) }];
  return [
    {
      change: "remove the directory where nothing else was put into it",
      run: removeFolder(path),
    },
  ];
}

/** What was put in by others, a log say, is nobody's to remove unasked. */
export const removeFolder = (path: string): Command => sh`if [ -d ${path} ]; then fleet_at ${path} rmdir --ignore-fail-on-non-empty --; fi
if [ -d ${path} ]; then
  within=$(ls -A -- ${path} | head -n 5 | paste -s -d ' ')
  fleet_stays "$(printf '%s stays, with what others put into it (%s); remove it by \`rm -r %s\`' ${path} "$within" ${path})"
fi`;

/** One that something else took the place of was empty; so was one that is gone, as far as a role may take it away. */
function directoryAgain(path: string, original: Kept<PathSeen>, have: PathSeen): readonly Step[] {
  if (have.type === "directory") return attributeSteps({ ...original, path }, have);
  return [{ change: "make the empty directory again", run: lines([removeFile(path), makeFolder({ ...original, path })]) }];
}
