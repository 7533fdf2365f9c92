// What runs on servers for an image: looks for what must not be in it, and, on the copy alone, takes it out.
import { type Command, lines, raw, Secret, sh, withInput } from "../../../provisioners/engine/shell-quote.ts";

/**
 * Checkouts anywhere, by git as their owner: a repository's own settings are programs. `known` are at the commit that a role wants, which came from
 * a repository.
 */
export const checkoutsScript = (known: readonly string[]): Command => sh`set -u
find /home /root /srv /opt /var/www /usr/local -xdev -maxdepth 7 -name .git -prune 2>/dev/null | while IFS= read -r found; do
  at=\${found%/.git} owner=$(stat -c %U -- "$found") base=HEAD
  for known in ${known}; do if [ "$known" = "$at" ]; then base='--not HEAD'; fi; done
  as() { if [ "$owner" = root ]; then git -C "$at" "$@"; else runuser -u "$owner" -- env HOME=/ git -C "$at" "$@"; fi </dev/null 2>/dev/null; }
  count() { if said=$(as "$@"); then printf '%s' "$said" | grep -c ''; else echo unknown; fi; }
  changed=$(count status --porcelain) stashed=$(count stash list)
  case $base in HEAD) unpushed=$(count log --oneline HEAD --branches --not --remotes) ;; *) unpushed=$(count log --oneline --branches --not --remotes HEAD) ;; esac
  credential=none
  if as config --get-regexp 'remote\\..*url' | grep -Eq '://[^/@ ]*:[^/@ ]+@|://[^/@ ]{20,}@'; then credential=credential; fi
  printf 'checkout\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$at" "$changed" "$unpushed" "$stashed" "$credential"
done`;

const files = raw(`find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /boot -o -path /snap \\
  -o \\( -path '/usr/*' ! -path /usr/local ! -path '/usr/local/*' \\) \\) -prune -o -type f -size -65536k`);

/** `secret PATH` where a line of them is in a file, `key PATH` where a private key is that not everybody may read. */
export const secretsScript = (telling: readonly string[]): Command =>
  lines([
    raw(`set -u
patterns=$(mktemp -p /run fleet-bake.XXXXXX) || exit 1
trap 'rm -f -- "$patterns"' EXIT`),
    withInput(sh`cat >"$patterns"`, new Secret(telling.map((line) => `${line}\n`).join(""))),
    sh`if [ -s "$patterns" ]; then ${files} -print0 | nice -n 19 xargs -0 -r grep -lF -f "$patterns" -- 2>/dev/null | sed 's/^/secret\t/'; fi
${files} ! -perm -o=r -print0 | nice -n 19 xargs -0 -r grep -lE -e '^-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----' -- 2>/dev/null | sed 's/^/key\t/'
true`,
  ]);

export const suspectsIn = (text: string): readonly { readonly what: "secret" | "key"; readonly path: string }[] =>
  text.split("\n").flatMap((line) => {
    const [what, path] = line.split("\t");
    return (what === "secret" || what === "key") && path ? [{ what, path }] : [];
  });

/** The session that runs it is the last that comes in: keys and sudo's rule of the first boot go with the rest. `gone`: paths beside. */
export const cleanScript = (gone: readonly string[]): Command => sh`set -u
export LC_ALL=C
systemctl stop cron.service rsyslog.service syslog.socket 2>/dev/null
for path in ${gone}; do rm -rf -- "$path"; done
getent passwd | while IFS=: read -r user _ uid _ _ home _; do
  if [ "$uid" -ne 0 ] && { [ "$uid" -lt 1000 ] || [ "$uid" -ge 65534 ]; }; then continue; fi
  # A key's owner with a password, too.
  usermod -p '*' "$user" 2>/dev/null
  if [ ! -d "$home" ] || [ "$home" = / ]; then continue; fi
  cd -P -- "$home" || continue
  rm -rf -- .ssh .aws .netrc .git-credentials .config/gh .config/gcloud .docker/config.json .npmrc .pgpass .my.cnf .mylogin.cnf .gnupg .*_history .lesshst .viminfo
done
cd /
if command -v cloud-init >/dev/null; then cloud-init clean --logs >/dev/null 2>&1; fi
rm -rf -- /var/lib/cloud/* /var/lib/fleet /var/lib/systemd/credential.secret /var/lib/systemd/random-seed /var/lib/systemd/coredump/* /tmp/* /var/tmp/* /var/crash/*
rm -f -- /etc/sudoers.d/90-cloud-init-users /etc/ssh/ssh_host_*
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
: >/etc/machine-id
if command -v apt-get >/dev/null; then apt-get clean; fi
rm -rf -- /var/log/journal/* /run/log/journal/*
# A database's binary logs may lie there; without them it would not start.
find /var/log -xdev -type f ! -name '*bin.*' ! -name '*relay*' \\( -name '*.gz' -o -name '*.xz' -o -name '*.[0-9]' -o -name '*.old' \\) -delete
find /var/log -xdev -type f ! -name '*bin.*' ! -name '*relay*' -exec sh -c 'for each; do : >"$each"; done' sh {} +
sync
echo cleaned`;

/** Of a server that was started from the image. */
export const freshScript = sh`printf 'machine\t%s\n' "$(cat /etc/machine-id)"
if [ -e /var/lib/fleet ]; then printf 'memory\tthere\n'; fi`;
