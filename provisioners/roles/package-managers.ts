// Roles name packages as Debian does. On a server with dnf they go by that distribution's names, and a role that knows no such distribution is refused.
import type { Facts } from "../engine/facts.ts";
import type { Declared } from "../resources/want.ts";
import type { Role } from "./role.ts";

/** Of the fleet's own roles, where Amazon Linux calls them otherwise. What a stack file names is asked for as it stands there. */
const dnfNames: Readonly<Record<string, string>> = {
  cron: "cronie",
  "libnginx-mod-stream": "nginx-mod-stream",
  "vim-tiny": "vim-minimal",
};

const distributions = { apt: "Debian, Ubuntu", dnf: "Amazon Linux" } as const satisfies Readonly<Record<Facts["packageManager"], string>>;

/** Why the role can't be on such a server; `undefined` where it can, or where nobody knows yet. */
export function unknownThere(
  { name, packageManagers }: Pick<Role, "name" | "packageManagers">,
  { packageManager, distribution, version }: Partial<Facts>,
): string | undefined {
  if (!packageManagers || packageManager === undefined || packageManagers.includes(packageManager)) return undefined;
  const known = packageManagers.map((each) => `${each} (${distributions[each]})`).join(" or ");
  return `expected a server with ${known} for \`${name}\`, got one with ${packageManager} (${distribution} ${version}); take another image, or leave the role out`;
}

/** The same resources, with their packages by the names of the server's distribution. */
export function namedFor({ packageManager }: Pick<Facts, "packageManager">, all: readonly Declared[]): readonly Declared[] {
  if (packageManager !== "dnf") return all;
  const name = (value: unknown): unknown => {
    if (typeof value === "string") return addressOf(value);
    if (Array.isArray(value)) return value.map(name);
    return value;
  };
  return all.map(({ address, want }) => {
    const renamed: object = Object.fromEntries(Object.entries(want).map(([key, value]) => [key, name(value)]));
    const own = (want as { readonly name?: string }).name ?? "";
    const asPackage: object = address === `package[${own}]` ? { manager: "dnf", name: dnfNames[own] ?? own } : {};
    return { address: addressOf(address), want: { ...renamed, ...asPackage } };
  });
}

/** What others refer to a package by goes with its name. */
function addressOf<Text extends string>(text: Text): Text {
  const name = /^package\[(.+)\]$/.exec(text)?.[1] ?? "";
  return dnfNames[name] === undefined ? text : (`package[${dnfNames[name]}]` as Text);
}
