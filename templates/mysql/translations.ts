// Options of old my.cnf files, and what became of them; the first matching row wins. A MariaDB row holds for 10.11, which was asked for
// its options; a MySQL row goes by the release notes of 8.0 and 8.4.
import { atLeast, type MysqlServer } from "./server.ts";

/** `value` is the setting as text: `ON`, `16M`, `utf8`. */
export type Fate =
  | { readonly set: Readonly<Record<string, string>>; readonly because: string }
  | { readonly drop: string }
  | { readonly refuse: string };

export interface Translation {
  /** Names with underscores. */
  readonly names: readonly string[];
  readonly on: (server: MysqlServer) => boolean;
  readonly fate: (value: string, name: string) => Fate | undefined;
}

const mysql = (since: string) => (server: MysqlServer) => atLeast(server, "mysql", since);
const mariadb = (since: string) => (server: MysqlServer) => atLeast(server, "mariadb", since);
const either = () => true;
const isOff = (value: string): boolean => /^(0|off|false|no|none)$/i.test(value);
const drop = (reason: string) => (): Fate => ({ drop: reason });
const rename =
  (name: string, because: string) =>
  (value: string): Fate => ({ set: { [name]: value }, because });

/** Bytes of `48M`; `undefined` where it is no size. */
export function bytes(size: string): number | undefined {
  const match = /^(\d+)([KMGT]?)$/i.exec(size);
  const power = ["", "K", "M", "G", "T"].indexOf(match?.[2]?.toUpperCase() ?? "");
  return match ? Number(match[1]) * 1024 ** power : undefined;
}

const utf8 = (value: string, name: string): Fate | undefined =>
  /^utf8(_|$)/.test(value)
    ? {
        set: { [name]: value.replace("utf8", "utf8mb3") },
        because: "`utf8` is called `utf8mb3` today; `utf8mb4` would hold every character",
      }
    : undefined;

const redoLog = (value: string): Fate => {
  const size = bytes(value);
  if (size === undefined) return { refuse: `expected a size such as \`128M\`, got \`${value}\`` };
  const whole = size * 2;
  return {
    set: { innodb_redo_log_capacity: whole % 1024 ** 2 === 0 ? `${whole / 1024 ** 2}M` : String(whole) },
    because: "MySQL 8.0.30 sizes the redo log as a whole, and two files made it",
  };
};

const offOnly =
  (reason: string) =>
  (value: string): Fate =>
    isOff(value) ? { drop: reason } : { refuse: reason };
const withoutAutoCreate = (value: string, name: string): Fate | undefined => {
  const modes = value.split(",").map((mode) => mode.trim());
  const kept = modes.filter((mode) => mode.toUpperCase() !== "NO_AUTO_CREATE_USER");
  return kept.length === modes.length
    ? undefined
    : { set: { [name]: kept.join(",") }, because: "`NO_AUTO_CREATE_USER` is always so since MySQL 8.0" };
};
const queryCache = [
  "query_cache_type",
  "query_cache_size",
  "query_cache_limit",
  "query_cache_min_res_unit",
  "query_cache_wlock_invalidate",
];
const uselessSince57 = ["innodb_file_format", "innodb_file_format_max", "innodb_file_format_check", "innodb_large_prefix"];
const uselessSince56 = ["innodb_additional_mem_pool_size", "innodb_use_sys_malloc", "thread_concurrency", "safe_show_database"];

