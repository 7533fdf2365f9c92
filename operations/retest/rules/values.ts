// Settings and data that live in a running program alone.

import { readers } from "../../../provisioners/resources/live/readers.ts";
import { counted } from "../../../spec/counted.ts";
import { typed } from "../../../spec/typed.ts";
import type { RetestFacts } from "../facts.ts";
import { kernelDefaults } from "../sections.ts";
import { failure, firstOf, of, type Rule, systemOf, warning } from "./rule.ts";

/** What measuring switches is told as measuring; the rest follows from others, or is a moment's. */
const passing =
  /^(slow_query_log.*|long_query_time|log_output|general_log.*|log_slow.*|timestamp|gtid_.*|server_uuid|event_scheduler|debug.*|pseudo_.*|performance_schema.*)$/;

/** What the database runs with by SET GLOBAL, and what a boot brings instead; empty for the default. */
export function lostSettings({ mysql }: Pick<RetestFacts, "mysql">): readonly { name: string; live: string; said: string }[] {
  const files = Object.fromEntries(of(mysql, "file").map(([name = "", value = ""]) => [name, value]));
  return of(mysql, "set").flatMap(([name = "", live = "", otherwise = ""]) => {
    const said = files[name] ?? otherwise;
    return passing.test(name) || readers.mysql.same(name, said, live) ? [] : [{ name, live, said }];
  });
}

const mysqlSettings: Rule = {
  name: "mysql-settings",
  looks: "SET GLOBAL that no file says",
  find: (facts) =>
    lostSettings(facts).map(({ name, live, said }) =>
      failure(
        `${name} is ${live} by SET GLOBAL, and ${said === "" ? "the default" : said} after the reboot`,
        `echo '${name} = ${live}'    # below [mysqld], in a file of /etc/mysql/conf.d`,
      ),
    ),
};

const memoryTables: Rule = {
  name: "memory-tables",
  looks: "tables that are kept in memory",
  find: ({ mysql }) =>
    of(mysql, "memory")
      .filter(([, , rows]) => Number(rows) > 0)
      .map(([database, table, rows]) =>
        failure(`table ${database}.${table} (${rows} rows) is of the MEMORY engine: the reboot empties it`),
      ),
};

const sysctl: Rule = {
  name: "sysctl",
  looks: "kernel settings that differ from the files, or stand in none",
  find: (facts) => {
    const { sysctl: rows } = facts;
    const { inContainer } = systemOf(facts);
    const said = new Map(of(rows, "file").map(([key = "", value = "", live = ""]) => [key, { value, live }]));
    // In a container they are its host's, but for the network's.
    const ours = (key: string) => !inContainer || (key.startsWith("net.") && !/default_qdisc|congestion/.test(key));
    return [
      ...[...said]
        .filter(([key, { value, live }]) => ours(key) && value !== live)
        .map(([key, { value, live }]) =>
          failure(
            `${key} is ${live}, and ${value} by the files: the reboot brings ${value}`,
            `echo '${key} = ${live}' > /etc/sysctl.d/99-zz-kept.conf`,
          ),
        ),
      ...of(rows, "live")
        .filter(
          ([key = "", live = ""]) =>
            !said.has(key) && key.startsWith("net.") && ours(key) && !(kernelDefaults[key] ?? live).split("|").includes(live),
        )
        .map(([key, live]) =>
          failure(
            `${key} is ${live}, and no file says so: the reboot brings the kernel's own`,
            `echo '${key} = ${live}' > /etc/sysctl.d/99-zz-kept.conf`,
          ),
        ),
    ];
  },
};

const redisData: Rule = {
  name: "redis",
  looks: "redis that keeps nothing on disk",
  find: ({ redis }) => {
    const [save, log, keys] = [firstOf(redis, "save"), firstOf(redis, "appendonly"), firstOf(redis, "keys", "0")];
    return redis.length > 0 && save === "" && log !== "yes" && Number(keys) > 0
      ? [
          failure(
            `redis holds ${counted(Number(keys), "key")} and writes neither a snapshot nor a log: the reboot loses them`,
            "redis-cli config set appendonly yes && redis-cli config rewrite",
          ),
        ]
      : [];
  },
};

const redisSettings: Rule = {
  name: "redis-settings",
  looks: "CONFIG SET that redis.conf does not say",
  find: ({ redis }) => {
    const files = new Map(of(redis, "file").map(([name = "", value = ""]) => [name, value]));
    return of(redis, "live").flatMap(([name = "", live = ""]) => {
      const value = files.get(name) ?? "";
      return value === "" || readers.redis.same(name, value, live)
        ? []
        : [failure(`redis: ${name} is ${live} by CONFIG SET, and ${value} after the reboot`, "redis-cli config rewrite")];
    });
  },
};

const memcached: Rule = {
  name: "memcached",
  looks: "what memcached holds",
  find: ({ memcached: rows }) =>
    of(rows, "items")
      .filter(([items]) => Number(items) > 0)
      .map(([items]) => warning(`memcached holds ${items} items, in memory: sessions in it end with the reboot`)),
};

const configurations: Rule = {
  name: "configurations",
  looks: "configurations that a program would refuse at its next start",
  find: ({ configurations: rows }) =>
    rows.map(([program, said = ""]) => failure(`${program} does not start with what its files say now: ${said}`)),
};

const measuring: Rule = {
  name: "measuring",
  looks: "measuring that was left on",
  find: ({ mysql, measuring: rows, processes }) => {
    const live = new Map(of(mysql, "live").map(([name, value]) => [name, value]));
    const isOn = (name: string) => ["ON", "1"].includes(live.get(name) ?? "");
    const switched = [
      ...(isOn("slow_query_log") ? [warning(`the slow log is on (long_query_time ${live.get("long_query_time")})`)] : []),
      ...(isOn("general_log") ? [warning("the general log is on: each query is written")] : []),
      ...of(rows, "nginx").map(([file]) => warning(`a measured run's log is on (${file})`)),
      ...of(rows, "sampler").map(([pid]) => warning(`a measured run's sampler is at work (process ${pid})`)),
    ].map((each) => ({ ...each, mend: `${typed()} finalize` }));
    // A site's own log is the team's: its file says it, and the next up would.
    return [
      ...switched,
      ...of(rows, "access")
        .filter(([what = ""]) => !/^(off|\/dev\/null)/.test(what))
        .map(([what]) => warning(`nginx writes an access log: ${what}`)),
      ...of(processes, "measures").map(([name]) => warning(`${name} is at work`)),
    ];
  },
};

export const valueRules: readonly Rule[] = [
  mysqlSettings,
  memoryTables,
  sysctl,
  redisData,
  redisSettings,
  memcached,
  configurations,
  measuring,
];
