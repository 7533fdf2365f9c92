// Access logs and slow logs as servers write them, the same each time for the same seed: what alp and pt-query-digest are asked about, too.

export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const two = (value: number): string => String(value).padStart(2, "0");
const pick = <T>(random: () => number, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
const upTo = (random: () => number, limit: number): number => Math.floor(random() * limit);

const uris = (random: () => number, index: number): string =>
  pick(random, [
    () => `/api/users/${1 + upTo(random, 5000)}`,
    () => "/api/users/me",
    () =>
      `/icons/${upTo(random, 2 ** 45)
        .toString(16)
        .padStart(16, "0")}.png`,
    () => "/",
    () => "/initialize",
    () =>
      `/api/rides/01H${upTo(random, 2 ** 45)
        .toString(32)
        .toUpperCase()
        .padStart(23, "0")
        .replace(/[ILOU]/g, "Z")}/status?x=${index}`,
    () => `/@user${upTo(random, 300)}`,
    () => `/posts/name${pick(random, [..."abcdefghij"])}${pick(random, [..."klmnopqrstuv"])}/comments`,
  ])();

export type MadeFormat = "ltsv" | "json" | "combined";

/** 200 requests a second. A few lines of LTSV have no time of the application, as answers from files have none. */
export function accessLog(format: MadeFormat, count: number, seed = 42): string {
  const random = chance(seed);
  return Array.from({ length: count }, (_, index) => {
    const method = pick(random, ["GET", "GET", "GET", "POST", "DELETE"]);
    const uri = uris(random, index);
    const status = pick(random, [200, 200, 200, 304, 404, 500, 302]);
    const size = upTo(random, 50_000) + 1;
    const time = (Math.floor(1 + random() * random() * 3000) / 1000).toFixed(3);
    const second = Math.floor(index / 200);
    const clock = `10:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
    const iso = `2026-12-01T${clock}+09:00`;
    if (format === "json")
      return JSON.stringify({
        time: iso,
        host: "192.0.2.1",
        method,
        uri,
        status: `${status}`,
        body_bytes: `${size}`,
        request_time: time,
        response_time: time,
      });
    if (format === "combined")
      return `192.0.2.1 - - [01/Dec/2026:${clock} +0900] "${method} ${uri} HTTP/1.1" ${status} ${size} "-" "bench" ${time}`;
    const fields = {
      time: iso,
      host: "192.0.2.1",
      req: `${method} ${uri} HTTP/1.1`,
      method,
      uri,
      status,
      size,
      ua: "bench",
      reqtime: time,
      apptime: random() < 0.2 ? "-" : time,
    };
    return Object.entries(fields)
      .map(([label, value]) => `${label}:${value}`)
      .join("\t");
  })
    .map((line) => `${line}\n`)
    .join("");
}

const queries = (random: () => number): string =>
  pick(random, [
    () => `SELECT * FROM users WHERE id = ${upTo(random, 9999)}`,
    () =>
      `select * from \`t_${upTo(random, 3)}\` where name='al\\'ice ${random()}' and x IN (1,2,${upTo(random, 9)}) order by id asc, name ASC limit 10`,
    () => `INSERT INTO note (a,b) VALUES (${upTo(random, 9)},'x'),(2,'y') ON DUPLICATE KEY UPDATE b=VALUES(b)`,
    () => `UPDATE u SET a = NULL, b=true, c = -${random()}, d=x'00ff' WHERE id=${upTo(random, 99)} /* c1 */`,
    () => `SELECT a -- comment ${random()}\nFROM t\n\tWHERE b > "q${random()}"  `,
    () => "SELECT 1 FROM a WHERE x=1 UNION ALL SELECT 1 FROM a WHERE x=2 UNION ALL SELECT 1 FROM a WHERE x=3",
    () => `CALL foo_bar(${upTo(random, 9)}, 'x')`,
    () => "COMMIT",
    () => `SELECT * FROM a WHERE created > '2026-01-01 00:00:00' LIMIT 20 OFFSET ${upTo(random, 99)}`,
    () => `SELECT count(*) FROM \`rides\` r JOIN chairs2 c ON r.chair_id=c.id WHERE r.id='01H${upTo(random, 1e9)}' LIMIT 5, 10`,
    () => "INSERT INTO tab1 VALUES (1)",
    () => "SELECT lat+1, lon - 5.5e3 FROM loc WHERE hash = 0xAB12 AND d3adbeef = 'x'",
    () => "SELECT /*+ hint */ /*!40000 x */ a FROM b WHERE c IN ('a','b')",
    () => "DELETE FROM s WHERE a=false",
    () => "SELECT * FROM x WHERE email = 'a@b#c--d' AND y = 'it''s'",
  ])();

const heads = {
  mariadb:
    "/usr/sbin/mariadbd, Version: 10.11.6-MariaDB-0+deb12u1 (Debian 12). started with:\nTcp port: 0  Unix socket: /run/mysqld/mysqld.sock\nTime\t\t    Id Command\tArgument\n",
  mysql:
    "/usr/sbin/mysqld, Version: 8.0.39-0ubuntu0.24.04.2 ((Ubuntu)). started with:\nTcp port: 3306  Unix socket: /var/run/mysqld/mysqld.sock\nTime                 Id Command    Argument\n",
} as const;

/** As each of the two writes it: where the time stands, the connection, the database, and statements of the protocol. */
export function slowLog(kind: keyof typeof heads, count: number, seed = 7): string {
  const random = chance(seed);
  const parts: string[] = [heads[kind]];
  const entry = (index: number, text: string, [seconds, lock, sent, examined]: readonly [string, string, number, number]) => {
    const second = two(index % 60);
    if (kind === "mysql")
      parts.push(
        `# Time: 2026-12-01T00:30:${second}.123456Z\n# User@Host: isucon[isucon] @ localhost [127.0.0.1]  Id:    ${index % 50}\n`,
        `# Query_time: ${seconds}  Lock_time: ${lock} Rows_sent: ${sent}  Rows_examined: ${examined}\n`,
        `${index % 5 === 0 ? "use isuride;\n" : ""}SET timestamp=1670000000;\n${text};\n`,
      );
    else
      parts.push(
        index % 7 === 0 ? `# Time: 261201  9:30:${second}\n` : "",
        `# User@Host: isucon[isucon] @ localhost [127.0.0.1]\n# Thread_id: ${index % 50}  Schema: isupipe  QC_hit: No\n`,
        `# Query_time: ${seconds}  Lock_time: ${lock}  Rows_sent: ${sent}  Rows_examined: ${examined}\n# Rows_affected: 0  Bytes_sent: 344\n`,
        `SET timestamp=1670000000;\n${text};\n`,
      );
  };
  for (let index = 0; index < count; index++) {
    const figures = [(random() * random() * 0.3).toFixed(6), (random() / 1e4).toFixed(6), index % 13, index % 1300] as const;
    entry(index, queries(random), figures);
    if (index % 40 === 0) entry(index, "# administrator command: Prepare", ["0.000010", "0.000000", 0, 0]);
  }
  return parts.join("");
}

/** What applications ask that is not like the rest, and pt-query-digest 3.2.1 can read. */
const oddStatements = [
  "SELECT 'a\\\\' , b FROM t",
  'SELECT * FROM t WHERE a = \'it\'\'s\' AND b = "say ""hi"""',
  "SELECT * FROM t WHERE (a,b) IN ((1,2),(3,4)) AND c NOT IN (5)",
  "SELECT * FROM t WHERE a <=> NULL AND b IS NOT NULL AND nullable = TRUE",
  "insert ignore into t(a) values(1),(2)",
  "UPDATE t SET a = a+1, b = -1.5e10, c = .5, f = b'01', g = x'AF' WHERE id = -1",
  "SELECT a\n# a comment\nFROM t -- another; one\nWHERE c = '1;\n2'\n\n",
  "SELECT ';\nx' FROM t",
  "SELECT a\r\nFROM t\r\nWHERE b = 1",
  "SELECT 'unclosed",
  "SELECT /* unclosed",
  "CALL db.proc ( 1 )",
  "PREPARE s FROM 'select * from note where id = ?'",
  "EXECUTE s USING @a",
  "SELECT * FROM `名前` WHERE Ünï = '日本' AND à = 1 ORDER BY É ASC",
  "SELECT doc->>'$.a' FROM t WHERE ip = '::1' LIMIT 10 OFFSET 20",
  "INSERT INTO blob_t VALUES (_binary '\0\x01;\x1a', 5)",
  `SELECT * FROM t WHERE id IN (${Array.from({ length: 30_000 }, (_, index) => index).join(",")}) AND z=1`,
  "COMMIT",
] as const;

/** With heads as they are seldom: IPv6, a user with a bracket, MySQL's extra figures, MariaDB's explain, a server that started again in between. Bytes. */
export function oddSlowLog(): Buffer {
  const hosts = ["localhost [127.0.0.1]", " [::1]", "ip6-host [2001:db8::1]  Id: 5", "web-1.example []"];
  const more = ["", " Thread_id: 12 Errno: 0 Killed: 0 Start: 2026-12-01T00:30:01.123Z End: 2026-12-01T00:30:01.124Z"];
  const explained = "# Full_scan: Yes  Filesort: No\n#\n# explain: 1\tSIMPLE\tnote\tALL\tNULL\tNULL\n#\n";
  const parts = oddStatements.map((text, index) => {
    const [seconds, set] = [
      index === 3 ? "99999.999999" : `0.${100 + index}`,
      index % 4 === 1 ? "SET insert_id=7,timestamp=1;" : "SET timestamp=1;",
    ];
    return `${index === 8 ? heads.mysql : ""}# User@Host: ${index === 5 ? "a[b][c]" : "isucon[isucon]"} @ ${hosts[index % 4]}
# Query_time: ${seconds}  Lock_time: 0.000100 Rows_sent: ${index}  Rows_examined: ${index * 1_000_000_007}${more[index % 2]}
${index % 3 === 0 ? explained : ""}${set}\n${text};\n`;
  });
  const raw = Buffer.from(
    "# User@Host: a[a] @ b []\n# Query_time: 0.5  Lock_time: 0 Rows_sent: 1  Rows_examined: 2\nSET timestamp=1;\nSELECT '\xff\x5c\x80', caf\xe9, \xc0\xa0 FROM Shift_\x93JIS;\n",
    "latin1",
  );
  return Buffer.concat([Buffer.from(`${heads.mysql}${parts.join("")}`, "utf8"), raw]);
}

/** What logs hold that is not like the rest, and alp counts as well. */
export const oddAccessLog = (): string =>
  [
    { uri: "/a?x=1&y=/b/5" },
    { uri: "/a%20b", method: "PROPFIND" },
    { uri: "/x;y=1/a:b", host: "[::1]" },
    { uri: "*", method: "OPTIONS", status: "000" },
    { uri: "//x/y", status: "499" },
    { uri: "/a", apptime: "0.1, 0.2" },
    { uri: "/a", apptime: "-, 0.2" },
    { uri: "/a", apptime: "99999.999" },
    { uri: "/a", apptime: "1e-3", size: "1e3" },
    { uri: "/a", apptime: "", ua: "a \\x22b\\x22: c" },
    { uri: "/\xe6\x97\xa5", status: "-" },
    { uri: "" },
  ]
    .map((each) => ({
      time: "2026-12-01T10:00:00+09:00",
      method: "GET",
      status: "200",
      size: "12",
      reqtime: "0.5",
      apptime: "0.25",
      ...each,
    }))
    .map(
      (fields) =>
        `${Object.entries(fields)
          .map(([label, value]) => `${label}:${value}`)
          .join("\t")}\n`,
    )
    .join("");