export const translations: readonly Translation[] = [
  {
    names: ["innodb_support_xa"],
    on: either,
    fate: (value) => (isOff(value) ? { drop: "two-phase commit can't be switched off any more" } : { drop: "always on" }),
  },
  {
    names: queryCache,
    on: mysql("8.0"),
    fate: (value, name) =>
      name === "query_cache_type" || name === "query_cache_size"
        ? offOnly("MySQL 8.0 has no query cache; cache in the application")(value)
        : { drop: "MySQL 8.0 has no query cache" },
  },
  { names: ["symbolic_links"], on: mysql("8.0"), fate: offOnly("symbolic links of tables are off and deprecated in MySQL 8.0") },
  {
    names: ["thread_stack"],
    on: mysql("8.0.27"),
    fate: (value) =>
      (bytes(value) ?? 0) < 1024 ** 2 ? { drop: `\`${value}\` overruns in MySQL 8.0.27 and newer: its own 1 MiB stays` } : undefined,
  },
  {
    names: ["character_set_server", "collation_server"],
    on: either,
    fate: utf8,
  },
  {
    names: ["default_character_set"],
    on: either,
    fate: (value) => utf8(value, "character_set_server") ?? rename("character_set_server", "renamed in MySQL 5.5")(value),
  },
  { names: ["innodb_log_file_size"], on: mysql("8.0.30"), fate: redoLog },
  { names: ["innodb_log_files_in_group"], on: mysql("8.0.30"), fate: drop("`innodb_redo_log_capacity` sizes the redo log as a whole") },
  { names: ["innodb_log_files_in_group"], on: mariadb("10.5"), fate: drop("MariaDB has one redo log file since 10.5") },
  {
    names: ["innodb_redo_log_capacity"],
    on: mariadb("10.0"),
    fate: rename("innodb_log_file_size", "so MariaDB calls the size of its one redo log file"),
  },
  {
    names: ["innodb_buffer_pool_instances", "innodb_page_cleaners"],
    on: mariadb("10.5"),
    fate: drop("MariaDB has one buffer pool since 10.5"),
  },
  {
    names: ["innodb_log_writer_threads", "innodb_dedicated_server"],
    on: mariadb("10.0"),
    fate: drop("an option of MySQL 8.0 that MariaDB does without"),
  },
  {
    names: ["innodb_thread_concurrency", "innodb_commit_concurrency", "innodb_concurrency_tickets", "innodb_undo_logs", "innodb_checksums"],
    on: mariadb("10.6"),
    fate: drop("removed in MariaDB 10.6"),
  },
  { names: uselessSince57, on: either, fate: drop("the Barracuda format with large prefixes is the only one today") },
  { names: uselessSince56, on: either, fate: drop("without effect since MySQL 5.6, and gone") },
  { names: ["innodb_locks_unsafe_for_binlog"], on: either, fate: offOnly("removed; set `transaction_isolation` to `READ-COMMITTED`") },
  { names: ["innodb_stats_sample_pages"], on: either, fate: rename("innodb_stats_transient_sample_pages", "renamed in MySQL 5.6") },
  { names: ["key_buffer"], on: either, fate: rename("key_buffer_size", "renamed") },
  { names: ["table_cache"], on: either, fate: rename("table_open_cache", "renamed in MySQL 5.1") },
  { names: ["myisam_recover"], on: either, fate: rename("myisam_recover_options", "renamed in MySQL 5.5") },
  { names: ["skip_locking"], on: either, fate: () => ({ set: { external_locking: "0" }, because: "renamed" }) },
  { names: ["tx_isolation"], on: either, fate: rename("transaction_isolation", "renamed in MySQL 8.0; MariaDB takes the name too") },
  {
    names: ["log_slow_queries"],
    on: either,
    fate: (value) => ({
      set: { slow_query_log: "ON", ...(value.startsWith("/") && { slow_query_log_file: value }) },
      because: "renamed in MySQL 5.6",
    }),
  },
  { names: ["sql_mode"], on: mysql("8.0"), fate: withoutAutoCreate },
  { names: ["secure_auth", "old_passwords", "sync_frm"], on: mysql("8.0"), fate: drop("removed in MySQL 8.0 with what it was for") },
  {
    names: ["log_warnings"],
    on: mysql("8.0"),
    fate: (value) => ({ set: { log_error_verbosity: isOff(value) ? "1" : value === "1" ? "2" : "3" }, because: "replaced in MySQL 8.0" }),
  },
  {
    names: ["expire_logs_days"],
    on: mysql("8.0"),
    fate: (value) => ({
      set: { binlog_expire_logs_seconds: String(Number(value) * 86400) },
      because: "replaced in MySQL 8.0, removed in 8.4",
    }),
  },
  { names: ["default_authentication_plugin"], on: mysql("8.4"), fate: rename("authentication_policy", "replaced in MySQL 8.4") },
  { names: ["master_info_repository", "relay_log_info_repository"], on: mysql("8.4"), fate: drop("always in tables since MySQL 8.4") },
];
