// Takes away layers that nobody will use again: each is some hundred MB.

import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "../../spec/counted.ts";
import { layersDirectory, stacksDirectory } from "../names.ts";

/** Beside a layer that a newer one stands in for; its time is when. */
export const replacedMark = ".replaced";

const minute = 60_000;
/** A machine that was being made when a newer layer came may still be about to mount the old one. */
const grace = 60 * minute;
/** A layer that no `up` asked for in so long. */
const unused = 30 * 24 * 60 * minute;

const entries = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

/** Of all machines of this computer: what they lie over. */
async function inUse(): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for (const stack of await entries(stacksDirectory)) {
    for (const name of await entries(join(stacksDirectory, stack))) {
      const text = await readFile(join(stacksDirectory, stack, name, "record.json"), "utf8").catch(() => "{}");
      for (const path of ((JSON.parse(text) as { image?: string }).image ?? "").split(":")) used.add(path);
    }
  }
  return used;
}

async function age(file: string, now: number): Promise<number> {
  return now - (await stat(file)).mtimeMs;
}

async function remove(layer: string, pointer: string): Promise<void> {
  // The pointer first: a layer without one is made again, a pointer without a layer would lead nowhere.
  for (const each of [pointer, layer, `${layer}${replacedMark}`]) await rm(each, { recursive: true, force: true });
}

/** @returns the layers that went */
export async function pruneLayers(log?: (line: string) => void, now = Date.now()): Promise<readonly string[]> {
  const [directory, used] = [layersDirectory(), await inUse()];
  const gone: string[] = [];
  for (const name of await entries(directory)) {
    const file = join(directory, name);
    const [layer, limit] = name.endsWith(replacedMark)
      ? [file.slice(0, -replacedMark.length), grace]
      : name.endsWith(".json")
        ? [(JSON.parse(await readFile(file, "utf8")) as { layer: string }).layer, unused]
        : ["", 0];
    if (layer === "" || used.has(layer) || (await age(file, now)) < limit) continue;
    await remove(layer, file);
    if (!existsSync(layer)) gone.push(layer);
  }
  if (gone.length > 0) log?.(`gone, since nothing uses them any more: ${counted(gone.length, "package layer")}`);
  return gone;
}
