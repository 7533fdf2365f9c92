// WordPress from Debian's archive: a real application that nobody of the team wrote, to practise on.
import { z } from "zod";
import { UserError } from "../../../spec/problem.ts";
import { Address, Identifier, Line, Port, SecretText, ServerRef, UserName } from "../../../spec/scalars.ts";
import { sitePhp, sitePhpPath } from "../../../templates/wordpress/site-php.ts";
import { type WordpressKeys, wordpressKeys, wpConfig } from "../../../templates/wordpress/wp-config.ts";
import { derived } from "../../engine/placeholders.ts";
import { want } from "../../resources/want.ts";
import { mysqlPassword } from "../mysql/role.ts";
import { defineRole, endpointOf, type RoleContext } from "../role.ts";

const Params = z.strictObject({
  database: z
    .strictObject({
      server: ServerRef.optional().describe("server of the team that carries it; without it, the one with the role mysql"),
      port: Port.optional().describe("port of the database server; without it, the one that the role mysql has there"),
      name: Identifier.default("wordpress").describe("name of the database"),
      user: Identifier.default("wordpress").describe("user of the database"),
      password: SecretText.optional().describe("without it, the one that the role mysql derives"),
    })
    .prefault({})
    .describe("its database"),
  title: Line.min(1).default("Practice").describe("title of the site"),
  admin: UserName.default("admin").describe("first user of the site; its password is derived"),
  email: z.email().default("admin@example.com").describe("mail address of the first user"),
  host: Address.optional().describe("name that the site gives itself; without it, the first server's address"),
});
type Params = z.infer<typeof Params>;
type Context = RoleContext<Params>;

export const wordpress = defineRole<Params>({
  name: "wordpress",
  summary: "WordPress from Debian's archive, behind nginx and php-fpm",
  params: Params,
  packageManagers: ["apt"],
  memory: "rest",
  needs: ({ database: { server, port } }) => [
    { protocol: "mysql", of: server, at: "database.server", optional: server !== undefined && port !== undefined },
  ],
  territory: [{ name: "wordpress", paths: ["/etc/wordpress"], validate: 'for file in /etc/wordpress/*.php; do php -l "$file"; done' }],
  resources(context) {
    const { title, admin, email } = context.params;
    const config = want.file({
      path: "/etc/wordpress/config-default.php",
      content: configuration(context),
      mode: "0640",
      group: "www-data",
      sensitive: true,
    });
    const script = want.file({ path: sitePhpPath, content: sitePhp, after: ["directory[/usr/local/lib/fleet]"] });
    const site = {
      SITE_HOST: siteHost(context),
      SITE_TITLE: title,
      SITE_ADMIN: admin,
      SITE_EMAIL: email,
      SITE_PASSWORD: derived(`wordpress/${admin}`),
    };
    const set = want.command({
      name: "wordpress-install",
      run: `php ${sitePhpPath} install ${patience}`,
      unless: `php ${sitePhpPath} installed`,
      environment: site,
      user: "www-data",
      directory: "/usr/share/wordpress",
      // The site lives in the database, which goes with its own role.
      undo: ":",
      after: [config.address, script.address],
    });
    const page = { url: "http://127.0.0.1/", contains: title };
    return [
      want.package({ name: "wordpress" }),
      // Merely recommended by the package, but without a theme the site is a blank page.
      want.package({ name: "wordpress-theme-twentytwentythree" }),
      want.directory({ path: "/var/lib/wordpress/wp-content/uploads", owner: "www-data", group: "www-data" }),
      want.directory({ path: "/usr/local/lib/fleet" }),
      config,
      script,
      set,
      want.check({ name: "wordpress", http: page, deadline: 120, after: [set.address] }),
      want.check({ name: "wordpress-database", command: `php ${sitePhpPath} database` }),
    ];
  },
});

/** Seconds that the database, on another server, gets to come up. */
const patience = 300;

const siteHost = ({ params, team }: Context): string =>
  params.host ?? team.servers.find(({ roles }) => roles.includes("wordpress"))?.privateAddress ?? "localhost";

function configuration({ params, team, self }: Context): string {
  const { server, name, user, password } = params.database;
  const found = endpointOf(team, { protocol: "mysql", of: server });
  const [host, port] = [server ?? found?.server, params.database.port ?? found?.port];
  if (host === undefined || port === undefined)
    throw new UserError(
      `${self.name}: wordpress: expected a server with the role \`mysql\`, or \`params.wordpress.database\` with \`server\` and \`port\`, got neither`,
    );
  const keys = Object.fromEntries(wordpressKeys.map((key) => [key, derived(`wordpress/${key}`)])) as WordpressKeys;
  return wpConfig({
    database: { host, port, name, user, password: password ?? mysqlPassword(user) },
    keys,
    fallbackHost: siteHost({ params, team } as Context),
  });
}
