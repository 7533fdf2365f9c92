// Armed on the server before a door is changed, disarmed over a new connection: what nobody confirms goes back by itself, also after a reboot.
import { readFileSync } from "node:fs";
import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { type Door, doors, unitsAt } from "./doors.ts";
import type { Change } from "./plan.ts";
import { memoryDirectory, pathFunctions, storeKey, withoutComments } from "./prelude.ts";
import { type Command, lines, quote, sh, withInput } from "./shell-quote.ts";

/** While it is there, something waits for its confirmation. Root-only. */
export const revertDirectory = `${memoryDirectory}/.revert`;
const revertUnit = "/etc/systemd/system/fleet-revert.service";

/** Seconds that one step of a door's change may take. */
const stepTime = 45;
/** Seconds from the last step to the confirmation. With what putting back takes, less than a minute. */
export const confirmTime = 30;

const textOf = (name: string): string => withoutComments(readFileSync(new URL(`./${name}`, import.meta.url), "utf8"));
const places = `fleet_revert=${revertDirectory} fleet_revert_unit=${revertUnit}`;
const asIs = (text: string): Command => ({ text, masked: "" });

/**
 * - `fleet_arm_begin`, `fleet_arm_path PATH`, `fleet_arm_unit UNIT …`, `fleet_arm_user NAME`, `fleet_arm_end SECONDS`: keep what is there, and arm.
 * - `fleet_hold SECONDS`: so long from now; fails where it went back already.
 * - `fleet_disarm`, `fleet_disarmed`: fails where it went back already; then the end of all traces.
 * - `fleet_revert_now`: waits until it is back.
 */
const functions: Command = asIs(`${places}\n${textOf("revert.sh")}`);

/** Before the first of these changes. Expects `$run` and `$state`. */
export function armScript(changes: readonly Change[], wantOf: (address: Address) => Common | undefined, names: readonly string[]): Command {
  const touched = changes.map(({ address }) => {
    const want = wantOf(address)!;
    return { address, ...kindOf(address).kind.touches(want) };
  });
  const paths = [...new Set(touched.flatMap(({ paths = [] }) => paths))].sort();
  const kept = touched.map(({ address }) => `"$state/originals/${storeKey(address)}.shadow"`);
  const here = doors.filter(({ name }) => names.includes(name));
  const units = new Set([...touched.flatMap(({ units = [] }) => units.flatMap(unitsAt)), ...here.flatMap(({ units = [] }) => units)]);
  const users = new Set(touched.flatMap(({ users = [] }) => users));
  const all = lines([
    sh`fleet_arm_begin`,
    ...paths.map((path) => sh`fleet_arm_path ${path}`),
    ...(users.size > 0 ? kept.map((path) => asIs(`fleet_arm_path ${path}`)) : []),
    ...[...users].map((name) => sh`fleet_arm_user ${name}`),
    sh`fleet_arm_unit ${[...units]}`,
    ...here.flatMap(({ save }) => (save ? [asIs(`( cd "$fleet_arm/live" || exit\n${save}\n) || :`)] : [])),
    withInput(sh`fleet_arm_end ${stepTime}`, backScript(here)),
  ]);
  return lines([functions, asIs(`( set -e\n${all.text}\n) 2>&1\nrc=$?`)]);
}

const backScript = (here: readonly Door[]): string =>
  [
    places,
    pathFunctions,
    "back() {",
    "cd live || return",
    ...here.flatMap(({ back }) => back ?? []),
    "}",
    textOf("revert-back.sh"),
    "",
  ].join("\n");

export const hold = (seconds = stepTime): string => `fleet_hold ${seconds}`;

/** Exit code of what comes too late: it went back already. */
export const wentBack = 73;

/** Runs as root on a connection of its own: that it runs at all is the confirmation. `then` is what must not be before it. */
export const disarmScript = (then: readonly Command[]): Command =>
  lines([functions, sh`fleet_disarm || exit ${wentBack}`, ...then, sh`fleet_disarmed`]);

/** Waits until it is back. */
export const revertScript: Command = lines([functions, sh`fleet_revert_now`]);

/**
 * What a run that is no more armed: it goes back at once, so that nothing moves under the feet of this one. That of a run that lives gets its time.
 */
export const settleScript: Command = lines([
  functions,
  asIs(`read -r fleet_pid < "$fleet_revert/armed" 2>/dev/null || fleet_pid=
[ "$fleet_pid" != "$$" ] || exit 0
fleet_try=0
while [ -n "$fleet_pid" ] && kill -0 "$fleet_pid" 2>/dev/null && [ -e "$fleet_revert/armed" ] && [ "$fleet_try" -lt 60 ]; do
  sleep 1
  fleet_try=$((fleet_try + 1))
done
fleet_revert_now`),
]);

/** For `fleet_undone` and its kin, on another shell than the one that made the changes. */
export const leftPath = quote(`${revertDirectory}/left`);
