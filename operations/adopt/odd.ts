// What somebody should look at before the day gets busy: what is open, what ends, what a reboot would change. Pure, a sentence each.
import type { Guards } from "../../spec/guards.ts";
import type { Mysql, ServerFacts, Unit } from "./facts.ts";
import { isTeams } from "./services.ts";

const nearlyFull = 85;

/** Seconds since 1970 between which the servers were looked at, by this computer's clock. */
export interface Looked {
  readonly from: number;
  readonly to: number;
}

export function oddOn(facts: ServerFacts, guards: Guards, looked: Looked): readonly string[] {
  const units = facts.units.filter((unit) => isTeams(unit, guards));
  return [
    ...units.flatMap((unit) => unitOddities(unit, facts)),
    ...languages(units),
    ...open(facts),
    ...loose(facts),
    ...certificates(facts, looked.to),
    ...(facts.mysql ? database(facts.mysql) : []),
    ...machine(facts, looked),
  ];
}

function unitOddities({ name, active, enabled, load, restarts, needsReload, requires }: Unit, { units }: ServerFacts): readonly string[] {
  const said: string[] = [];
  if (active === "active" && enabled === "disabled") said.push(`${name} runs and is not enabled: a reboot ends it`);
  if (["inactive", "failed"].includes(active) && enabled === "enabled" && load === "loaded")
    said.push(active === "failed" ? `${name} has failed` : `${name} is enabled and does not run: a reboot starts it`);
  if (active === "activating" || restarts > 3) said.push(`${name} starts again and again (${restarts} restarts)`);
  if (needsReload) said.push(`${name}: its file was changed after systemd read it (systemctl daemon-reload)`);
  const gone = requires.filter((each) => each.endsWith(".service") && units.some((unit) => unit.name === each && unit.active !== "active"));
  if (active === "active" && gone.length > 0) said.push(`${name} requires ${gone.join(", ")}, which does not run`);
  return said;
}

const language =
  /^(.+)[-.](go|golang|node|nodejs|js|ts|deno|bun|ruby|rb|python|py|php|perl|pl|rust|java|kotlin|cpp|crystal|elixir|haskell|nim|scala|swift)\.service$/;

/** The same application's units, in several languages. */
function languages(units: readonly Unit[]): readonly string[] {
  const enabled = units
    .filter((unit) => unit.enabled === "enabled")
    .flatMap((unit) => {
      const [, app, of] = language.exec(unit.name) ?? [];
      return app === undefined ? [] : [{ app, of }];
    });
  const apps = [...new Set(enabled.map(({ app }) => app))];
  return apps.flatMap((app) => {
    const all = enabled.filter((each) => each.app === app).map(({ of }) => of);
    return all.length > 1 ? [`${app} is enabled in ${all.length} languages (${all.join(", ")}): all start at a boot`] : [];
  });
}

const databases: Readonly<Record<number, string>> = {
  3306: "MySQL",
  5432: "PostgreSQL",
  6379: "redis",
  11211: "memcached",
  27017: "MongoDB",
};

const open = ({ listeners }: ServerFacts): readonly string[] =>
  listeners
    .filter(({ address, port, protocol }) => address === "*" && protocol === "tcp" && databases[port])
    .map(({ port }) => `${databases[port]} listens on every address (port ${port})`);

/** What somebody started by hand. */
const loose = ({ listeners, processes }: ServerFacts): readonly string[] =>
  listeners.flatMap(({ port, program, pid }) => {
    const unit = processes.find((each) => each.pid === pid)?.unit ?? "";
    return /^session-.*\.scope$/.test(unit) && program !== "sshd"
      ? [`${program} on port ${port} was started by hand, in no unit: a reboot ends it`]
      : [];
  });

const day = 86_400;
const soon = 14 * day;

const certificates = (facts: ServerFacts, now: number): readonly string[] =>
  facts.certificates.flatMap(({ path, ends }) => {
    if (!(ends - now < soon)) return [];
    return [ends < now ? `the certificate ${path} has ended` : `the certificate ${path} ends in ${Math.floor((ends - now) / day)} days`];
  });

/** A count that the database itself only guesses. */
export const about = (rows: number): string => `about ${Number(rows.toPrecision(1))} rows`;

/** Rows from which a table without an index is felt. */
const many = 1000;

function database({ refused, users, tables, variables }: Mysql): readonly string[] {
  if (refused !== undefined) return [`the database did not let root in: ${refused}`];
  const anywhere = users.filter(({ host }) => host === "%").map(({ name }) => name);
  const unkeyed = tables.filter(({ indexes }) => indexes.length === 0).map(({ database: of, name }) => `${of}.${name}`);
  const onlyKey = tables.filter(({ indexes, rows }) => indexes.length === 1 && indexes[0] === "PRIMARY" && rows >= many);
  return [
    ...(anywhere.length > 0 ? [`database user ${[...new Set(anywhere)].join(", ")} may come from anywhere (%)`] : []),
    ...(unkeyed.length > 0 ? [`no key at all: table ${unkeyed.join(", ")}`] : []),
    ...(onlyKey.length > 0
      ? [`no index beside the primary key: ${onlyKey.map(({ database: of, name, rows }) => `${of}.${name} (${about(rows)})`).join(", ")}`]
      : []),
    ...(variables.log_bin === "ON" ? ["the database writes a binary log"] : []),
  ];
}

function machine({ disks, system, held, broken, rebootNeeded, fleetIsHere, units }: ServerFacts, { from, to }: Looked): readonly string[] {
  const full = disks.filter(({ usedPercent, inodesPercent = 0 }) => usedPercent >= nearlyFull || inodesPercent >= nearlyFull);
  const apart = Math.round(system.clock - Math.min(Math.max(system.clock, from), to));
  const keepers = /^(?:chrony|chronyd|ntp|ntpd|ntpsec|systemd-timesyncd)\.service$/;
  return [
    ...full.map(({ mount, usedPercent, inodesPercent = 0 }) =>
      usedPercent >= nearlyFull ? `${mount} is ${usedPercent} % full` : `${mount} has used ${inodesPercent} % of its inodes`,
    ),
    ...(Math.abs(apart) > 2 ? [`its clock is ${Math.abs(apart)} s ${apart > 0 ? "ahead of" : "behind"} this computer's`] : []),
    ...(units.some(({ name, active }) => keepers.test(name) && active === "active") || system.synchronised
      ? []
      : ["nothing keeps its clock right"]),
    ...(held.length > 0 ? [`packages that upgrades leave: ${held.join(", ")}`] : []),
    ...(broken.length > 0 ? [`packages half-installed: ${broken.join(", ")}`] : []),
    ...(rebootNeeded ? ["an upgrade waits for a reboot"] : []),
    ...(fleetIsHere ? ["a fleet has been here before and was not taken down"] : []),
  ];
}
