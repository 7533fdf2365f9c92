// Cases of resource kinds as data: test/cases/kinds/<kind>/<case>.json, named by behaviour (`mode-drift`, `already-right`).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { missingPath } from "../../provisioners/engine/probe.ts";
import type { PlanContext } from "../../provisioners/resources/kind.ts";

const root = new URL("../cases/kinds/", import.meta.url).pathname;

export interface UndoCase {
  /** What was there before the first change, as the journal on the host tells it: without contents. */
  readonly original: unknown;
  /** @default the case's own `have` */
  readonly have?: unknown;
  /** The sentences; or why it can't be undone. */
  readonly steps: readonly string[] | string;
}

/** One behaviour. A case with `problems` is a refusal by the schema; every other one has `have` and `steps`. */
export interface KindCase {
  readonly kind: string;
  readonly name: string;
  readonly want: unknown;
  readonly have: unknown;
  readonly context: PlanContext;
  /** The sentences, in order; empty for a host that is right. */
  readonly steps: readonly string[];
  /** Properties as `seen` shows them; `null` where it must show nothing. Unchecked where the case has none. */
  readonly seen?: unknown;
  /** Why the want does not apply. */
  readonly reason?: string;
  /** What is said beside the outcome. */
  readonly notes?: readonly string[];
  readonly undo?: UndoCase;
  /** Texts that no sentence and no masked command may hold, beside those that the want's own properties mark as secret. */
  readonly secrets?: readonly string[];
  /** Paths of the properties that the schema refuses; "" for the want as a whole. */
  readonly problems?: readonly string[];
}

export const casesOf = (kind: string): readonly KindCase[] => filesIn(join(root, kind)).map((file) => caseIn(kind, file));

export const kindsWithCases = (): readonly string[] => readdirSync(root).sort();

const filesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort();

function caseIn(kind: string, file: string): KindCase {
  const { have, undo, context, ...rest } = JSON.parse(readFileSync(join(root, kind, file), "utf8"));
  return {
    ...rest,
    kind,
    name: file.replace(/\.json$/, ""),
    have: alive(have),
    context: { pending: context?.pending ?? false, gone: context?.gone ?? [], changed: new Set(context?.changed ?? []) },
    ...(undo && { undo: { ...undo, original: alive(undo.original), ...("have" in undo && { have: alive(undo.have) }) } }),
  };
}

/**
 * What a look would have given: `null` is nothing, and an object with the `type` of a path gets the rest of a path's properties
 * (`{"type": "missing"}` is enough) and its content as bytes.
 */
function alive(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(alive);
  if (typeof value !== "object") return value;
  const all = Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, alive(each)]));
  if (!["file", "directory", "link", "other", "missing"].includes(all.type as string)) return all;
  if (all.type === "missing") return { ...missingPath, ...all };
  const content = typeof all.content === "string" ? Buffer.from(all.content) : undefined;
  return { mode: "0644", owner: "root", group: "root", target: "", size: content?.length ?? 0, ...all, ...(content && { content }) };
}
