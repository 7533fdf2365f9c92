# What packages.sh asks of dnf. POSIX sh, Amazon Linux and its kin.
export LC_ALL=C.UTF-8
# It waits for a lock by itself.
fleet_dnf() { dnf -q -y "$@"; }
fleet_installed() { rpm -qa --qf '%{NAME}\n' | sort -u; }
fleet_versions() { rpm -qa --qf '%{NAME} %{EVR}\n' | sort -u -k 1,1; }
fleet_repair() { :; }
fleet_ready() { :; }
# Installed, or provided by what is; and in this version where one is named.
fleet_there() {
  case $1 in
    *=*) rpm -q --qf '%{EVR}\n' -- "${1%%=*}" 2> /dev/null | grep -qxF -e "${1#*=}" ;;
    *) [ -n "$(fleet_providers "$1")" ] ;;
  esac
}
# RECOMMENDS (lean, full) SPEC…: `name=version` is `name-version` to dnf. What it remembers of its repositories may be older than the package.
fleet_bring() {
  case $1 in full) weak=True ;; *) weak=False ;; esac
  shift
  for spec; do
    set -- "$@" "$(printf '%s' "$spec" | sed 's/=/-/')"
    shift
  done
  fleet_dnf --setopt=install_weak_deps="$weak" install -- "$@" || fleet_dnf --refresh --setopt=install_weak_deps="$weak" install -- "$@"
}
# What nobody needs any more is in the list already; more than that is not ours to take. Of settings that people have, rpm lays copies beside
# them: its own at an install (.rpmnew), theirs at a removal (.rpmsave).
fleet_take_away() {
  rpm -qc -- "$@" | sed -n 's,^/.*,&.rpmnew\n&.rpmsave,p' | sort -u > "$added.copies"
  fleet_etc | comm -12 - "$added.copies" | grep '\.rpmsave$' | comm -23 "$added.copies" - > "$added.ours"
  code=0
  fleet_dnf remove --noautoremove -- "$@" || code=$?
  comm -23 "$added.ours" "$added.etc" | xargs -d '\n' rm -f --
  rm -f "$added.copies" "$added.ours"
  return "$code"
}
fleet_along() {
  dnf -q repoquery --userinstalled --qf '%{name}' | sort -u > "$added.named"
  fleet_installed | comm -23 - "$added.named"
  rm -f "$added.named"
}
fleet_mark_along() { xargs -r dnf -q mark remove > /dev/null 2>&1; }
fleet_held() { :; }
fleet_owned() { rpm -qf -- "$1" > /dev/null 2>&1; }
fleet_downgrade() { printf 'dnf install %s-%s' "$1" "$2"; }
fleet_end_alternatives() { :; }
# These, and what can't do without them.
fleet_going() {
  {
    printf '%s\n' "$@"
    rpm -e --test -- "$@" 2>&1 | sed -n 's/.* is needed by (installed) //p' | xargs -r rpm -q --qf '%{NAME}\n' --
  } | sort -u
}
# Installed packages that have one of these names, or provide it (`curl` is what curl-minimal provides).
fleet_providers() {
  for name; do
    if ! rpm -q --qf '%{NAME}\n' -- "$name" 2> /dev/null | grep -v ' is not installed$'; then
      rpm -q --whatprovides --qf '%{NAME}\n' -- "$name" 2> /dev/null | grep -v '^no package provides ' || :
    fi
  done
}
