// php.ini settings of the fleet: compiled scripts kept in memory.
import { z } from "zod";
import { conf, ownedBy } from "../conf.ts";
import { clamp, type Machine } from "../words.ts";
import { IniValue, iniText } from "./pool.ts";

export const PhpIni = z.strictObject({
  validateTimestamps: z.boolean().default(true).describe("Look for changed scripts. Off is faster, and then a deploy must reload php-fpm."),
  settings: z
    .record(z.string().regex(/^[a-z][a-z0-9_.]*$/), z.union([IniValue, z.null()]))
    .default({})
    .describe("php.ini directives by name, over the computed ones; `null` leaves PHP's own."),
});
export type PhpIni = z.infer<typeof PhpIni>;

/** opcache memory, MiB: an eighth of the machine's, 64 to 256. */
export const opcacheMiB = ({ memoryMiB }: Pick<Machine, "memoryMiB">): number => clamp(Math.floor(memoryMiB / 8), 64, 256);

/** `/etc/php/<version>/fpm/conf.d/zz-fleet.ini` */
export function phpIni({ validateTimestamps, settings }: PhpIni, machine: Machine): string {
  const merged = {
    "opcache.enable": true,
    "opcache.memory_consumption": opcacheMiB(machine),
    "opcache.interned_strings_buffer": 16,
    "opcache.max_accelerated_files": 20000,
    "opcache.validate_timestamps": validateTimestamps,
    "opcache.revalidate_freq": 2,
    realpath_cache_size: "4M",
    realpath_cache_ttl: 600,
    expose_php: false,
    ...settings,
  };
  return conf`
    ; ${ownedBy("php-fpm", "templates/php-fpm/ini.ts")}
    ${Object.entries(merged).flatMap(([name, value]) => (value === null ? [] : [`${name} = ${iniText(value)}`]))}
  `;
}
