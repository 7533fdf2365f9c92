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
