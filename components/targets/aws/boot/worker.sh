# Above stand the settings, written by worker-boot.ts, and the functions of aws.sh. `boot` runs once, at the first boot; `watch` for as
# long as the server does.

say() { printf 'fleet-worker: %s\n' "$*" >&2; }

# Without an answer the group waits, and does in the end what the hook's default says.
report() { # hook CONTINUE|ABANDON
  if ! signed autoscaling -d Action=CompleteLifecycleAction -d Version=2011-01-01 -d "AutoScalingGroupName=$group" \
    -d "LifecycleHookName=$1" -d "InstanceId=$instance" -d "LifecycleActionResult=$2" -o /dev/null \
    "https://autoscaling.$region.amazonaws.com/"; then
    say "$1: the group did not take $2"
    return 1
  fi
  say "$1: $2"
}

ec2() { signed ec2 -d Version=2016-11-15 "$@" -o /dev/null "https://ec2.$region.amazonaws.com/"; }

# The only server of its pool: it takes the address and the volume of the one before it, which may still be going away.
take_over() {
  if [ "$allocation" ]; then
    ec2 -d Action=AssociateAddress -d "AllocationId=$allocation" -d "InstanceId=$instance" -d AllowReassociation=true || return 1
  fi
  if [ "$volume" ]; then
    tries=0
    until ec2 -d Action=AttachVolume -d "VolumeId=$volume" -d "InstanceId=$instance" -d "Device=$device"; do
      tries=$((tries + 1))
      [ "$tries" -lt "$patience" ] || return 1
      sleep 10
    done
  fi
}

# The plan: in user data, or in the bucket with the checksum that user data names.
fetch_plan() {
  if [ "$plan_url" ]; then
    mkdir -p "${plan%/*}"
    signed s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -o "$plan" "$plan_url" || return 1
  fi
  printf '%s  %s\n' "$plan_sha256" "$plan" | sha256sum -c - >/dev/null
}

boot() {
  instance=$(meta meta-data/instance-id) || exit 1
  # The watch comes first: whoever is in service can be taken away at once.
  if take_over && fetch_plan && sh "$plan" && systemctl enable --now fleet-worker-watch.service; then
    report "$launch_hook" CONTINUE
  else
    say "not fit for service: the group takes another server"
    report "$launch_hook" ABANDON
    return 1
  fi
}

# The work in hand is finished, then the group may go on.
drain() {
  say "leaves the service: $1"
  sh -c "$drain" || say "draining ended with $?"
}

watch() {
  instance=$(meta meta-data/instance-id) || exit 1
  silent=0
  while :; do
    if state=$(meta meta-data/autoscaling/target-lifecycle-state); then
      silent=0
      case $state in
        Terminated)
          drain "the group takes it away"
          # A report that was not taken ends the watch with an error: systemd starts it again, and it drains and reports once more.
          report "$drain_hook" CONTINUE
          return
          ;;
      esac
      if meta meta-data/spot/instance-action >/dev/null 2>&1; then
        drain "AWS takes the spot instance back"
        return 0
      fi
    else
      silent=$((silent + 1))
      # A server without its network is of no use, and the group would notice only after twenty minutes. Off, it is replaced at once.
      if [ "$fence" -gt 0 ] && [ "$silent" -ge "$fence" ]; then
        say "no network: powers off, so that it is replaced"
        systemctl poweroff
        return 0
      fi
    fi
    sleep 5
  done
}

case ${1:-} in
  boot) boot ;;
  watch) watch ;;
  *)
    say "expected \`boot\` or \`watch\`, got \`${1:-}\`"
    exit 1
    ;;
esac
