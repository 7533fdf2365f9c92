// Values that are known only later, or must not be seen: roles write a mark where they belong, and the wiring puts them in.
// So a role stays a pure function, a first preview shows every file, and a secret never passes through a template.

export const lateKinds = ["secret", "host-key", "mesh-public-key", "mesh-private-key", "authorized-keys"] as const;
export type LateKind = (typeof lateKinds)[number];

export interface Late {
  readonly kind: LateKind;
  /** Which one: the path of a secret in the fleet, a server's or a user's name. */
  readonly of: string;
}

const pattern = /\u27e6([a-z-]+):([^\u27e7\n]*)\u27e7/g;

/** The mark that stands for the value; brackets that no configuration file holds. */
export const late = (kind: LateKind, of = ""): string => `\u27e6${kind}:${of}\u27e7`;

/** The marks in a text, in order, each once. */
export function latesIn(text: string): readonly Late[] {
  const found = new Map([...text.matchAll(pattern)].map(([mark, kind, of]) => [mark, { kind: kind as LateKind, of: of ?? "" }]));
  return [...found.values()];
}

/** Puts the values in the place of their marks. */
export function fill(text: string, value: (of: Late) => string): string {
  return text.replace(pattern, (_, kind: LateKind, of: string) => value({ kind, of }));
}
