// The rules in force against the file that a boot loads. What the file comes to, nft itself says, in a network namespace of its own: nothing of
// this server's changes by the question.
import { sh } from "../../engine/shell-quote.ts";
import type { Reader } from "./reader.ts";

/**
 * A digest a table. Counters, and the members of sets that fill themselves, are nobody's setting. Of tables that the file does not have nothing
 * is said where a program makes its own (docker, fail2ban), or where the file leaves room for others.
 */
export const nftablesReader: Reader = {
  ask: (file) => sh`command -v nft >/dev/null && systemctl is-active -q nftables.service && [ -r ${file} ] || exit 0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
nft list ruleset >"$work/live" 2>/dev/null || exit 1
unshare -n -- sh -c 'nft -f "$1" && nft list ruleset' sh ${file} >"$work/own" 2>/dev/null || exit 1
others=
grep -q '^[[:space:]]*flush ruleset' ${file} && ! pgrep -x 'dockerd|containerd|fail2ban-server|libvirtd|kube-proxy' >/dev/null && others=yes
for each in own live; do
  mkdir "$work/$each.d"
  sed 's/ packets [0-9]* bytes [0-9]*//; s/ expires [0-9a-z]*//g; s/ # handle [0-9]*$//' "$work/$each" | awk -v at="$work/$each.d" '
    /^table / { file = at "/" $2 " " $3; drop = 0; inside = 0 }
    /^\\t(set|map) / { drop = 0 }
    /^\\t\\tflags .*(dynamic|timeout)/ { drop = 1 }
    drop && /^\\t\\telements = / { inside = 1 }
    file != "" && !inside { print > file }
    inside && /}$/ { inside = 0 }
    /^}/ { if (file != "") close(file); file = "" }'
done
for table in "$work"/own.d/* "$work"/live.d/*; do
  name=\${table##*/}
  [ -e "$table" ] || continue
  case $table in "$work"/live.d/*) [ -n "$others" ] && [ ! -e "$work/own.d/$name" ] || continue ;; esac
  for each in own live; do
    digest=none
    [ -e "$work/$each.d/$name" ] && digest=$(sha256sum <"$work/$each.d/$name" | cut -c1-12)
    printf '%s\\ttable %s\\t%s\\n' "$each" "$name" "$digest"
  done
done`,
  same: (_name, wanted, live) => wanted === live,
  says: (name, wanted, live) =>
    live === "none"
      ? `${name} is in the file, and not in force`
      : wanted === "none"
        ? `${name} is in force, and not in the file`
        : `${name} is in force with other rules than the file has`,
  // A file that flushes nothing would add its rules once more.
  set: (_values, file) =>
    sh`if grep -q '^[[:space:]]*flush ruleset' ${file}; then nft -f ${file}; else systemctl restart nftables.service; fi`,
  hint: () => "`nft list ruleset` shows what is in force",
};
