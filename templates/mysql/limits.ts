// The file descriptors that mysqld needs, and the drop-in that gives them: with fewer it lowers its caches and max_connections by itself.
import { dropIn } from "../app/unit.ts";
import type { MysqlServer } from "./server.ts";

export interface MysqlLimits {
  readonly server: MysqlServer;
  readonly maxConnections: number;
  /** @default the server's own: 2000 for MariaDB, 4000 for MySQL 8 */
  readonly tableOpenCache?: number;
  /** @default /var/lib/mysql */
  readonly dataDirectory?: string;
}

/** Beside connections and tables: log files, sockets, the server's own. MariaDB 10.11 asks for 33. */
const reserve = 64;
/** Of Debian's unit for MariaDB. */
const packaged = 32768;

/**
 * `LimitNOFILE`: what the server asks for at start. Two a cached table (MariaDB keeps eight caches and counts them all), one a connection;
 * for MySQL also 5 a connection.
 */
export function mysqlLimitNofile({ server: { product }, maxConnections, tableOpenCache }: MysqlLimits): number {
  const tables = product === "mariadb" ? 8 * (tableOpenCache ?? 2000) : (tableOpenCache ?? 4000);
  return Math.max(reserve + maxConnections + 2 * tables, product === "mysql" ? 5 * maxConnections : 0, packaged);
}

/**
 * `/etc/systemd/system/mariadb.service.d/zz-fleet.conf`. Where the data lies on a mount of its own (an instance store), the server waits for it,
 * and does not start without: nothing is written to the root disk in its place.
 */
export const mysqlDropIn = ({ dataDirectory = "/var/lib/mysql", ...limits }: MysqlLimits): string =>
  dropIn({
    role: "mysql",
    // It listens on the private address, which has to be there first; Debian's unit would not try again.
    unit: { RequiresMountsFor: dataDirectory, Wants: "network-online.target", After: "network-online.target" },
    service: { LimitNOFILE: mysqlLimitNofile(limits), Restart: "on-failure", RestartSec: 2 },
  });
