// What a balancer was before anybody was drained on it, remembered on it: a `down` takes a drain back that nobody ended.
import { createHash } from "node:crypto";
import { pathFunctions } from "../../provisioners/engine/prelude.ts";
import { type Command, lines, quote, sh, withInput } from "../../provisioners/engine/shell-quote.ts";
import { dropWayBack, keepWayBack, wayBackFile, wayBackOf } from "../../provisioners/engine/ways-back.ts";
import { type HaproxyServerState, haproxyCommands } from "./haproxy.ts";

const operation = "drain";

/** Around a change: before it, and after it came to its end. */
export interface Around {
  readonly before: Command;
  /** Where all is as it was before the first change, there is nothing to remember. */
  readonly after: Command;
}

/** Of a file of nginx', whose real place is in `$f`; expects the functions for paths. */
export function aroundFile(path: string, content: string): Around {
  const name = wayBackOf(operation, path);
  const [way, kept, ours] = [wayBackFile(name), wayBackFile(name, "kept"), wayBackFile(name, "ours")];
  const sum = createHash("sha256").update(content).digest("hex");
  const back = `${pathFunctions}
f=$(readlink -f -- ${quote(path)}) && [ -f "$f" ] || exit 0
if cmp -s -- ${quote(kept)} "$f" || printf '%s\\n' "$fleet_given" | grep -qxF -e ${quote(path)} -e "$f"; then exit 0; fi
if sha256sum --check --status -- ${quote(ours)}; then
  fleet_into "$f" < ${quote(kept)}
  if systemctl -q is-active nginx 2>/dev/null && nginx -t -q; then systemctl reload nginx; fi
else
  printf '%s was written by somebody after a drain: it stays as they left it\\n' ${quote(path)}
fi`;
  return {
    before: lines([
      sh`if [ ! -e ${way} ]; then ( umask 077; mkdir -p -- "$(dirname -- ${way})" && fleet_read "$f" > ${kept} ) || exit 4; fi`,
      keepWayBack({ name, title: `fleet drain (${path})` }, back, { first: true }),
      // What somebody wrote since the last change stays no work of ours: `down` leaves it then.
      sh`if cmp -s -- ${kept} "$f" || sha256sum --check --status -- ${ours}; then printf '%s  %s\n' ${sum} "$f" > ${ours} || exit 4; fi`,
    ]),
    after: sh`if cmp -s -- ${kept} "$(readlink -f -- ${path})"; then
${dropWayBack(name)}
fi`,
  };
}

/** Of a server of haproxy's, which a restart brings back by itself. Expects `ask` and `$socket`. */
export function aroundServer(each: HaproxyServerState, told: readonly string[], askSocket: Command): Around {
  const server = `${each.backend}/${each.name}`;
  const name = wayBackOf(operation, server);
  const [way, kept] = [wayBackFile(name), wayBackFile(name, "kept")];
  const was = haproxyCommands(each, each.out ? 0 : 100, each.weight || 100);
  const back = `${askSocket.text}
if [ -n "$socket" ] && [ -S "$socket" ]; then while read -r line; do ask "$socket" "$line" < /dev/null > /dev/null; done < ${quote(kept)}; fi`;
  const text = (commands: readonly string[]) => commands.map((command) => `${command}\n`).join("");
  return {
    before: lines([
      withInput(
        sh`if [ -e ${way} ]; then cat > /dev/null; else ( umask 077; mkdir -p -- "$(dirname -- ${way})" && cat > ${kept} ) || exit 4; fi`,
        text(was),
      ),
      keepWayBack({ name, title: `fleet drain (haproxy ${server})` }, back, { first: true }),
    ]),
    after: withInput(
      sh`if cmp -s -- ${kept} -; then
${dropWayBack(name)}
fi`,
      text(told),
    ),
  };
}
