// The profiles that a run brought from a server.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cpuProfileStacks, type FlameGraph, flameGraph, foldedStacks, pprofStacks, type Stack } from "./stacks.ts";

interface Read {
  /** Slices of one make one. */
  readonly of: string;
  readonly unit: FlameGraph["unit"];
  readonly stacks: readonly Stack[];
}

function readFile(folder: string, name: string): Read | undefined {
  const file = join(folder, name);
  const own = name.replace(/\.(folded|pb|cpuprofile)$/, "").replace(/^own-\d+-/, "");
  try {
    if (name.endsWith(".pb"))
      return { of: own.replace(/-\d+$/, "").replace("pprof-0", "pprof"), unit: "ms", stacks: pprofStacks(readFileSync(file)) };
    if (name.endsWith(".cpuprofile")) return { of: own, unit: "ms", stacks: cpuProfileStacks(readFileSync(file, "utf8")) };
    return { of: own.replace("-", " "), unit: "samples", stacks: foldedStacks(readFileSync(file, "utf8")) };
  } catch {
    // One that was cut off is none; the run is told all the same.
    return undefined;
  }
}

/** Those with most in them first. */
export function profilesIn(folder: string): readonly FlameGraph[] {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const read = names.flatMap((name) => readFile(folder, name) ?? []);
  const merged = [...Map.groupBy(read, ({ of }) => of)].flatMap(
    ([of, parts]) =>
      flameGraph(
        of,
        parts[0]!.unit,
        parts.flatMap(({ stacks }) => stacks),
      ) ?? [],
  );
  return merged.sort((a, b) => b.root.value - a.root.value);
}
