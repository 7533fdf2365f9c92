import fc from "fast-check";
import { expect, test } from "vitest";
import { mysqlLimitNofile } from "../../templates/mysql/limits.ts";
import { MysqlSettings, myCnf } from "../../templates/mysql/my-cnf.ts";
import { atLeast, type MysqlServer } from "../../templates/mysql/server.ts";
import { bufferPoolMiB, maxConnections } from "../../templates/mysql/sizes.ts";

const mariadb: MysqlServer = { product: "mariadb", version: "10.11" };
const mysql: MysqlServer = { product: "mysql", version: "8.0.36" };
const old: MysqlServer = { product: "mysql", version: "8.0.28" };
const newest: MysqlServer = { product: "mysql", version: "8.4" };
const machine = { memoryMiB: 1024, cores: 1, shared: true };
const render = (server: MysqlServer, params: object) => myCnf({ ...MysqlSettings.parse(params), server, machine });
const set = (server: MysqlServer, settings: object) => render(server, { settings });

test("versions compare by their numbers; a missing patch level is the newest", () => {
  expect([atLeast(mysql, "mysql", "8.0.30"), atLeast(old, "mysql", "8.0.30"), atLeast(newest, "mysql", "8.0.30")]).toEqual([
    true,
    false,
    true,
  ]);
  expect([
    atLeast({ product: "mysql", version: "8.0" }, "mysql", "8.0.30"),
    atLeast(mariadb, "mysql", "8.0"),
    atLeast(mariadb, "mariadb", "10.6"),
  ]).toEqual([true, false, true]);
});

test("serverfest on MariaDB 10.11: the write-up's values, what is gone is said", () => {
  const { settings, notes, problems } = render(mariadb, { preset: "serverfest" });
  expect(settings).toMatchObject({
    symbolic_links: "0",
    character_set_server: "utf8mb3",
    max_connections: "1000",
    key_buffer_size: "32M",
    max_allowed_packet: "16M",
    thread_stack: "192K",
    thread_cache_size: "200",
    query_cache_type: "0",
    innodb_doublewrite: "0",
    innodb_buffer_pool_size: "192M",
    innodb_log_buffer_size: "4M",
    innodb_flush_log_at_trx_commit: "0",
  });
  expect(settings).not.toHaveProperty("innodb_support_xa");
  expect(notes).toHaveLength(2);
  expect(problems).toEqual([]);
});

test("serverfest on MySQL 8: query cache, symbolic links and a stack too small are left out, each with its reason", () => {
  const { text, notes, problems } = render(mysql, { preset: "serverfest" });
  expect(text).not.toMatch(/query_cache|symbolic|thread_stack|support_xa/);
  expect(notes.filter((note) => /`(query_cache_type|symbolic-links|thread_stack|innodb_support_xa)` left out/.test(note))).toHaveLength(4);
  expect(problems).toEqual([]);
});

test("isucon: one preset, two products", () => {
  const expected = {
    bind_address: "0.0.0.0",
    innodb_flush_log_at_trx_commit: "0",
    innodb_flush_method: "O_DIRECT",
    innodb_doublewrite: "0",
    performance_schema: "OFF",
  };
  for (const server of [mariadb, mysql]) {
    const { text, settings, problems } = render(server, { preset: "isucon" });
    expect(settings).toMatchObject(expected);
    expect(text).toContain("\nskip_log_bin\n");
    expect(problems).toEqual([]);
  }
  expect(render(mysql, { preset: "isucon" }).settings.innodb_log_writer_threads).toBe("OFF");
  expect(render(mariadb, { preset: "isucon" }).settings).not.toHaveProperty("innodb_log_writer_threads");
});

test.each([
  [mysql, { innodb_log_file_size: "48M" }, { innodb_redo_log_capacity: "96M" }],
  [old, { innodb_log_file_size: "48M" }, { innodb_log_file_size: "48M" }],
  [mariadb, { innodb_redo_log_capacity: "1G" }, { innodb_log_file_size: "1G" }],
  [mysql, { expire_logs_days: 2 }, { binlog_expire_logs_seconds: "172800" }],
  [mysql, { collation_server: "utf8_general_ci" }, { collation_server: "utf8mb3_general_ci" }],
  [mysql, { collation_server: "utf8mb4_bin" }, { collation_server: "utf8mb4_bin" }],
  [mysql, { sql_mode: "NO_AUTO_CREATE_USER,STRICT_TRANS_TABLES" }, { sql_mode: "STRICT_TRANS_TABLES" }],
  [newest, { default_authentication_plugin: "caching_sha2_password" }, { authentication_policy: "caching_sha2_password" }],
  [mariadb, { "skip-innodb-adaptive-hash-index": true }, { innodb_adaptive_hash_index: "0" }],
  [mariadb, { "skip-locking": true }, { external_locking: "0" }],
  [mysql, { innodb_log_file_size: 1000000 }, { innodb_redo_log_capacity: "2000000" }],
  [mariadb, { "skip-name-resolve": true }, { skip_name_resolve: "ON" }],
  [mariadb, { table_cache: 400, key_buffer: "8M" }, { table_open_cache: "400", key_buffer_size: "8M" }],
])("%j: %j becomes %j", (server, settings, expected) => {
  const result = set(server, settings);
  expect(result.settings).toMatchObject(expected);
  expect(result.problems).toEqual([]);
});

