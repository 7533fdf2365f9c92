// What belongs on stays on over a reboot: services that run, what was set in the database by hand, redis' data. What a retest names as lost, where
// there is one way to keep it.

import { raw } from "../../provisioners/engine/shell-quote.ts";
import { counted } from "../../spec/counted.ts";
import { finalFolder } from "../measure/run/final.ts";
import type { RetestFacts } from "./facts.ts";
import type { Step } from "./finalize.ts";
import { firstOf } from "./rules/rule.ts";
import { lostUnits } from "./rules/units.ts";
import { lostSettings } from "./rules/values.ts";

/** Pure. @param without units that are about to be switched off */
export function keepingSteps(facts: RetestFacts, without: readonly string[] = []): readonly Step[] {
  return [...serviceSteps(facts, without), ...databaseSteps(facts), ...redisSteps(facts)];
}

const serviceSteps = (facts: RetestFacts, without: readonly string[]): readonly Step[] =>
  lostUnits(facts)
    .filter((unit) => !without.includes(unit))
    .map((unit) => ({
      text: `enable ${unit}, which runs and would not after a reboot`,
      run: `unit_enable ${unit}`,
      undo: `if known ${unit}; then unit_disable ${unit}; fi`,
    }));

/** A name of the server's own, and a value that is one in a file: anything else is a person's to write. */
const plain = /^[\w./:,-]+$/;

function databaseSteps(facts: RetestFacts): readonly Step[] {
  const settings = lostSettings(facts).filter(({ name, live }) => /^\w+$/.test(name) && plain.test(live));
  if (settings.length === 0) return [];
  const names = settings.map(({ name, live }) => `${name} = ${live}`);
  return [
    {
      text: `keep what was set by SET GLOBAL (${names.join(", ")}), by a file of its own (zzz-fleet-kept.cnf)`,
      ...settingsFile("zzz-fleet-kept.cnf", names),
    },
  ];
}

/** Behind what is in it: an earlier finalize's lines count as well. A new file, since what a link of somebody's leads to is kept nowhere. */
export const settingsFile = (name: string, settings: readonly string[]): Pick<Step, "run" | "undo"> => ({
  undo: raw(`file=$(settings)/${name}\nkept_file ${name} "$file"`),
  run: `file=$(settings)/${name}
rm -f -- "$file.new"
if [ -s "$file" ]; then cp -aLT -- "$file" "$file.new"; echo >>"$file.new"; fi
printf '%s\\n' '[mysqld]' ${settings.map((each) => `'${each}'`).join(" ")} >>"$file.new"
mv -fT -- "$file.new" "$file"`,
});

/** Of a redis that holds something and writes nothing. It writes its file anew, in the place of a link too; both are put back as they were. */
function redisSteps({ redis }: RetestFacts): readonly Step[] {
  const [save, log, keys] = [firstOf(redis, "save"), firstOf(redis, "appendonly"), firstOf(redis, "keys", "0")];
  if (redis.length === 0 || save !== "" || log === "yes" || Number(keys) === 0) return [];
  return [
    {
      text: `have redis write its log (appendonly): its ${counted(Number(keys), "key")} would be gone after a reboot`,
      run: `[ "$(redis_ config set appendonly yes)" = OK ] && [ "$(redis_ config rewrite)" = OK ]`,
      undo: raw(`file=$(redis_conf)
kept_file redis.conf "$file"
if [ -L "$file" ]; then kept_file redis.real "$(readlink -f -- "$file")"; fi
log=$(redis_ config get appenddirname | sed -n 2p); log=$(redis_ config get dir | sed -n 2p)/\${log:-$(redis_ config get appendfilename | sed -n 2p)}
if [ ! -e "$log" ]; then printf "rm -rf -- '%s'\\n" "$log" >>${finalFolder}/undo; fi
echo redis_log_off >>${finalFolder}/undo`),
    },
  ];
}
