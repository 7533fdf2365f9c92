// Values that are known only later, or must not be seen: roles write a mark where they belong, and the provider puts them in.
// So a role stays a pure function, a first preview shows every file, and a secret never passes through a template, a diff or a state.
import { type EscapeName, escapes } from "../../templates/escape.ts";

export const lateKinds = ["secret", "host-key", "mesh-public-key", "mesh-private-key", "authorized-keys", "derived", "volume"] as const;
export type LateKind = (typeof lateKinds)[number];

/** What stands for one value: `host-key:isu2`. */
export type LateName = `${LateKind}:${string}`;
export type LateValues = Readonly<Record<string, string>>;

const pattern = /\u27e6([a-z-]+)(?:\|([a-z]+))?:([^\u27e7\n]*)\u27e7/g;

/** The mark that stands for the value; brackets that no configuration file holds. */
export const late = (kind: LateKind, of = ""): string => `\u27e6${kind}:${of}\u27e7`;

/** What each kind stands for, for people; `OF` is what it is of. */
const words: Readonly<Record<LateKind | "text", string>> = {
  secret: "(secret: OF)",
  "host-key": "(OF's host key)",
  "mesh-public-key": "(the team's own public key)",
  "mesh-private-key": "(the team's own private key)",
  "authorized-keys": "(OF's public keys)",
  derived: "(a password of the team's own for OF)",
  volume: "(the volume OF)",
  text: "\u27e6",
};

/** A text as people read it: what a mark stands for, in the mark's place. */
export const inWords = (text: string): string =>
  text.replace(pattern, (mark: string, kind: string, _quoting: string | undefined, of: string) =>
    kind in words ? words[kind as LateKind].replace("OF", of) : mark,
  );

/** Text of somebody's own, in which what looks like a mark stays what it is. */
export const literal = (text: string): string => text.replaceAll("\u27e6", plainBracket);
/** A mark that stands for its own first bracket. */
const plainBracket = "\u27e6text:\u27e7";

/**
 * A secret of the team's own for `purpose`, the same on every server and in every run, made from the team's key: a password that
 * nobody has to think of. 32 hexadecimal digits.
 */
export const derived = (purpose: string): string => late("derived", purpose);

/** Applies `change` to every text in a value, whatever its shape. */
function mapText<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((each) => mapText(each, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapText(each, change)])) as T;
}

/** Whether a mark stands anywhere in the value: then what it hides is not in it. */
export const hasMark = (value: unknown): boolean => latesIn([value]).length > 0;

/** The names of all values that a role's wants wait for, each once. */
export function latesIn(wants: object): readonly LateName[] {
  const found = new Set<LateName>();
  mapText(wants, (text) => {
    for (const [, kind, , of] of text.matchAll(pattern)) if (kind !== "text") found.add(`${kind as LateKind}:${of ?? ""}`);
    return text;
  });
  return [...found].sort();
}

/** The wants with the values in the place of their marks, quoted as their files need it. Throws where a value is not known. */
export function resolvePlaceholders<T>(wants: T, values: LateValues): T {
  const value = (_mark: string, kind: string, quoting: string | undefined, of: string) => {
    const known = kind === "text" ? "\u27e6" : values[`${kind}:${of}`];
    if (known === undefined) throw new Error(`no value for the mark \`${kind}:${of}\``);
    return quoting ? escapes[quoting as EscapeName](known) : known;
  };
  return mapText(wants, (text) => text.replace(pattern, value));
}

/** A shorter one stands for too much else: `isucon` is in every other path. */
export const minMaskLength = 8;

/**
 * What was seen on a server, with the marks back in: where a text is what was wanted, it is the want's own; elsewhere the values that
 * are long enough to be told from ordinary text become their marks.
 */
export function maskValues<T>(seen: T, wanted: unknown, values: LateValues): T {
  const forms = Object.entries(values).flatMap(([name, value]) =>
    value.length >= minMaskLength ? [[value, `\u27e6${name}\u27e7`] as const] : [],
  );
  const hide = (text: string) => forms.reduce((shown, [value, mark]) => shown.replaceAll(value, mark), text);
  const back = (value: unknown, want: unknown): unknown => {
    if (typeof value === "string") return typeof want === "string" && resolvePlaceholders(want, values) === value ? want : hide(value);
    if (Array.isArray(value)) return value.map((each, index) => back(each, Array.isArray(want) ? want[index] : undefined));
    if (typeof value !== "object" || value === null) return value;
    const of = typeof want === "object" && want !== null ? (want as Readonly<Record<string, unknown>>) : {};
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, back(each, of[key])]));
  };
  return back(seen, wanted) as T;
}
