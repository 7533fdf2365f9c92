// Shell text that must succeed before a file of the team's lands, where its reader has no word for that, or only on some systems. `%s` is the
// file. What a program's own check says is taken where there is one.

/** Each line that is wrong, by an awk program that says why in `bad`. */
const lines = (program: string): string => `awk '${program}
bad != "" { print "line " NR ": " bad ": \`" $0 "\`"; bad = ""; failed = 1 }
END { exit failed }' %s`;

/** Behind what is skipped: in a comment nobody minds one. */
const noReturns = `/\\r$/ { bad = "ends with a carriage return, which belongs to the last word"; }`;
const skipped = "/^[ \\t]*(#|$)/ { next }";

/** Debian's own check of a crontab knows no files with a user's name in them. A line without an end is no job, and cron leaves out the file. */
export const cronFile = `[ -z "$(tail -c 1 %s)" ] || { echo 'expected a newline at the end: cron leaves out the file'; exit 1; }
${lines(`BEGIN { split("59 23 31 12 7", most, " ") }
${skipped}
${noReturns}
bad == "" && /^[ \\t]*["\\047]?[^ \\t"\\047=]+["\\047]?[ \\t]*=/ { next }
bad == "" && $1 ~ /^@/ {
  if ($1 !~ /^@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)$/) bad = "no such time"
  else if (NF < 3) bad = "expected a time, a user and a command"
}
bad == "" && $1 !~ /^@/ {
  if (NF < 7) bad = "expected five fields of a time, a user and a command"
  for (at = 1; at <= 5 && bad == ""; at++) {
    if ($at !~ /^[0-9A-Za-z*,\\/~-]+$/) bad = "no time in field " at
    count = split($at, number, /[^0-9A-Za-z]+/)
    for (each = 1; each <= count && bad == ""; each++) {
      if (number[each] ~ /[A-Za-z]/ && (at < 4 || number[each] !~ /^[A-Za-z][A-Za-z][A-Za-z]$/)) bad = "no number in field " at
      if (number[each] ~ /^[0-9]+$/ && index($at, "/" number[each]) == 0 && number[each] + 0 > most[at] + 0) bad = "over " most[at] " in field " at
    }
  }
}`)}`;

const limitItems =
  "core data fsize memlock nofile rss stack cpu nproc as maxlogins maxsyslogins priority locks sigpending msgqueue nice rtprio chroot nonewprivs";

/** PAM leaves out what it can't read, and says so in a log at the next login alone. */
export const limitsFile = lines(`BEGIN { count = split("${limitItems}", item, " "); for (at = 1; at <= count; at++) known[item[at]] = 1 }
{ sub(/#.*/, "") }
${skipped}
${noReturns}
bad == "" && NF == 2 && $2 == "-" { next }
bad == "" && NF != 4 { bad = "expected a domain, a type, an item and a value" }
bad == "" && tolower($2) !~ /^(soft|hard|-)$/ { bad = "expected soft, hard or -" }
bad == "" && !(tolower($3) in known) { bad = "no such item" }
bad == "" && tolower($3) !~ /^(chroot)$/ && tolower($4) !~ /^([-+]?[0-9]+|-|unlimited|infinity)$/ { bad = "expected a number or unlimited" }`);

/** A container has none of its host's modules to look for. */
export const modulesFile = `${lines(`/^[ \\t]*([#;]|$)/ { next }
${noReturns}
bad == "" && (NF != 1 || $1 !~ /^[A-Za-z0-9_.-]+$/) { bad = "expected the name of one module" }`)}
if [ -e "/lib/modules/$(uname -r)/modules.dep" ]; then
  for each in $(grep -v '^[[:space:]]*[#;]' %s); do modprobe -n -q -- "$each" || { echo "no such module: $each"; exit 1; }; done
fi`;

/** Since systemd 250. */
export const sysusersFile = "! systemd-sysusers --help | grep -q -e --dry-run || systemd-sysusers --dry-run %s > /dev/null";

/** Since systemd 256; of an older one nothing is known but that it leaves out what it can't read. */
export const udevFile = "! udevadm verify --help 2> /dev/null | grep -q -e --no-style || udevadm verify --no-style --no-summary %s";
