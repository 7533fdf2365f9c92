// Which database server a my.cnf is for: names of options differ by product and version.

export interface MysqlServer {
  readonly product: "mariadb" | "mysql";
  /** `10.11`, `8.0.36`, `8.4.3`: a missing patch level counts as the newest of its series. */
  readonly version: string;
}

const numbers = (version: string): readonly number[] => version.split(".").map((part) => Number.parseInt(part, 10));

/** Whether the server is this product, in this version or a newer one. */
export function atLeast({ product, version }: MysqlServer, wanted: MysqlServer["product"], since: string): boolean {
  if (product !== wanted) return false;
  const [have, want] = [numbers(version), numbers(since)];
  for (const [index, part] of want.entries()) {
    const own = have[index] ?? Number.POSITIVE_INFINITY;
    if (own !== part) return own > part;
  }
  return true;
}

/** Where the file goes to be read after the distribution's own: the last value read wins. */
export const myCnfPath = ({ product }: MysqlServer): string =>
  product === "mariadb" ? "/etc/mysql/mariadb.conf.d/zz-fleet.cnf" : "/etc/mysql/mysql.conf.d/zz-fleet.cnf";

export const unitName = ({ product }: MysqlServer): string => (product === "mariadb" ? "mariadb.service" : "mysql.service");
