// my.cnf for MariaDB 10.11 and MySQL 8: computed sizes, then a preset, then the named options, then the stack's own settings.
import { z } from "zod";
import { AbsolutePath, Line, Port } from "../../spec/scalars.ts";
import { assignments, conf, ownedBy, type Part } from "../conf.ts";
import type { Machine, Refusal } from "../words.ts";
import { agreed } from "./charset.ts";
import { type MysqlPreset, mysqlPresetNames, mysqlPresets, type Setting } from "./presets.ts";
import type { MysqlServer } from "./server.ts";
import { computedSettings } from "./sizes.ts";
import { canonical, translate } from "./translate.ts";

const SettingName = z.string().regex(/^[a-zA-Z][a-zA-Z0-9_-]*$/, "expected an option name such as `innodb_buffer_pool_size`");

export const SlowLog = z.strictObject({
  enabled: z.boolean().default(false).describe("Write slow queries. While off, the lines stand in the file, commented out."),
  longQueryTime: z.number().min(0).default(0).describe("Seconds from which a query counts as slow; 0 logs every query."),
  file: AbsolutePath.default("/var/log/mysql/mysql-slow.log").describe("File of the slow query log."),
});
export type SlowLog = z.infer<typeof SlowLog>;

/** World-readable, as all of the file is. */
const ClientOptions = z.record(
  z.string().regex(/^(?!pass)[a-z][a-z0-9_-]*$/, "expected an option name such as `default-character-set`, and no password"),
  z.union([Line, z.number(), z.boolean()]),
);

export const MysqlSettings = z.strictObject({
  preset: z.enum(mysqlPresetNames).default("default").describe("Named my.cnf to start from."),
  bindAddress: Line.regex(/^[0-9a-fA-F.:*]+$/)
    .optional()
    .describe("Address to listen on. Default: 127.0.0.1, and the server's private address where the team has other servers."),
  port: Port.default(3306).describe("TCP port."),
  slowLog: SlowLog.prefault({}).describe("The slow query log."),
  settings: z
    .record(SettingName, z.union([Line, z.number(), z.boolean(), z.null()]))
    .default({})
    .describe("Options of [mysqld] by name, over everything else. `null` leaves the server's own default."),
  client: ClientOptions.default({}).describe("Options of [client], which all clients read. `true` is the option alone."),
  mysqldump: ClientOptions.default({}).describe("Options of [mysqldump]: `{quick: true, max_allowed_packet: 64M}`."),
});
export type MysqlSettings = z.infer<typeof MysqlSettings>;

export interface MyCnfParams extends MysqlSettings {
  readonly server: MysqlServer;
  readonly machine: Machine;
}

export interface MyCnf {
  readonly text: string;
  /** The settings as they stand in the file. */
  readonly settings: Readonly<Record<string, string>>;
  /** What was translated or left out, a sentence each. */
  readonly notes: readonly string[];
  /** What can't be used: nothing may be written while there is one. */
  readonly problems: readonly Refusal[];
}

interface Layer {
  readonly path: string;
  readonly settings: Readonly<Record<string, Setting | null>>;
}

const layers = ({ server, machine, preset, bindAddress, port, slowLog, settings }: MyCnfParams): readonly Layer[] => [
  { path: "computed", settings: computedSettings(server, machine) },
  { path: `preset.${preset satisfies MysqlPreset}`, settings: mysqlPresets[preset] },
  { path: "port", settings: { port, ...(bindAddress !== undefined && { bind_address: bindAddress }) } },
  { path: "slowLog", settings: slowLog.enabled ? { slow_query_log: true, ...slowLogFile(slowLog) } : {} },
  { path: "settings", settings },
];

const slowLogFile = ({ file, longQueryTime }: SlowLog) => ({ slow_query_log_file: file, long_query_time: longQueryTime });

const readySlowLog = (slowLog: SlowLog): Part => assignments({ slow_query_log: "ON", ...slowLogFile(slowLog) }).map((line) => `# ${line}`);

/** What a setting is called in the file: its own name, and the one that it is translated to. */
const keysOf = (server: MysqlServer, name: string): readonly string[] => [
  canonical(name),
  ...Object.keys(translate(server, "", name, 1).set),
];

/** MySQL would take `log_bin = 0` for a file named 0. */
const line = ([name, value]: readonly [string, string]): Part => {
  if (name === "log_bin" && /^(0|OFF)$/i.test(value)) return "skip_log_bin";
  return assignments({ [name]: value });
};

const option = (name: string, value: string | number | boolean): Part => {
  if (typeof value === "boolean") return value ? name : `skip-${name}`;
  return assignments({ [name]: value });
};
const section = (name: string, options: z.infer<typeof ClientOptions>): Part => {
  const lines = Object.entries(options).map(([key, value]) => option(key, value));
  return lines.length > 0 ? ["", `[${name}]`, ...lines] : [];
};

/** Belong together: where a preset says one and the stack file the other, the other follows. */
const pair = ["character_set_server", "collation_server"] as const;

/** The files outside the data directory that the server writes its logs to: their folders must be there, and the server's own. */
export const logFiles = (settings: MyCnf["settings"]): readonly string[] =>
  ["slow_query_log_file", "general_log_file", "log_error"].flatMap((name) => (settings[name]?.startsWith("/") ? [settings[name]] : []));

/** The file, what had to change on the way, and what can't be: pure and deterministic. */
export function myCnf(params: MyCnfParams): MyCnf {
  const settings: Record<string, string> = {};
  const notes: string[] = [];
  const problems: Refusal[] = [];
  for (const { path, settings: layer } of layers(params)) {
    const said: Record<string, string> = {};
    for (const [name, value] of Object.entries(layer)) {
      if (value === null) {
        for (const key of keysOf(params.server, name)) delete settings[key];
        continue;
      }
      const { set, note, problem } = translate(params.server, `${path}.${name}`, name, value);
      Object.assign(said, set);
      if (note) notes.push(note);
      if (problem) problems.push(problem);
    }
    // Of the pair the later word counts: the earlier one was for another character set.
    if (pair.some((name) => name in said)) for (const name of pair) delete settings[name];
    Object.assign(settings, said);
  }
  const both = agreed(settings.character_set_server, settings.collation_server);
  if (typeof both === "string") problems.push({ path: "settings.collation_server", reason: both });
  else Object.assign(settings, both);
  const { product, version } = params.server;
  const shared = params.machine.shared ? " shared with other services" : "";
  const text = conf`
    # ${ownedBy("mysql", "templates/mysql/my-cnf.ts")}
    # For ${product} ${version}, preset ${params.preset}, ${params.machine.memoryMiB} MiB${shared}.
    [mysqld]
    ${Object.entries(settings).map(line)}
    ${settings.slow_query_log === undefined ? readySlowLog(params.slowLog) : []}
    ${section("client", params.client)}
    ${section("mysqldump", params.mysqldump)}
  `;
  return { text, settings, notes, problems };
}
