# The sample work of a pipeline, under aws.sh: a picture comes in, its thumbnail goes out under the same key.

. /etc/fleet/environment
imds=http://169.254.169.254 region=$REGION
work=$(mktemp -d)
stopped=''
# The picture in hand is finished first.
trap 'stopped=yes' TERM INT

say() { printf 'fleet-thumbnails: %s\n' "$*" >&2; }

queue() { # action, JSON
  signed sqs -H "X-Amz-Target: AmazonSQS.$1" -H 'Content-Type: application/x-amz-json-1.0' -d "$2" "https://sqs.$region.amazonaws.com/"
}

object() { printf 'https://%s.s3.%s.amazonaws.com/%s' "$1" "$region" "$2"; }

# The decoder follows from the key alone: a file that says it is something else fails, and nothing in a message becomes an option.
decoder() {
  case $1 in
    *.jpg | *.jpeg | *.JPG | *.JPEG) echo jpeg ;;
    *.png | *.PNG) echo png ;;
    *.gif | *.GIF) echo gif ;;
    *.webp) echo webp ;;
    *) return 1 ;;
  esac
}

thumbnail() { # bucket key, percent-encoded
  kind=$(decoder "$2") || {
    say "no picture by its name: $2"
    return 1
  }
  signed s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -o "$work/in" "$(object "$1" "$2")" || return 1
  timeout "$JOB_SECONDS" convert -limit memory 256MiB -limit disk 1GiB "$kind:$work/in[0]" \
    -auto-orient -thumbnail 320x320 "jpeg:$work/out" || return 1
  signed s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -H 'Content-Type: image/jpeg' -T "$work/out" \
    -o /dev/null "$(object "$OUTPUT_BUCKET" "$2")"
}

# Whether all objects of a message are done. A message that names none (S3's own test) is.
message() {
  printf '%s' "$1" |
    jq -r '.Messages[0].Body | fromjson | .Records[]? | [.s3.bucket.name, (.s3.object.key | gsub("\\+"; "%20"))] | @tsv' >"$work/list" ||
    return 1
  while read -r bucket key; do
    thumbnail "$bucket" "$key" </dev/null || return 1
  done <"$work/list"
}

while [ -z "$stopped" ]; do
  if ! answer=$(queue ReceiveMessage "{\"QueueUrl\":\"$QUEUE_URL\",\"MaxNumberOfMessages\":1,\"WaitTimeSeconds\":20}"); then
    say "the queue does not answer"
    sleep 5
    continue
  fi
  receipt=$(printf '%s' "$answer" | jq -r '.Messages[0].ReceiptHandle // empty')
  [ "$receipt" ] || continue
  # One that fails comes back by itself, and goes to the dead letters after its last try.
  if message "$answer"; then
    queue DeleteMessage "{\"QueueUrl\":\"$QUEUE_URL\",\"ReceiptHandle\":\"$receipt\"}" >/dev/null
  fi
done
rm -r "$work"
