// What changed on the servers' files since they were adopted, by server; what is so on several is told once.

import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { structuredPatch } from "diff";
import { counted } from "../../spec/counted.ts";
import type { OverlayEntry } from "../../spec/overlay.ts";

export interface ServerChange {
  readonly servers: readonly string[];
  readonly path: string;
  /** `+`, `-` and context, as diff has them. */
  readonly lines: readonly string[];
}

type Trees = Readonly<Record<string, readonly OverlayEntry[]>>;

export function changesOf(old: Trees, now: Trees): readonly ServerChange[] {
  const all = Object.keys(now).flatMap((server) =>
    changedPaths(old[server] ?? [], now[server]!).map(([path, before, after]) => ({ server, path, lines: linesOf(before, after) })),
  );
  const by = new Map<string, ServerChange>();
  for (const { server, path, lines } of all) {
    const key = JSON.stringify([path, lines]);
    by.set(key, { path, lines, servers: [...(by.get(key)?.servers ?? []), server] });
  }
  return [...by.values()];
}

type Pair = readonly [path: string, before: OverlayEntry | undefined, after: OverlayEntry | undefined];

function changedPaths(old: readonly OverlayEntry[], now: readonly OverlayEntry[]): readonly Pair[] {
  const [before, after] = [old, now].map((all) => new Map(all.map((entry) => [entry.path, entry] as const)));
  const paths = [...new Set([...old, ...now].map(({ path }) => path))].sort();
  return paths
    .map((path): Pair => [path, before!.get(path), after!.get(path)])
    .filter(([, was, is]) => JSON.stringify(linesFor(was)) !== JSON.stringify(linesFor(is)));
}

/** As lines: a link is what it points to, bytes are how many. */
function linesFor(entry: OverlayEntry | undefined): readonly string[] {
  if (!entry) return [];
  if ("target" in entry) return [`link to ${entry.target}`];
  const executable = entry.mode === "0755" ? ["(executable)"] : [];
  return [
    ...executable,
    ...(entry.encoding
      ? [`${counted(entry.content.length, "character")} of base64`, entry.content.slice(0, 40)]
      : entry.content.split("\n")),
  ];
}

function linesOf(before: OverlayEntry | undefined, after: OverlayEntry | undefined): readonly string[] {
  if (!after) return ["gone from the server"];
  const { hunks } = structuredPatch("", "", linesFor(before).join("\n"), linesFor(after).join("\n"), "", "", { context: 1 });
  return hunks.flatMap(({ lines }, index) => [...(index > 0 ? ["…"] : []), ...lines.filter((line) => !line.startsWith("\\"))]);
}

export function pageChange(file: string, page: string): readonly ServerChange[] {
  const was = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (was === page) return [];
  const { hunks } = structuredPatch("", "", was, page, "", "", { context: 0 });
  return [{ servers: [], path: basename(file), lines: hunks.flatMap(({ lines }) => lines.filter((line) => !line.startsWith("\\"))) }];
}
