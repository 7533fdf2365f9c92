// The database: MariaDB from Debian, MySQL where the distribution has it. Sizes from the memory, users for the team's servers alone.

import { dirname } from "node:path";
import { z } from "zod";
import { counted } from "../../../spec/counted.ts";
import { UserError } from "../../../spec/problem.ts";
import { AbsolutePath, Address, Identifier, SecretText } from "../../../spec/scalars.ts";
import { escapes } from "../../../templates/escape.ts";
import { mysqlDropIn } from "../../../templates/mysql/limits.ts";
import { logFiles, type MyCnf, MysqlSettings, myCnf } from "../../../templates/mysql/my-cnf.ts";
import { type MysqlServer, myCnfPath, unitName } from "../../../templates/mysql/server.ts";
import type { Facts } from "../../engine/facts.ts";
import { derived } from "../../engine/placeholders.ts";
import { rootLogin } from "../../resources/mysql.ts";
import { Privileges } from "../../resources/mysql-grant.ts";
import { MysqlNetwork } from "../../resources/mysql-user.ts";
import { type Declared, want } from "../../resources/want.ts";
import { machineOf } from "../machine.ts";
import { defineRole, type RoleContext, reachedAt } from "../role.ts";
import { mysqlMove } from "./move.ts";
import { redoLogCheck } from "./redo-log.ts";

const Database = z.strictObject({
  charset: Identifier.default("utf8mb4").describe("character set"),
  collation: Identifier.optional().describe("collation; without it, the character set's own"),
  dump: AbsolutePath.optional().describe("SQL file on the server, plain or .gz, loaded where the database is not there yet"),
});
const User = z.strictObject({
  password: SecretText.optional().describe("without it, one derived from the team's key, which other roles can name too"),
  hosts: z
    .array(z.union([Address, MysqlNetwork, z.literal("%"), z.literal("localhost")]))
    .optional()
    .describe("hosts and networks (`192.168.0.%`) that it may come from; without it, the team's servers"),
  grants: z
    .record(z.union([Identifier, z.literal("*")]), Privileges)
    .default({})
    .describe("privileges by database: `{isuconp: [ALL]}`, with `GRANT OPTION` to hand them on"),
});

const Params = MysqlSettings.extend({
  databases: z.record(Identifier, Database).default({}).describe("databases by name"),
  rootPassword: SecretText.optional().describe("password that the server's own root has, where it has one: what the fleet logs in with"),
  users: z.record(Identifier, User).default({}).describe("users by name"),
});
type Params = z.infer<typeof Params>;
type Context = RoleContext<Params>;

const servers: Readonly<Record<string, MysqlServer>> = {
  "debian 12": { product: "mariadb", version: "10.11" },
  "debian 13": { product: "mariadb", version: "11.8" },
  "ubuntu 22.04": { product: "mysql", version: "8.0" },
  "ubuntu 24.04": { product: "mysql", version: "8.0" },
};

export const mysql = defineRole<Params>({
  name: "mysql",
  summary: "MariaDB or MySQL, sized from the memory, with databases and users",
  params: Params,
  packageManagers: ["apt"],
  territory: [
    { name: "mysql", paths: ["/etc/mysql"], unit: unitBy, hears: "restart", validate: validatorBy, live: "mysql", liveFiles: /\.cnf$/ },
  ],
  services: ({ port }) => [{ unit: unitBy, ports: { port } }],
  provides: ({ port }) => ({ mysql: { protocol: "mysql", port } }),
  memory: "share",
  move: mysqlMove,
  resources(context) {
    const { params } = context;
    const server = serverOf(context.facts);
    const unit = unitName(server);
    const { text, settings, ...needs } = configuration(context, server);
    const file = want.file({ path: myCnfPath(server), content: text });
    const limits = want.unit({ name: unit, dropIn: "zz-fleet.conf", content: mysqlDropIn({ server, ...needs }) });
    const checks = [validator(server), redoLogCheck(settings, server.product === "mysql" ? 2 : 1)].filter((each) => each !== undefined);
    const service = want.service({ unit, restartOn: [file.address, limits.address], validate: checks.join("\n") });
    return [
      want.package({ name: server.product === "mariadb" ? "mariadb-server" : "mysql-server" }),
      ...rootFile(params),
      ...logFolders(settings),
      file,
      limits,
      service,
      ...Object.entries(params.databases).map(([name, database]) => want.mysqlDatabase({ name, ...database })),
      ...Object.entries(params.users).flatMap(([name, user]) => accounts(name, user, context)),
      want.check({ name: "mysql", port: { port: params.port, program: ["mariadbd", "mysqld"], ...reachedAt(context, params.port) } }),
      ...slowLogCheck(settings, unit),
      want.live({ of: "mysql", file: myCnfPath(server), after: [service.address] }),
      want.live({ of: "systemd", file: `/etc/systemd/system/${unit}.d/zz-fleet.conf`, after: [service.address] }),
    ];
  },
});

/**
 * MariaDB takes a value that it can't read for another one, with a warning alone: that is refused too. Of the rest only its exit code counts, so
 * that what somebody else has set stands in nobody's way.
 */
