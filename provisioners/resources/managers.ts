// The package managers of distributions, kept from asking, from giving up on a lock, and from removing what they did not bring. What they have in
// common is in packages.sh; each one's own words are beside it.
import { readFileSync } from "node:fs";
import { type Command, sh } from "../engine/shell-quote.ts";

export interface PackageManager {
  /**
   * `$state/originals/packages.added` names what installs of a role brought along; `packages.before`, what was there before one that has not
   * ended. Locks are waited for, and never deleted.
   */
  readonly functions: Command;
  /** Packages in one run, by name (`nginx`) or with a version (`nginx=1.22.1-9`); without what they merely recommend. */
  readonly installLean: (specs: readonly string[]) => Command;
  readonly installFull: (specs: readonly string[]) => Command;
  /** With what they alone brought along; what another package needs by now stays, and is named. */
  readonly purge: (names: readonly string[]) => Command;
  /** Fails unless one of the packages that its standard input names is installed. */
  readonly anyInstalled: Command;
  /** Prints the names of all that are there, sorted. */
  readonly installed: Command;
}

const textOf = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");

function manager(own: string, { anyInstalled, installed }: Pick<PackageManager, "anyInstalled" | "installed">): PackageManager {
  const functions: Command = { text: own + textOf("./packages.sh"), masked: "" };
  return {
    functions,
    installLean: (specs) => sh`${functions}\nfleet_install lean ${specs}`,
    installFull: (specs) => sh`${functions}\nfleet_install full ${specs}`,
    purge: (names) => sh`${functions}\nfleet_purge ${names}`,
    anyInstalled,
    installed,
  };
}

export const apt = manager(textOf("./apt.sh"), {
  anyInstalled: sh`xargs -r dpkg-query -W -f '\${db:Status-Abbrev}\n' 2>/dev/null | grep -q '^.[^nc]'`,
  installed: sh`dpkg-query -W -f '\${db:Status-Abbrev}|\${Package}\n' | sed -n 's/^.[^nc].|//p' | sort -u`,
});
export const dnf = manager(textOf("./dnf.sh"), {
  anyInstalled: sh`xargs -r rpm -q 2>/dev/null | grep -qv ' is not installed$'`,
  installed: sh`rpm -qa --qf '%{NAME}\n' | sort -u`,
});

/** After an install of several, of each but the first: fails with the package manager's own words where this one could not be had. */
export const refused = (
  spec: string,
): Command => sh`if [ -e "$state/originals/packages.added.begun" ]; then echo 'failed together with the first'; exit 1; fi
why="$state/originals/packages.added.refused."${spec}
if [ -e "$why" ]; then cat -- "$why"; rm -f -- "$why"; exit 1; fi`;
