// A package that can't be had ends no run: what leans on it is left, and the rest of the role goes on (ADR 63). What leans on it is told by
// the references of the role, and by the server: a folder, a user or a unit that nobody has made.
import type { Address, Leaning } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { edges, type Wants } from "./order.ts";
import type { Change } from "./plan.ts";
import { storeKey } from "./prelude.ts";
import { type Command, quote } from "./shell-quote.ts";

/** Whether one of these may fail without ending the run. */
export const mayLack = (changes: readonly Change[]): boolean => changes.some((change) => failsAlone(change));

export const failsAlone = ({ address, undo }: Change): boolean => !undo && kindOf(address).kind.failsAlone === true;

/** In the words of `fleet_lean` (prelude.sh). */
function things(leans: Leaning): readonly string[] {
  const each = (word: string, names: readonly string[] = []) => names.map((name) => `${word}:${name}`);
  const { paths, users, groups, units, services } = leans;
  const owned = [...each("user", users?.filter(isNotRoot)), ...each("group", groups?.filter(isNotRoot))];
  return [...each("path", paths), ...owned, ...each("unit", units), ...(services ? ["services"] : [])];
}
const isNotRoot = (name: string): boolean => name !== "root";

/**
 * Shell text before a change's first step: once something can't be had, it is left where it leans on that. Its own files go back then, of a
 * service that would have to read them. Empty for what leans on nothing.
 */
export function leanScript(index: number, { address, undo }: Change, wants: Wants, changes: readonly Change[]): Command | undefined {
  const want = wants[address];
  if (undo || !want) return undefined;
  const { kind } = kindOf(address);
  const planned = new Set(changes.filter((each) => !each.undo).map((each) => each.address));
  const before = edges(address, want).filter((each) => planned.has(each));
  const leans = things(kind.leans?.(want) ?? {});
  if (before.length + leans.length === 0) return undefined;
  const keys = (of: readonly Address[]) => quote(of.map(storeKey).join(" "));
  const isService = kind.watches !== undefined ? "service" : "''";
  const text = `fleet_lean ${index} ${storeKey(address)} ${isService} ${keys(before)} ${keys(kind.watches?.(want) ?? [])} ${leans.map(quote).join(" ")}`;
  return { text, masked: "" };
}

/** Why it was left, from the words that `fleet_lean` tells. */
export function whyLeft(words: string, failed: readonly Address[], addressOf: (key: string) => Address | undefined): string {
  const without = failed.slice(0, 3).join(", ");
  const [, word = words, name = ""] = /^(\w+):(.*)$/s.exec(words) ?? [];
  if (word === "after") return `left: it comes after ${addressOf(name) ?? "what failed"}`;
  if (word === "services") return `left without ${without}: its service does not run`;
  const said: Readonly<Record<string, string>> = {
    path: "is not there",
    user: "does not exist",
    group: "does not exist",
    unit: "is not there",
  };
  return `left without ${without}: ${word === "path" ? "" : `${word} `}\`${name}\` ${said[word] ?? "is not there"}`;
}