test.each([
  [mysql, { query_cache_size: "64M" }, "settings.query_cache_size"],
  [mysql, { query_cache_type: 1 }, "settings.query_cache_type"],
  [mysql, { "symbolic-links": 1 }, "settings.symbolic-links"],
  [mysql, { aria_pagecache_buffer_size: "1M" }, "settings.aria_pagecache_buffer_size"],
  [mariadb, { mysqlx_port: 33060 }, "settings.mysqlx_port"],
  [mysql, { innodb_log_file_size: "big" }, "settings.innodb_log_file_size"],
])("%j: %j is refused before it lands", (server, settings, path) => {
  const { problems, text } = set(server, settings);
  expect(problems.map((problem) => problem.path)).toEqual([path]);
  expect(text).not.toContain(Object.values(settings)[0] === "big" ? "big" : `${Object.keys(settings)[0]!.replaceAll("-", "_")} =`);
});

test("the stack's settings win over preset and sizes, whatever way they are written; null takes a line out", () => {
  const { settings } = render(mariadb, {
    preset: "serverfest",
    settings: { "max-connections": 50, innodb_buffer_pool_size: null, "skip-innodb_doublewrite": null },
  });
  expect(settings.max_connections).toBe("50");
  expect(settings).not.toHaveProperty("innodb_buffer_pool_size");
  expect(settings).not.toHaveProperty("innodb_doublewrite");
  expect(set(mysql, { innodb_log_file_size: null }).settings).not.toHaveProperty("innodb_redo_log_capacity");
  expect(render(mysql, { preset: "isucon", settings: { log_bin: "binlog" } }).text).not.toContain("skip_log_bin");
});

test("the slow log stands ready, commented out, until it is switched on", () => {
  expect(render(mariadb, {}).text).toContain(
    "# slow_query_log = ON\n# slow_query_log_file = /var/log/mysql/mysql-slow.log\n# long_query_time = 0\n",
  );
  const on = render(mariadb, { slowLog: { enabled: true, longQueryTime: 0.5 } });
  expect(on.settings).toMatchObject({ slow_query_log: "ON", long_query_time: "0.5" });
  expect(on.text).not.toContain("# slow");
});

const machines = fc.record({
  memoryMiB: fc.integer({ min: 256, max: 1 << 20 }),
  cores: fc.integer({ min: 1, max: 128 }),
  shared: fc.boolean(),
});

test("sizes: whole chunks, never over the promised part, and less on a shared machine", () => {
  fc.assert(
    fc.property(machines, (size) => {
      const { pool, instances } = bufferPoolMiB(size);
      expect(pool).toBeLessThanOrEqual(size.memoryMiB * (size.shared ? 0.375 : 0.75));
      expect(pool >= 128 ? pool % (128 * instances) : pool % 16).toBe(0);
      expect(bufferPoolMiB({ ...size, shared: true }).pool).toBeLessThanOrEqual(bufferPoolMiB({ ...size, shared: false }).pool);
      expect(maxConnections(size, pool)).toBeGreaterThanOrEqual(151);
    }),
  );
  expect(bufferPoolMiB({ memoryMiB: 4096, cores: 2, shared: true }).pool).toBe(1024);
  expect(bufferPoolMiB({ memoryMiB: 8192, cores: 4, shared: false }).pool).toBe(6144);
});

test("LimitNOFILE covers what the server asks for at start", () => {
  // What MariaDB 10.11 asked for with the serverfest preset.
  expect(mysqlLimitNofile({ server: mariadb, maxConnections: 1000 })).toBeGreaterThanOrEqual(33033);
  expect(mysqlLimitNofile({ server: mysql, maxConnections: 16384 })).toBe(81920);
  expect(mysqlLimitNofile({ server: mysql, maxConnections: 151 })).toBe(32768);
});

test("clients have sections of their own, which the server's settings do not touch", () => {
  const { text, settings, problems } = render(mysql, {
    client: { "default-character-set": "utf8mb4" },
    mysqldump: { quick: true, "lock-tables": false, max_allowed_packet: "64M" },
  });
  expect(text).toMatch(
    /\n\n\[client\]\ndefault-character-set = utf8mb4\n\n\[mysqldump\]\nquick\nskip-lock-tables\nmax_allowed_packet = 64M\n$/,
  );
  expect(settings).not.toHaveProperty("quick");
  expect(problems).toEqual([]);
  expect(MysqlSettings.safeParse({ client: { password: "x" } }).success, "the file is world-readable").toBe(false);
});
