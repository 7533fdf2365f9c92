// What apt alone has: packages from a file, and repositories of its own.
import { type Command, sh } from "../engine/shell-quote.ts";
import { apt } from "./managers.ts";

const { functions } = apt;

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
fleet_install lean "$deb"`;

/** Reads a .sources file (`$source`) as apt will, keys and all, and fetches its lists, before it lands. */
export const fetchSource: Command = sh`${functions}
fleet_unlocked fleet_apt update -o Dir::Etc::sourcelist="$source" -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any`;
