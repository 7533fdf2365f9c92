// What differs between two values of a resource, as the lines of a diff. What is on a server may hold a secret that nobody told the
// fleet of: where the wanted text has a secret's mark, only lines that the fleet itself wrote are shown.
import { structuredPatch } from "diff";
import { latesIn } from "../../provisioners/engine/placeholders.ts";
import { inWords, steering } from "../../provisioners/resources/kind.ts";
import { isMap } from "../../spec/path.ts";
import type { Cause } from "./model.ts";

export type Values = Readonly<Record<string, unknown>>;

/** What Pulumi shows in the place of a secret, and sends in the place of what is not known yet. */
const engineSecret = "[secret]";
const engineUnknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const hidden = "[not shown: stands beside a secret]";
const secretMarks = ["secret", "mesh-private-key", "derived"];
const contextLines = 3;

/** Whether a value stands for a secret in it. */
const holdsSecret = (value: unknown): boolean => latesIn([value]).some((name) => secretMarks.includes(name.split(":")[0] ?? ""));

const text = (value: unknown): string =>
  (typeof value === "string" ? value : JSON.stringify(value)).replaceAll(engineUnknown, "[known later]");
const linesOf = (value: string): string[] => text(value).replace(/\n$/, "").split("\n");
const isText = (value: unknown): value is string => typeof value === "string" && value.includes("\n");

/** `content:` and its lines, or `mode: 0644`; each behind `sign`. */
function whole(sign: string, name: string, value: unknown): string[] {
  if (isMap(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, each]) => whole(sign, `${name}.${key}`, each));
  if (!isText(value)) return [`${sign}${name}: ${text(value)}`];
  return [`${sign}${name}:`, ...linesOf(value).map((line) => `${sign}  ${line}`)];
}

/** What the address says already. */
const inAddress = ["path", "name"];

export const wholeOf = (sign: "+" | "-", values: Values): string[] =>
  Object.entries(values)
    .filter(([name, value]) => !inAddress.includes(name) && value !== undefined)
    .flatMap(([name, value]) => whole(sign, name, value));

/** A role's resource, without what only steers how it is changed. */
export function onServer(values: Values): Values;
export function onServer(values: Values | undefined): Values | undefined;
export function onServer(values: Values | undefined): Values | undefined {
  return values && Object.fromEntries(Object.entries(values).filter(([name]) => !steering.has(name)));
}

/** A property at its path, of the three states: as the last up left it, as it is, as it should be. */
export interface Three {
  /** Undefined where nobody remembers. */
  readonly remembered: unknown;
  readonly there: unknown;
  readonly wanted: unknown;
}

/** Lists differ as a whole, as they do for the engine. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a) ?? null) === JSON.stringify(sorted(b) ?? null);

function sorted(value: unknown): unknown {
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .filter((key) => value[key] !== undefined)
      .map((key) => [key, sorted(value[key])]),
  );
}

const causeOf = ({ remembered, there, wanted }: Three): Cause => {
  if (remembered === undefined || same(remembered, there)) return "planned";
  return same(remembered, wanted) ? "drift" : "both";
};

export interface Difference {
  readonly lines: readonly string[];
  readonly causes: readonly Cause[];
}

/** Goes down maps to the properties that differ. */
export function differences(path: string, three: Three): Difference {
  const { remembered, there, wanted } = three;
  if (same(there, wanted)) return { lines: [], causes: [] };
  if (!isMap(there) || !isMap(wanted)) return { lines: shown(path, three), causes: [causeOf(three)] };
  const keys = [...new Set([...Object.keys(there), ...Object.keys(wanted)])].sort();
  const parts = keys.map((key) =>
    differences(path ? `${path}.${key}` : key, {
      remembered: isMap(remembered) ? remembered[key] : undefined,
      there: there[key],
      wanted: wanted[key],
    }),
  );
  return { lines: parts.flatMap(({ lines }) => lines), causes: parts.flatMap(({ causes }) => causes) };
}

function shown(path: string, three: Three): string[] {
  const { remembered, there, wanted } = three;
  if (path === inWords && typeof there === "string") return [` ${there}`];
  const guarded = holdsSecret([remembered, wanted]);
  if (isText(there) || isText(wanted)) return [` ${path}:`, ...textDiff(there, wanted, guarded ? known(remembered, wanted) : undefined)];
  const was = guarded && !same(there, remembered) && there !== undefined ? hidden : there;
  return [...(was === undefined ? [] : whole("-", path, was)), ...(wanted === undefined ? [] : whole("+", path, wanted))];
}

/** The lines that the fleet wrote itself. */
const known = (...texts: readonly unknown[]): ReadonlySet<string> =>
  new Set(texts.flatMap((each) => (typeof each === "string" ? linesOf(each) : [])));

/** @param showable lines that may be shown of what is there; all where undefined */
function textDiff(there: unknown, wanted: unknown, showable: ReadonlySet<string> | undefined): string[] {
  if (there === engineSecret) return [" what is there differs, and is not shown: it may hold a secret"];
  const [was, now] = [there, wanted].map((each) => (each === undefined ? "" : text(each)));
  const seen = was!.split("\n").map((line) => (line === "" || showable === undefined || showable.has(line) ? line : hidden));
  const { hunks } = structuredPatch("", "", seen.join("\n"), now!, "", "", { context: contextLines });
  return hunks.flatMap(({ oldStart, newStart, lines }) => [
    `@@ -${oldStart} +${newStart} @@`,
    ...lines.filter((line) => !line.startsWith("\\")),
  ]);
}
