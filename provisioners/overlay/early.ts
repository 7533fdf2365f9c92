// What the package manager reads of the team's files: there, and checked, before the role's first package. After it, what is refused there would
// end each further run before its correction lands.
import { posix } from "node:path";
import { isBelow } from "../resources/address-path.ts";
import type { Address, Common } from "../resources/kind.ts";
import type { Declared } from "../resources/want.ts";
import type { Territory } from "../roles/role.ts";
import { pathsOf } from "./owners.ts";

const isOf = (names: readonly string[], { address }: Declared): boolean => names.includes(address.slice(0, address.indexOf("[")));

/** The same resources, with packages and repositories after the files of such a territory, and after what checks them. */
export function earlyFirst(declared: readonly Declared[], territory: readonly Territory[]): readonly Declared[] {
  const early = territory.filter(({ beforePackages }) => beforePackages);
  const lies = (each: Declared): boolean => pathsOf(each).some((path) => early.some(({ paths }) => paths.some((of) => isBelow(path, of))));
  const placed = declared.filter((each) => isOf(["file", "link", "directory"], each) && lies(each));
  if (placed.length === 0) return declared;
  const checks = declared.filter(({ address }) => early.some(({ name }) => address === `handler[${name}]`));
  const folders = placed.filter((each) => isOf(["directory"], each)).map(({ address }) => address);
  const before = (each: Declared): readonly Address[] => {
    if (isOf(["package", "repository"], each)) return [...placed, ...checks].map(({ address }) => address);
    if (checks.includes(each)) return placed.map(({ address }) => address);
    return placed.includes(each) ? above(each, folders) : [];
  };
  return declared.map((each) => after(each, before(each)));
}

/** Of these folders, those that it lies in. */
const above = (each: Declared, folders: readonly Address[]): readonly Address[] =>
  folders.filter((folder) => pathsOf(each).some((path) => isBelow(posix.dirname(path), folder.slice("directory[".length, -1))));

function after(declared: Declared, before: readonly Address[]): Declared {
  if (before.length === 0) return declared;
  const all = [...new Set([...((declared.want as Common).after ?? []), ...before])];
  return { ...declared, want: { ...declared.want, after: all } as Declared["want"] };
}
