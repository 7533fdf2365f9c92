// What belongs on stays on over a reboot: services that run, what was set in the database by hand, redis' data. What a retest names as lost, where
// there is one way to keep it.

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
      run: `systemctl enable -q ${unit}`,
      undo: `systemctl disable -q ${unit}`,
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
      run: `printf '%s\\n' '[mysqld]' ${names.map((each) => `'${each}'`).join(" ")} >"$(settings)/zzz-fleet-kept.cnf"`,
      undo: `rm -f "$(settings)/zzz-fleet-kept.cnf"`,
    },
  ];
}

const keptConf = `${finalFolder}/redis.conf`;

/**
 * Of a redis that holds something and writes nothing. Its file is put back as it was; the copy goes with the folder, at the end, since a line
 * that fails has all of them run again.
 */
function redisSteps({ redis }: RetestFacts): readonly Step[] {
  const [save, log, keys] = [firstOf(redis, "save"), firstOf(redis, "appendonly"), firstOf(redis, "keys", "0")];
  if (redis.length === 0 || save !== "" || log === "yes" || Number(keys) === 0) return [];
  const file = `file=$(redis-cli info server | tr -d '\\r' | sed -n 's/^config_file://p')`;
  return [
    {
      text: `have redis write its log (appendonly): its ${keys} keys would be gone after a reboot`,
      run: `${file}; { [ -e ${keptConf} ] || cp -p "$file" ${keptConf}; } && [ "$(redis-cli config set appendonly yes)" = OK ] && [ "$(redis-cli config rewrite)" = OK ]`,
      undo: `${file}; redis-cli config set appendonly no >/dev/null; cat ${keptConf} >"$file"`,
    },
  ];
}
