// What new practice machines lie over is made before the engine starts, where a person sees how long it takes; its provider finds it there.
import { fleetOn } from "../components/targets/contract.ts";
import { preinstalled } from "../components/targets/practice/preinstalled.ts";
import { practice } from "../components/targets/practice/target.ts";
import { ensureImage } from "../machines/image.ts";
import { ensureLayer } from "../machines/layers/layer.ts";
import { pathsOf } from "../machines/names.ts";
import { preflight } from "../machines/preflight.ts";
import { readRecord } from "../machines/record.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import { counted } from "../spec/counted.ts";
import { phase } from "./phase.ts";

interface PackageSet {
  readonly servers: readonly string[];
  readonly packages: readonly string[];
}

/** Servers that want the same packages share a layer. */
export function packageSets(wanted: Readonly<Record<string, readonly string[]>>): readonly PackageSet[] {
  const sets = new Map<string, PackageSet>();
  for (const [server, packages] of Object.entries(wanted)) {
    const key = packages.join(" ");
    sets.set(key, { servers: [...(sets.get(key)?.servers ?? []), server], packages });
  }
  return [...sets.values()].filter(({ packages }) => packages.length > 0);
}

async function isThere(stack: string, name: string): Promise<boolean> {
  return (await readRecord(pathsOf({ stack, name }))) !== undefined;
}

/** Nothing to do for machines that are there, and for those of the driver qemu. */
export async function prepareGround(plan: FleetPlan): Promise<void> {
  const target = fleetOn(practice, plan.spec)?.target;
  if (target?.driver !== "nspawn") return;
  const there = await Promise.all(plan.servers.map(({ name }) => isThere(plan.stack, name)));
  const missing = plan.servers.filter((_, index) => !there[index]);
  if (missing.length === 0) return;
  await preflight("nspawn");
  const image = await phase(`image of Debian ${target.release}`, (tell) => ensureImage({ release: target.release }, { log: tell }));
  const sets = packageSets(Object.fromEntries(missing.map((server) => [server.name, preinstalled(plan, server)])));
  const made = await phase(`packages of ${missing.map(({ name }) => name).join(", ")}`, (tell) =>
    Promise.all(sets.map(({ packages }) => layer(image, packages, tell))),
  );
  const reused = made.filter((each) => !each).length;
  if (reused > 0) console.error(`${counted(reused, "package layer")} of earlier machines used again`);
}

/** @returns whether it was not there already */
async function layer(image: string, packages: readonly string[], tell: (detail: string) => void): Promise<boolean> {
  let made = false;
  const log = (line: string) => {
    made = true;
    tell(line);
  };
  await ensureLayer(image, packages, { log });
  return made;
}
