// A link of ours where a folder is wanted now. Somebody's link is followed; what an earlier run put there at the stack file's word goes at its
// word, too: followed, it would have the folder's files written over those that it leads to.
import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { type Entry, type Memory, type Original, thingOf } from "./journal.ts";
import type { Wants } from "./order.ts";
import { Look, type PathSeen } from "./probe.ts";

const named = (address: Address, name: string): boolean => address.startsWith(`${name}[`);
const targetOf = (want: Common): string => (want as Common & { readonly target: string }).target;

/** Where the link leads that was wanted at this path last. */
const wantedTarget = ({ address, want, link }: Original): string | undefined =>
  link ?? (named(address, "link") ? targetOf(want) : undefined);

/** Links of things that are remembered by another kind, or with another target: the records that say where they lead from now on. */
export function relinked(wants: Wants, { originals }: Memory): readonly Entry[] {
  return (Object.keys(wants) as Address[]).flatMap((address) => {
    const original = named(address, "link") ? originals.get(thingOf(address, wants[address]!)) : undefined;
    const target = targetOf(wants[address]!);
    return original && wantedTarget(original) !== target ? [{ first: { ...original, link: target, stays: undefined } }] : [];
  });
}

/** What is there, where folders take the place of links: these are known for ours, and below them there is nothing yet. */
export function withoutOwnLinks(wants: Wants, haves: ReadonlyMap<Address, unknown>, { originals }: Memory): ReadonlyMap<Address, unknown> {
  const links = [...haves].filter(([address, have]) => named(address, "directory") && (have as PathSeen).type === "link");
  const own = links.filter(([address, have]) => {
    const original = originals.get(thingOf(address, wants[address]!));
    return original !== undefined && wantedTarget(original) === (have as PathSeen).target;
  });
  const replaced = links.filter((each) => own.includes(each) || !(wants[each[0]] as { readonly keep?: boolean }).keep);
  if (replaced.length === 0) return haves;
  const folders = replaced.map(([address]) => thingOf(address, wants[address]!));
  const below = [...haves.keys()].filter((address) => {
    const path = kindOf(address).kind.path?.(wants[address]!);
    return path !== undefined && folders.some((folder) => path.startsWith(`${folder}/`));
  });
  return new Map([
    ...haves,
    ...own.map(([address, have]) => [address, { ...(have as PathSeen), own: true }] as const),
    ...unseen(wants, below),
  ]);
}

function unseen(wants: Wants, addresses: readonly Address[]): readonly (readonly [Address, unknown])[] {
  const look = new Look();
  const readers = addresses.map((address) => [address, kindOf(address).kind.read(wants[address]!, look)] as const);
  look.assumeBlank();
  return readers.map(([address, read]) => [address, read()] as const);
}
