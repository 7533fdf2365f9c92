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

export const engineOf = (engine: Engine): EngineFacts => facts[engine];
