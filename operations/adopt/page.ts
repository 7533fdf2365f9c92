// The page that a team reads first, in Markdown that a terminal of 80 columns shows as it is.
import { counted } from "../../spec/counted.ts";
import type { Guards } from "../../spec/guards.ts";
import type { Adopted } from "./describe.ts";
import { listenersOf, type Mysql, type ServerFacts, type Unit } from "./facts.ts";
import { languageOf } from "./languages.ts";
import { about, type Looked, oddOn } from "./odd.ts";
import { type Proof, sentenceOf } from "./prove.ts";
import { isTeams } from "./services.ts";
import { filesFolder } from "./stack-file.ts";
import { type Talk, talksOf } from "./traffic.ts";

const width = 80;

/** @param looked when, by this computer */
export function pageOf({ stack, servers }: Adopted, proof: Proof, looked: Looked): string {
  const { guards, left } = proof.description;
  const all = servers.map(({ way, facts }) => ({
    name: way.name,
    addresses: [way.address, way.privateAddress ?? "", ...facts.addresses],
    facts,
  }));
  const parts = [
    [`# ${stack}`, "", ...servers.map(({ way, facts }) => headOf(way.name, way.address, facts))],
    section(
      "What is odd",
      shared(all, (facts) => oddOn(facts, guards, looked)),
    ),
    section(
      "What runs where",
      shared(all, (facts) => runs(facts, guards)),
    ),
    section("Who talks to whom", talksOf(all).map(talkLine)),
    section("Databases", shared(all, databases)),
    section(
      "Code",
      shared(all, (facts) => codeFolders(facts, guards)),
    ),
    section(
      "Timers and cron",
      shared(all, (facts) => times(facts, guards)),
    ),
    section("Left alone", [
      ...guardLines(guards),
      ...proof.misfits.map(sentenceOf),
      ...shared(all, (_facts, name) => (left[name] ?? []).map(({ path, why }) => `${path}: ${why}`)),
    ]),
    section("Where it is", [
      `stacks/Pulumi.${stack}.yaml: the stack`,
      `stacks/${filesFolder(stack)}/: the servers' files, common/ and each server's own`,
    ]),
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

/** Nothing is no section. */
const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [`## ${title}`, "", ...lines.map(item)];

/** Continued below its first word. */
function item(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width - 2) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line, index) => `${index === 0 ? "- " : "  "}${line}`).join("\n");
}

const size = (kibibytes: number): string => {
  if (kibibytes >= 2 ** 20) return `${(kibibytes / 2 ** 20).toFixed(1)} GiB`;
  return kibibytes >= 1024 ? `${Math.round(kibibytes / 1024)} MiB` : `${Math.round(kibibytes)} KiB`;
};

function headOf(name: string, address: string, { system, disks, addresses }: ServerFacts): string {
  const root = disks.find(({ mount }) => mount === "/");
  const others = addresses.filter((each) => each !== address);
  const parts = [
    `${system.distribution} ${system.version} ${system.architecture}`,
    `${system.cores} cores`,
    size(system.memoryMiB * 1024),
    ...(root ? [`disk ${size(root.sizeKiB)}, ${Math.round(root.usedPercent / 10) * 10} % used`] : []),
    `calls itself ${system.hostname}`,
    ...(others.length > 0 ? [`also ${others.join(", ")}`] : []),
  ];
  return item(`**${name}** ${address}: ${parts.join(", ")}`);
}

interface Named {
  readonly name: string;
  readonly facts: ServerFacts;
}

/** What is so on several servers is said once: `isu1, isu2: …`. */
function shared(servers: readonly Named[], linesOf: (facts: ServerFacts, name: string) => readonly string[]): readonly string[] {
  const by = new Map<string, string[]>();
  for (const { name, facts } of servers) for (const line of linesOf(facts, name)) by.set(line, [...(by.get(line) ?? []), name]);
  return [...by].map(([line, names]) => `${names.join(", ")}: ${line}`);
}

function runs(facts: ServerFacts, guards: Guards): readonly string[] {
  const units = facts.units.filter((unit) => isTeams(unit, guards) && unit.name.endsWith(".service"));
  const on = units.filter(({ active }) => active === "active");
  const off = units.filter(({ active, load }) => active !== "active" && load === "loaded");
  const short = ({ name }: Unit) => name.replace(/\.service$/, "");
  return [
    ...on.map((unit) => `${short(unit)}${aboutUnit(unit, facts)}`),
    ...(off.length > 0 ? [`off: ${off.map((unit) => `${short(unit)} (${unit.active}, ${unit.enabled})`).join(", ")}`] : []),
  ];
}

