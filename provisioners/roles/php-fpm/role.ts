// php-fpm: one pool on a unix socket, as many children as the memory carries, compiled scripts kept.
import { z } from "zod";
import { OwnName } from "../../../spec/scalars.ts";
import { PhpIni, phpIni } from "../../../templates/php-fpm/ini.ts";
import { PhpPool, phpPool } from "../../../templates/php-fpm/pool.ts";
import type { Facts } from "../../engine/facts.ts";
import type { Address } from "../../resources/kind.ts";
import { type Declared, want } from "../../resources/want.ts";
import { machineOf } from "../machine.ts";
import { defineRole } from "../role.ts";
import { knownPhp, phpUnit, phpValidator, phpVersion } from "./versions.ts";

const extensions = ["curl", "gd", "mbstring", "mysql", "xml"];

const Params = z.strictObject({
  pool: PhpPool.prefault({}).describe("the pool of workers"),
  ini: PhpIni.prefault({}).describe("settings of php.ini"),
  extensions: z.array(OwnName).default(extensions).describe("extensions, each the package php-<name>"),
});
type Params = z.infer<typeof Params>;

/**
 * Debian's unit offers the socket of its pool as an alternative at each start, and takes none back: it is gone by then. While php is stopped there is
 * none to offer.
 */
const offered = (socket: string, service: Address): Declared =>
  want.command({
    name: "php-fpm-alternative",
    run: `[ ! -S ${socket} ] || update-alternatives --quiet --install /run/php/php-fpm.sock php-fpm.sock ${socket} 82 2>/dev/null || :`,
    unless: `[ ! -S ${socket} ] || update-alternatives --query php-fpm.sock 2>/dev/null | grep -qxF 'Alternative: ${socket}'`,
    undo: `update-alternatives --quiet --remove php-fpm.sock ${socket} 2>/dev/null || :`,
    undoAlways: true,
    again: true,
    after: [service],
  });

const byVersion = (of: (version: string) => string) => (facts: Facts) => {
  const version = knownPhp(facts);
  return version && of(version);
};

export const phpFpm = defineRole<Params>({
  name: "php-fpm",
  summary: "php-fpm with one pool on a unix socket",
  params: Params,
  packageManagers: ["apt"],
  services: () => [{ unit: byVersion(phpUnit), ports: {} }],
  provides: ({ pool: { name, socket } }) => ({ [name]: { protocol: "fastcgi", socket } }),
  memory: "rest",
  territory: [
    {
      name: "php-fpm",
      paths: ["/etc/php"],
      unit: byVersion(phpUnit),
      hears: "restart",
      validate: byVersion(phpValidator),
      live: "php",
      liveFiles: /\/fpm\/(?:php|conf\.d\/[^/]+)\.ini$/,
    },
  ],
  resources(context) {
    const { pool, ini, extensions: wanted } = context.params;
    const version = phpVersion(context.facts);
    const machine = machineOf(context);
    const folder = `/etc/php/${version}/fpm`;
    const files = [
      want.file({ path: `${folder}/pool.d/${pool.name}.conf`, content: phpPool(pool, machine) }),
      want.file({ path: `${folder}/conf.d/zz-fleet.ini`, content: phpIni(ini, machine) }),
      ...(pool.name === "www" ? [] : [want.absent({ path: `${folder}/pool.d/www.conf`, broughtBy: "package[php-fpm]" })]),
    ];
    const restartOn = files.map(({ address }) => address);
    const service = want.service({ unit: phpUnit(version), restartOn, validate: phpValidator(version) });
    return [
      ...["fpm", ...wanted].map((name) => want.package({ name: `php-${name}` })),
      ...files,
      service,
      want.check({ name: "php-fpm", command: `test -S ${pool.socket}` }),
      offered(pool.socket, service.address),
      want.live({ of: "php", file: `${folder}/conf.d/zz-fleet.ini`, after: [service.address] }),
    ];
  },
});
