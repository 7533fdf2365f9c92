// What differs between the databases that RDS runs.

export const engines = ["mysql", "postgres"] as const;
export type Engine = (typeof engines)[number];

interface EngineFacts {
  readonly port: number;
  /** Taken where none is named. */
  readonly version: string;
  /** Of the parameter group: `postgres16`, `mysql8.4`. */
  familyOf(version: string): string;
  readonly settings: Readonly<Record<string, string>>;
  /** Logs that RDS hands to CloudWatch. */
  readonly logs: readonly string[];
}

const facts: Readonly<Record<Engine, EngineFacts>> = {
  mysql: {
    port: 3306,
    version: "8.4",
    familyOf: (version) => `mysql${version.split(".").slice(0, 2).join(".")}`,
    // All queries, as one does while measuring; turn it off for the last run.
    settings: { slow_query_log: "1", long_query_time: "0", log_output: "FILE" },
    logs: ["error", "slowquery"],
  },
  postgres: {
    port: 5432,
    version: "16",
    familyOf: (version) => `postgres${version.split(".")[0]}`,
    settings: { log_min_duration_statement: "0", "rds.force_ssl": "0" },
    logs: ["postgresql"],
  },
};

/**
 * Settings that take effect at once. RDS refuses that of others, which wait for a reboot; of those that are not named here it is not known,
 * and they wait too.
 */
const atOnce: Readonly<Record<Engine, ReadonlySet<string>>> = {
  mysql: new Set(
    (
      "slow_query_log long_query_time log_output log_queries_not_using_indexes max_connections max_allowed_packet wait_timeout " +
      "interactive_timeout tmp_table_size max_heap_table_size table_open_cache thread_cache_size sort_buffer_size join_buffer_size " +
      "read_buffer_size read_rnd_buffer_size innodb_buffer_pool_size innodb_flush_log_at_trx_commit innodb_io_capacity " +
      "innodb_io_capacity_max innodb_lock_wait_timeout sync_binlog general_log event_scheduler"
    ).split(" "),
  ),
  postgres: new Set(
    (
      "log_min_duration_statement log_statement work_mem maintenance_work_mem effective_cache_size random_page_cost seq_page_cost " +
      "synchronous_commit statement_timeout idle_in_transaction_session_timeout checkpoint_timeout checkpoint_completion_target " +
      "max_wal_size min_wal_size autovacuum autovacuum_naptime default_statistics_target effective_io_concurrency jit rds.force_ssl"
    ).split(" "),
  ),
};

export const applyOf = (engine: Engine, setting: string): "immediate" | "pending-reboot" =>
  atOnce[engine].has(setting) ? "immediate" : "pending-reboot";

export const engineOf = (engine: Engine): EngineFacts => facts[engine];
