// How a path goes back to what it was: shared by every kind that lives at one path.

import type { PathSeen } from "../engine/probe.ts";
import { type Command, sh } from "../engine/shell-quote.ts";
import { attributeSteps } from "./attributes.ts";
import { type Kept, missing, type Step } from "./kind.ts";

/** The runner keeps a copy of what was there before the first change at `$state/originals/$key`, attributes and all. */
export function undoPath(noun: string, path: string, original: Kept<PathSeen>, have: PathSeen): readonly Step[] {
  if (original.type === missing) return remove(noun, path, have);
  if (original.type === "directory") return directoryAgain(path, original, have);
  if (original.type === "link" && have.type === "link" && original.target === have.target) return [];
  const [folder, name] = [path.slice(0, path.lastIndexOf("/")) || "/", path.slice(path.lastIndexOf("/") + 1)];
  // Hidden, so that no `include sites-enabled/*` picks it up.
  const run = sh`mkdir -p -- ${folder}
cp -a -- "$state/originals/$key" ${`${folder}/.${name}`}.fleet-"$run"
${clear(path)}
mv -fT -- ${`${folder}/.${name}`}.fleet-"$run" ${path}`;
  return [{ change: "put the original back", run }];
}

/** A directory that is not empty holds what nobody asked to lose: it stays, and the step fails. */
const clear = (path: string): Command => sh`if [ -d ${path} ] && [ ! -L ${path} ]; then rmdir -- ${path}; fi`;

function remove(noun: string, path: string, have: PathSeen): readonly Step[] {
  if (have.type === missing) return [];
  if (have.type !== "directory") return [{ change: `remove the ${noun}`, run: sh`rm -f -- ${path}` }];
  return [
    {
      change: "remove the directory where nothing else was put into it",
      run: removeFolder(path),
    },
  ];
}

/** What was put in by others, a log say, is nobody's to remove unasked. */
export const removeFolder = (path: string): Command => sh`[ ! -d ${path} ] || rmdir --ignore-fail-on-non-empty -- ${path}
if [ -d ${path} ]; then
  within=$(ls -A -- ${path} | head -n 5 | paste -s -d ' ')
  fleet_stays "$(printf '%s stays, with what others put into it (%s); remove it by \`rm -r %s\`' ${path} "$within" ${path})"
fi`;

/** One that something else took the place of was empty; so was one that is gone, as far as a role may take it away. */
function directoryAgain(path: string, original: Kept<PathSeen>, have: PathSeen): readonly Step[] {
  if (have.type === "directory") return attributeSteps({ ...original, path }, have);
  const { owner, group, mode } = original;
  return [
    {
      change: "make the empty directory again",
      run: sh`rm -f -- ${path}\nmkdir -m ${mode} -- ${path}\nchown -h ${`${owner}:${group}`} ${path}`,
    },
  ];
}
