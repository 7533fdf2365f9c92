// Debian's package manager, kept from asking, from giving up on a lock, and from removing what it did not bring. Its shell text is in apt.sh.
import { readFileSync } from "node:fs";
import { type Command, sh } from "../engine/shell-quote.ts";

/**
 * `$state/originals/packages.added` names what installs of this role brought along; `packages.before`, what was there before one that has not
 * ended. Locks are waited for, 10 minutes at most, and never deleted; apt itself says who holds them.
 */
const functions: Command = { text: readFileSync(new URL("./apt.sh", import.meta.url), "utf8"), masked: "" };

/** Packages as apt-get names them (`nginx`, `nginx=1.22.1-9`), in one run. */
export const installLean = (specs: readonly string[]): Command => sh`${functions}\nfleet_install --no-install-recommends ${specs}`;
export const installFull = (specs: readonly string[]): Command => sh`${functions}\nfleet_install --install-recommends ${specs}`;

/** After an install of several, of each but the first: fails with apt's own words where this one could not be had. */
export const refused = (
  spec: string,
): Command => sh`if [ -e "$state/originals/packages.added.begun" ]; then echo 'failed together with the first'; exit 1; fi
why="$state/originals/packages.added.refused."${spec}
if [ -e "$why" ]; then cat -- "$why"; rm -f -- "$why"; exit 1; fi`;

/** A .deb with its dependencies, once its sum, name and version are right. apt reads it as a user of its own. */
export const installDeb = ({
  name,
  version,
  url,
  sha256,
}: Readonly<Record<"name" | "version" | "url" | "sha256", string>>): Command => sh`${functions}
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
chmod 0755 -- "$folder"
deb="$folder/package.deb"
curl -fsSL --retry 3 --max-time 600 -o "$deb" -- ${url}
printf '%s  %s\n' ${sha256} "$deb" | sha256sum --check --quiet -
is="$(dpkg-deb -f "$deb" Package) $(dpkg-deb -f "$deb" Version)"
if [ "$is" != ${`${name} ${version}`} ]; then printf 'expected %s, got %s in the .deb\n' ${`${name} ${version}`} "$is"; exit 1; fi
fleet_install --no-install-recommends "$deb"`;

/** With what they alone brought along; what another package needs by now stays, and is named. */
export const purge = (names: readonly string[]): Command => sh`${functions}\nfleet_purge ${names}`;

/** Reads a .sources file (`$source`) as apt will, keys and all, and fetches its lists, before it lands. */
export const fetchSource: Command = sh`${functions}
fleet_unlocked fleet_apt update -o Dir::Etc::sourcelist="$source" -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any`;
