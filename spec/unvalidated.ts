// A fleet that may be wrong anywhere, for rules that run beside its schema: so every problem comes at once.

import type { Finding } from "./messages.ts";
import { isMap, type Path } from "./path.ts";

export type Loose = Readonly<Record<string, unknown>>;
export const mapOr = (value: unknown): Loose => (isMap(value) ? value : {});
export const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
export const entries = (value: unknown): readonly (readonly [string, Loose])[] =>
  Object.entries(mapOr(value)).map(([name, each]) => [name, mapOr(each)]);

/** Something that must be used once. `where` names it as the place of the first use. */
export interface Use {
  readonly value: string;
  readonly where: string;
  readonly path: Path;
  readonly key?: true;
}

/** A finding for every second use of a value. */
export function repeated(uses: readonly Use[], what: string): readonly Finding[] {
  const first = new Map<string, string>();
  return uses.flatMap(({ value, where, path, key }) => {
    const taken = first.get(value);
    if (taken === undefined) first.set(value, where);
    const reason = `expected ${what} of its own, got \`${value}\`, which ${taken} has`;
    return taken === undefined ? [] : [{ path, reason, ...(key && { key }) }];
  });
}
