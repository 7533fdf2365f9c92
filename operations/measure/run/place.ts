// What there is to measure on a server, from what the survey printed: pure.

import { poolsIn } from "../samples/web-status.ts";
import { type NginxLogs, nginxLogs } from "./nginx-logs.ts";
import { type MysqlState, type Place, parts } from "./scripts.ts";

const between = (text: string, from: string, to: string): string => {
  const [, behind = ""] = text.split(`${from}\n`);
  return behind.split(`${to}\n`)[0] ?? "";
};

export interface Surveyed extends Place {
  /** What is not as it should be for measuring, a sentence each. */
  readonly remarks: readonly string[];
}

function mysqlIn(line: string): MysqlState | undefined {
  const [on, longQueryTime = "", file = "", output = "", dataFolder = "", sleeping] = line.split("\t");
  if (sleeping === undefined || !/^[01]$/.test(on ?? "") || !/^[\d.]+$/.test(longQueryTime)) return undefined;
  return { on: on === "1", longQueryTime, file, output, dataFolder, sleeping: Number(sleeping) };
}

/** Where nothing can be added, what nginx writes anyway is all there is. */
const nginxPlace = ({ confD, own, shared, silencedBy }: NginxLogs): NonNullable<Place["nginx"]> =>
  confD ? { add: true, own, silencedBy } : { add: false, own: [...own, ...shared], silencedBy: [] };

export function placeIn(text: string): Surveyed {
  const dump = between(text, parts.nginx, parts.mysql);
  const database = between(text, parts.mysql, parts.pools).trim();
  const { asked, silent } = poolsIn(between(text, parts.pools, parts.rest));
  const remarks: string[] = [];
  const logs = dump === "" ? undefined : nginxLogs(dump);
  if (logs && !logs.confD)
    remarks.push(
      "nginx includes no conf.d/*.conf in http: requests are read from its own access log alone; next: `include /etc/nginx/conf.d/*.conf;` there",
    );
  if (logs && logs.own.length > 0)
    remarks.push(`a server of nginx has an access log of its own (${logs.own.join(", ")}): it is read as it is, and stays on`);
  if (logs && logs.elsewhere.length > 0)
    remarks.push(
      `a server of nginx logs to ${logs.elsewhere.join(", ")}, which is not read: its requests are not seen; next: a file by its full path`,
    );
  if (logs?.silentLocations) remarks.push("a location of nginx says `access_log off;`: its requests are not seen");
  if (logs?.silentServers) remarks.push("a server of nginx says `access_log off;` itself: its requests are not seen");
  const mysql = database === "" ? undefined : mysqlIn(database.split("\n").at(-1) ?? "");
  if (database !== "" && !mysql)
    remarks.push(`MySQL can't be asked as root (${database.split("\n").at(-1)}): no slow queries; next: sudo mysql on that server`);
  if (silent.length > 0)
    remarks.push(
      `php-fpm's pool ${silent.join(", ")} says no pm.status_path: its workers are not sampled; next: pm.status_path = /fpm-status`,
    );
  return { remarks, ...(asked.length > 0 && { pools: asked }), ...(logs && { nginx: nginxPlace(logs) }), ...(mysql && { mysql }) };
}
