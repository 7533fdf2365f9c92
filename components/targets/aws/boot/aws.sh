# Asks AWS with curl alone (7.86 or newer, for whole signatures): no agent, no Python. Wants `imds` and `region`.

meta() { # path
  token=$(curl -fsS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$imds/latest/api/token") || return 1
  curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" "$imds/latest/$1"
}

field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }

# Signed with the role's key, which goes to curl on standard input: arguments can be read by everybody.
signed() { # service curl-argument…
  service=$1
  shift
  role=$(meta meta-data/iam/security-credentials/) || return 1
  keys=$(meta "meta-data/iam/security-credentials/$role") || return 1
  printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' \
    "$(printf '%s\n' "$keys" | field AccessKeyId)" "$(printf '%s\n' "$keys" | field SecretAccessKey)" \
    "$(printf '%s\n' "$keys" | field Token)" |
    curl -fsS -m 60 --retry 4 --retry-all-errors --config - --aws-sigv4 "aws:amz:$region:$service" "$@"
}

