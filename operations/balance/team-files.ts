// What was changed on a balancer, said in the team's file too that the next up writes there: on that server alone, since others may mean another by the same line.
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { project, stacksFolder } from "../../provisioners/project.ts";
import { common } from "../../spec/overlay.ts";
import { sourceOf } from "../edit/place.ts";
import { removeFile, replaceFile } from "../stack-file.ts";
import { nextFiles, type Shares } from "./drain.ts";
import type { PutBack } from "./lasting.ts";

/** @returns whether anything was written */
export function writeTeamFiles(plan: Pick<FleetPlan, "spec">, goes: readonly PutBack[], shares: Shares): boolean {
  const places = new Map(goes.map(({ place: { balancer }, path }) => [`${balancer} ${path}`, { server: balancer, path }]));
  return [...places.values()].map((place) => written(plan, place, shares)).some(Boolean);
}

function written(
  plan: Pick<FleetPlan, "spec">,
  { server, path }: { readonly server: string; readonly path: string },
  shares: Shares,
): boolean {
  const source = sourceOf(plan, { server, path });
  if (source === undefined) return false;
  const file = resolve(project, source);
  const text = readFileSync(file, "utf8");
  const { [path]: next = text } = nextFiles({ server, files: { [path]: text } }, shares);
  if (next === text) return false;
  const folder = resolve(stacksFolder, plan.spec.files);
  const [shared, own] = [join(folder, common), join(folder, server)];
  const name = relative(file.startsWith(`${own}/`) ? own : shared, file);
  // The same for all again: then there is one.
  if (existsSync(join(shared, name)) && readFileSync(join(shared, name), "utf8") === next) removeFile(folder, join(own, name));
  else {
    mkdirSync(dirname(join(own, name)), { recursive: true });
    replaceFile(join(own, name), next, statSync(file).mode & 0o777);
  }
  return true;
}