function aboutUnit(unit: Unit, facts: ServerFacts): string {
  const ports = listenersOf(facts, unit);
  const own = unit.path.startsWith("/etc/systemd/system/");
  const parts = [
    own ? languageOf(unit, facts.code) : "",
    ports.length > 0
      ? `on ${ports.map(({ address, port, protocol }) => `${address}:${port}${protocol === "udp" ? "/udp" : ""}`).join(" ")}`
      : "",
    own && unit.user !== "" ? `as ${unit.user}` : "",
    own && unit.workingDirectory !== "" ? `in ${unit.workingDirectory}` : "",
    own && unit.environmentFiles.length > 0 ? `env ${unit.environmentFiles.join(" ")}` : "",
  ].filter(Boolean);
  return parts.length > 0 ? `: ${parts.join(", ")}` : "";
}

const talkLine = ({ from, to, port, what, how }: Talk): string =>
  `${from} → ${to}:${port}${what === "" ? ", where nothing listens" : ` ${what}`}${how === "configured" ? "" : " (connected now)"}`;

const databases = ({ mysql, postgres, redis }: ServerFacts): readonly string[] => [
  ...(mysql && mysql.refused === undefined ? mysqlLines(mysql) : []),
  ...(postgres
    ? [
        `PostgreSQL ${postgres.version}: ${postgres.databases.map((each) => `${each.name} ${size(each.bytes / 1024)}`).join(", ") || "no database"}`,
      ]
    : []),
  ...(redis.redis_version ? [`redis ${redis.redis_version}: ${redis.used_memory_human ?? ""} used, ${redis.db0 ?? "no keys"}`] : []),
];

const shownTables = 5;

function mysqlLines({ product, version, databases, tables, users, variables }: Mysql): readonly string[] {
  const sum = (of: string) => tables.filter(({ database }) => database === of).reduce((bytes, each) => bytes + each.bytes, 0);
  const largest = [...tables].sort((a, b) => b.bytes - a.bytes).slice(0, shownTables);
  const pool = Number(variables.innodb_buffer_pool_size ?? 0);
  return [
    `${product} ${version.split("-")[0]}: ${databases.map((each) => `${each.name} ${size(sum(each.name) / 1024)} (${each.charset})`).join(", ") || "no database"}`,
    `buffer pool ${size(pool / 1024)}, at most ${variables.max_connections} connections, flush_log_at_trx_commit ${variables.innodb_flush_log_at_trx_commit}, slow log ${variables.slow_query_log}`,
    ...largest.map(
      (each) =>
        `table ${each.database}.${each.name}: ${about(each.rows)}, ${size(each.bytes / 1024)}, keys ${each.indexes.join(" ") || "none"}`,
    ),
    `users ${users.map((each) => `${each.name}@${each.host}`).join(", ")}`,
  ];
}

function codeFolders({ code, units }: ServerFacts, guards: Guards): readonly string[] {
  const worked = new Set(units.filter((unit) => isTeams(unit, guards)).map(({ workingDirectory }) => workingDirectory));
  return code
    .filter(({ path }) => worked.has(path))
    .map(({ path, git }) => {
      if (!git) return `${path}: no git`;
      const state = git.changed > 0 ? `${counted(git.changed, "file")} changed` : "clean";
      return `${path}: ${git.branch} ${git.commit}, ${state}${git.remote ? `, from ${git.remote}` : ""}`;
    });
}

const times = ({ cron, units }: ServerFacts, guards: Guards): readonly string[] => [
  ...units
    .filter((unit) => unit.name.endsWith(".timer") && isTeams(unit, guards))
    .map((unit) => `${unit.name}: ${unit.active}, ${unit.enabled}`),
  ...cron.map(({ user, line }) => `cron of ${user}: ${line}`),
];

const guardLines = ({ units, users, paths }: Guards): readonly string[] => {
  const all = [...units, ...users, ...paths];
  return all.length === 0 ? [] : [`taken for the organiser's, and guarded: ${all.join(", ")}`];
};
