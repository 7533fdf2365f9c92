// /etc/wordpress/config-default.php of Debian's package: the database, the keys, and an address that follows the request.
import type { z } from "zod";
import type { AbsolutePath, Port } from "../../spec/scalars.ts";
import { conf, ownedBy, when } from "../conf.ts";
import { escapes } from "../escape.ts";
import type { ServerAddress } from "../words.ts";

export const wordpressKeys = [
  "AUTH_KEY",
  "SECURE_AUTH_KEY",
  "LOGGED_IN_KEY",
  "NONCE_KEY",
  "AUTH_SALT",
  "SECURE_AUTH_SALT",
  "LOGGED_IN_SALT",
  "NONCE_SALT",
] as const;
export type WordpressKeys = Readonly<Record<(typeof wordpressKeys)[number], string>>;

export interface WordpressDatabase {
  /** Server of the database, by name or address. */
  readonly host: z.infer<typeof ServerAddress>;
  readonly port: z.infer<typeof Port>;
  readonly name: string;
  readonly user: string;
  readonly password: string;
}

export interface WordpressConfig {
  readonly database: WordpressDatabase;
  /** The same on every server of the site: a login made on one must hold on the others. */
  readonly keys: WordpressKeys;
  /** Name that the site gives itself where there is no request (wp-cron by hand, the command line). @default "localhost" */
  readonly fallbackHost?: string;
  /** Folder of themes, plugins and uploads. @default "/var/lib/wordpress/wp-content" */
  readonly contentDirectory?: z.infer<typeof AbsolutePath>;
  /** Whether PHP may call servers outside; where a contest's network has no way out, each such call hangs. @default false */
  readonly outgoing?: boolean;
}

/** A PHP string. */
const quotePhp = (text: string): string => `'${escapes.php(text)}'`;

const define = (name: string, value: string): string => `define(${quotePhp(name)}, ${value});`;

/**
 * Holds the password: mode 0640, group of php-fpm. The address comes from the Host header, checked, so that every server of the fleet
 * answers with the same content under its own name; a proxy in front says `https` by X-Forwarded-Proto.
 */
export const wpConfig = ({
  database,
  keys,
  fallbackHost = "localhost",
  contentDirectory,
  outgoing = false,
}: WordpressConfig): string => conf`
  <?php // ${ownedBy("wordpress", "templates/wordpress/wp-config.ts")}
  ${define("DB_HOST", quotePhp(`${database.host}:${database.port}`))}
  ${define("DB_NAME", quotePhp(database.name))}
  ${define("DB_USER", quotePhp(database.user))}
  ${define("DB_PASSWORD", quotePhp(database.password))}
  ${define("DB_CHARSET", quotePhp("utf8mb4"))}
  ${wordpressKeys.map((name) => define(name, quotePhp(keys[name])))}
  ${define("WP_CONTENT_DIR", quotePhp(contentDirectory ?? "/var/lib/wordpress/wp-content"))}

  $fleet_host = $_SERVER['HTTP_HOST'] ?? '';
  if (!preg_match('/\A[A-Za-z0-9.-]+(:[0-9]{1,5})?\z/', $fleet_host)) {
      $fleet_host = ${quotePhp(fallbackHost)};
  }
  if (($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https') {
      $_SERVER['HTTPS'] = 'on';
  }
  $fleet_https = !empty($_SERVER['HTTPS']) && $_SERVER['HTTPS'] !== 'off';
  define('WP_HOME', ($fleet_https ? 'https://' : 'http://') . $fleet_host);
  define('WP_SITEURL', WP_HOME);
  define('AUTOMATIC_UPDATER_DISABLED', true);
  ${when(!outgoing, define("WP_HTTP_BLOCK_EXTERNAL", "true"))}
`;
