# In the tree of a layer, as its root, with nothing of it running: $1 is the digest of the versions that a layer has already, the rest are
# packages. Prints the digest of what the archive has now, and installs where it is another one. The words of apt-get are those of a role's
# own install (provisioners/resources/apt.sh), so that the outcome is the same.
set -eu
export DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
have=$1
shift
policy=/usr/sbin/policy-rc.d
apt() {
  apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
apt update >&2
# `Inst nginx (1.22.1-9+deb12u1 Debian:12.5/stable [amd64])`, in no order that means anything.
apt -s install --no-install-recommends -- "$@" | sed -n 's/^Inst \([^ ]*\) .*(\([^ ]*\) .*/\1 \2/p' | sort >/tmp/versions
now=$(sha256sum </tmp/versions | cut -c 1-16)
rm -f /tmp/versions
if [ "$now" != "$have" ]; then
  # No service starts here: systemd starts what is enabled when the machine boots.
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  apt install --no-install-recommends -- "$@" >&2
  rm -f "$policy"
  [ -z "$(dpkg --audit)" ] || { dpkg --audit >&2; exit 1; }
  apt-get clean
fi
printf 'versions %s\n' "$now"