const validator = ({ product }: MysqlServer): string =>
  product === "mysql"
    ? "mysqld --validate-config > /dev/null"
    : `said=$(mariadbd --help --verbose 2>&1 > /dev/null) || { printf '%s\\n' "$said"; exit 1; }
! printf '%s\\n' "$said" | grep -e "wasn't recognized"`;

const known = ({ distribution, version }: Facts): MysqlServer | undefined => servers[`${distribution} ${version}`];

function unitBy(facts: Facts): string | undefined {
  const server = known(facts);
  return server && unitName(server);
}

function validatorBy(facts: Facts): string | undefined {
  const server = known(facts);
  return server && validator(server);
}

function serverOf({ distribution, version }: Facts): MysqlServer {
  const found = servers[`${distribution} ${version}`];
  if (!found) throw new UserError(`mysql: expected one of ${Object.keys(servers).join(", ")}, got ${distribution} ${version}`);
  return found;
}

/**
 * A server that others are to reach listens to them; alone, to itself. Only where its private address is none of its own (it is translated on
 * the way) it must listen to everybody.
 */
function listenOn({ self, team, facts }: Context): string {
  if (team.servers.length < 2 || self.pooled) return "127.0.0.1";
  const own = facts.addresses?.includes(self.privateAddress) ?? true;
  return own ? `127.0.0.1,${self.privateAddress}` : "0.0.0.0";
}

/** Throws a UserError with everything that this server would not take. */
function configuration(
  context: Context,
  server: MysqlServer,
): { readonly text: string; readonly settings: MyCnf["settings"]; readonly maxConnections: number; readonly dataDirectory?: string } {
  const { databases: _, users: __, rootPassword: ___, ...settings } = context.params;
  const bindAddress = settings.bindAddress ?? listenOn(context);
  const { text, settings: set, problems } = myCnf({ ...settings, bindAddress, server, machine: machineOf(context) });
  if (problems.length > 0) {
    throw new UserError(
      `${context.self.name}: mysql: ${counted(problems.length, "problem")}`,
      problems.map(({ path, reason }) => ({ at: context.self.name, path: `params.mysql.${path}`, reason })),
    );
  }
  const data = set.datadir === undefined ? {} : { dataDirectory: String(set.datadir) };
  return { text, settings: set, maxConnections: Number(set.max_connections ?? 151), ...data };
}

/** Of two quoted strings, the option file's follows the same rules as redis.conf's. */
const rootFile = ({ rootPassword }: Params): Declared[] =>
  rootPassword === undefined
    ? []
    : [
        want.file({
          ...{ path: rootLogin, mode: "0600", sensitive: true },
          content: `# Managed by fleet (role mysql).\n[client]\nuser = root\npassword = "${escapes.redis(rootPassword)}"\n`,
        }),
      ];

/** Debian's package makes no /var/log/mysql. A folder that is there, somebody else's perhaps, keeps its owner and mode. */
const logFolders = (settings: MyCnf["settings"]): Declared[] =>
  [...new Set(logFiles(settings).map(dirname))].map((path) =>
    want.directory({ path, mode: "2750", owner: "mysql", group: "adm", keep: true }),
  );

/** A log that it can't write the server switches off by itself, and goes on saying `ON`: it logs where it holds the file open. */
function slowLogCheck({ slow_query_log: on = "OFF", slow_query_log_file: file }: MyCnf["settings"], unit: string): Declared[] {
  if (!/^(1|on|true|yes)$/i.test(on) || !file?.startsWith("/")) return [];
  // A file of the team's may say otherwise: the last word of all files counts.
  const open = `said() { my_print_defaults mysqld server mariadb mariadbd 2> /dev/null | sed -n "s/^--\\(loose[_-]\\)*$1=//p" | tail -n 1; }
case $(said 'slow[_-]query[_-]log') in 0 | [Oo][Ff][Ff] | [Ff]alse | [Nn]o) exit 0 ;; esac
file=$(said 'slow[_-]query[_-]log[_-]file')
file=\${file:-${file}}
for each in /proc/$(systemctl show -p MainPID --value ${unit})/fd/*; do
  if [ "$(readlink -- "$each")" = "$file" ]; then exit 0; fi
done
echo "the server does not write $file: is its folder there, and may mysql write in it?"
exit 1`;
  return [want.check({ name: "mysql-slow-log", command: open })];
}

/** The derived password of a database user: what the application's role puts into its own configuration. */
export const mysqlPassword = (user: string): string => derived(`mysql/${user}`);

function accounts(name: string, { password, hosts, grants }: z.infer<typeof User>, { team }: Context): Declared[] {
  const from = hosts ?? ["localhost", ...team.servers.map(({ privateAddress }) => privateAddress)];
  return from.flatMap((host) => [
    want.mysqlUser({ name, host, password: password ?? mysqlPassword(name) }),
    ...Object.entries(grants).map(([database, privileges]) => want.mysqlGrant({ user: name, host, database, privileges })),
  ]);
}
