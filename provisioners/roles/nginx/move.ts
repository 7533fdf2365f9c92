// How nginx comes to another server: its whole configuration with certificates and keys, and the folders that it serves, as they stand. What it passes
// requests to stays where it is.
import { type Command, lines, raw } from "../../engine/shell-quote.ts";
import type { Move } from "../move.ts";

const folder = "/etc/nginx";
const unit = "/etc/systemd/system/nginx.service";

/** Directives that name a file or a folder, whose last word it is; without those that come with a package. */
const find: Command = raw(`of() {
  case $1 in
    ${folder}/* | /usr/* | /dev/* | /proc/* | /sys/* | /run/* | /var/log/* | / | *'$'*) return 0 ;;
    /etc/letsencrypt/*) at=/etc/letsencrypt ;;
    *) at=\${1%/} ;;
  esac
  [ -e "$at" ] || return 0
  printf '%s\\n' "$at"
  [ ! -L "$at" ] || of "$(readlink -f -- "$at")"
}
said=$(nginx -T 2>/dev/null) || { nginx -t >&2; exit 1; }
{
  echo ${folder}
  printf '%s\\n' "$said" | sed -nE 's/^[ \\t]*(.*[;{][ \\t]*)?(root|alias|ssl_certificate|ssl_certificate_key|ssl_trusted_certificate|ssl_client_certificate|ssl_dhparam|auth_basic_user_file)[ \\t]+["'\\'']?(\\/[^;"'\\'' \\t]+)["'\\'']?[ \\t]*;.*/\\3/p' | sort -u | while IFS= read -r path; do of "$path"; done
} | LC_ALL=C sort -u | awk '{ for (i in kept) if (index($0 "/", kept[i] "/") == 1) next; kept[NR] = $0; print }'`);

const missing = (): Command =>
  lines([
    raw(`command -v nginx > /dev/null || echo 'nginx, which the packages bring; next: add nginx to its roles, ./fleet up, then the same'`),
    raw(":"),
  ]);

export const nginxMove = ({ sites }: { readonly sites: readonly { readonly listen: readonly number[] }[] }): Move => ({
  clients: { ports: [...new Set([80, 443, ...sites.flatMap(({ listen }) => listen)])], words: [], schemes: [] },
  units: ["nginx.service"],
  connects: true,
  beside: () => [unit, `${unit}.d`],
  tree: { find, missing, stays: true },
  note: "its files come as they stand: a deploy brings later ones to servers with the application alone",
});
