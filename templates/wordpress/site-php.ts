// /usr/local/lib/fleet/wordpress.php: asks for, waits for and sets up the site, as WordPress's own installer does it. Debian has no wp-cli.
import { ownedBy } from "../conf.ts";

/** Its path on the server. */
export const sitePhpPath = "/usr/local/lib/fleet/wordpress.php";

/**
 * `database` connects; `installed` says whether the site is set up; `install` waits SECONDS for the database (it is on another server,
 * which may still be at work) and sets the site up, unless another server of the team was faster. Exit code 0 where it is so.
 */
export const sitePhp = String.raw`<?php // ${ownedBy("wordpress", "templates/wordpress/site-php.ts")}
mysqli_report(MYSQLI_REPORT_OFF);
$_SERVER['HTTP_HOST'] = getenv('SITE_HOST') ?: 'localhost';
[, $verb, $seconds] = $argv + [null, 'database', '0'];
if ($verb === 'install') {
    define('WP_INSTALLING', true);
}
require '/etc/wordpress/config-default.php';

function fleet_connect()
{
    [$host, $port] = explode(':', DB_HOST) + [null, '3306'];
    return @mysqli_connect($host, DB_USER, DB_PASSWORD, DB_NAME, (int) $port);
}

function fleet_installed($database): bool
{
    $rows = @mysqli_query($database, "SELECT 1 FROM wp_options WHERE option_name = 'siteurl'");
    return $rows !== false && mysqli_num_rows($rows) > 0;
}

for ($end = time() + (int) $seconds; !($database = fleet_connect()) && time() < $end; sleep(1));
if (!$database) {
    fwrite(STDERR, 'expected the database at ' . DB_HOST . ', got: ' . mysqli_connect_error() . "\n");
    exit(1);
}
if ($verb === 'install') {
    // The team's servers come here at the same time; the lock goes with the connection.
    mysqli_query($database, "SELECT GET_LOCK('fleet_wordpress_install', 300)");
}
if ($verb === 'database' || fleet_installed($database)) {
    exit(0);
}
if ($verb !== 'install') {
    exit(1);
}
require '/usr/share/wordpress/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install(getenv('SITE_TITLE'), getenv('SITE_ADMIN'), getenv('SITE_EMAIL'), true, '', getenv('SITE_PASSWORD'));
`;
