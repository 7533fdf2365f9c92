// The my.cnf of two write-ups, as their authors gave them. What a server no longer knows is translated later (translate.ts).

export const mysqlPresetNames = ["default", "serverfest", "isucon"] as const;
export type MysqlPreset = (typeof mysqlPresetNames)[number];
export type Setting = string | number | boolean;

/** Serverfest 2013 (ijin): `[mysqld]` of the team that made WordPress fastest. Its slow log stood ready, commented out. */
const serverfest: Readonly<Record<string, Setting>> = {
  "symbolic-links": 0,
  "character-set-server": "utf8",
  max_connections: 1000,
  key_buffer_size: "32M",
  max_allowed_packet: "16M",
  thread_stack: "192K",
  thread_cache_size: 200,
  query_cache_type: 0,
  "skip-innodb_doublewrite": true,
  innodb_buffer_pool_size: "192M",
  innodb_log_buffer_size: "4M",
  innodb_flush_log_at_trx_commit: 0,
  innodb_support_xa: 0,
};

/**
 * ISUCON13 (narusejun's MySQL 8), and `performance_schema` off (saves about 200 MB). Without double write and with the log flushed once
 * a second, a power cut loses a second of writes and can tear a page; an orderly reboot loses nothing.
 */
const isucon: Readonly<Record<string, Setting>> = {
  "bind-address": "0.0.0.0",
  innodb_flush_log_at_trx_commit: 0,
  innodb_flush_method: "O_DIRECT",
  "disable-log-bin": true,
  innodb_doublewrite: 0,
  innodb_log_writer_threads: false,
  performance_schema: false,
};

export const mysqlPresets: Readonly<Record<MysqlPreset, Readonly<Record<string, Setting>>>> = { default: {}, serverfest, isucon };
