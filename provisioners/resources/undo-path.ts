// How a path goes back to what it was: shared by every kind that lives at one path.

import type { PathSeen } from "../engine/probe.ts";
import { sh } from "../engine/shell-quote.ts";
import { missing, type Step } from "./kind.ts";

/** The runner keeps a copy of what was there before the first change at `$state/originals/$key`, attributes and all. */
export function undoPath(noun: string, path: string, original: PathSeen, have: PathSeen): readonly Step[] {
  if (original.type === missing) {
    if (have.type === missing) return [];
    if (have.type === "directory")
      return [
        {
          change: "remove the directory where nothing else was put into it",
          run: sh`[ ! -d ${path} ] || rmdir --ignore-fail-on-non-empty -- ${path}`,
        },
      ];
    return [{ change: `remove the ${noun}`, run: sh`rm -f -- ${path}` }];
  }
  if (original.type === "directory")
    return [
      {
        change: "put mode and owner back",
        run: sh`chown ${`${original.owner}:${original.group}`} ${path}\nchmod ${original.mode} ${path}`,
      },
    ];
  const [folder, name] = [path.slice(0, path.lastIndexOf("/")) || "/", path.slice(path.lastIndexOf("/") + 1)];
  // Hidden, so that no `include sites-enabled/*` picks it up.
  const run = sh`mkdir -p -- ${folder}
cp -a -- "$state/originals/$key" ${`${folder}/.${name}`}.fleet-"$run"
mv -fT -- ${`${folder}/.${name}`}.fleet-"$run" ${path}`;
  return [{ change: "put the original back", run }];
}
