// Redis as whoever may read its file: POSIX sh.

/**
 * `redis_conf` prints its file: one with a password names it to nobody before it has heard that, so it is looked for where distributions lay it. `redis_
 * WORD …` asks, by the password in it.
 */
export const redisClient = `redis_conf() {
  for each in "$(timeout 5 redis-cli info server 2>/dev/null | tr -d '\\r' | sed -n 's/^config_file://p')" /etc/redis/redis.conf /etc/redis.conf; do
    if [ -f "$each" ]; then printf '%s\\n' "$each"; return; fi
  done
}
redis_() {
  if [ -z "\${redis_file:-}" ]; then
    redis_file=$(redis_conf); pass=$(sed -n 's/^ *requirepass  *//p' "\${redis_file:=/dev/null}" | tail -n 1 | tr -d '"')
    if [ -n "$pass" ]; then REDISCLI_AUTH=$pass; export REDISCLI_AUTH; fi
  fi
  timeout 5 redis-cli --raw "$@" 2>/dev/null
}`;
