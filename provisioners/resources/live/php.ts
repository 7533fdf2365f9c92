// php.ini of the FPM server: of several files that say an option PHP takes the last, and a server goes on with what it read at its start.
import { sh } from "../../engine/shell-quote.ts";
import { current, readBefore } from "./read-before.ts";
import type { Reader } from "./reader.ts";

const on = /^(1|on|true|yes)$/i;
const off = /^(0|off|false|no|none|)$/i;
const unset = "no value";

/** Without its quotes, or what stands behind it. */
const valueIn = (text: string): string => /^"([^"]*)"/.exec(text)?.[1] ?? text.replace(/\s*(?:;.*)?$/s, "");

function same(_name: string, wanted: string, live: string): boolean {
  const [want, have] = [valueIn(wanted), live === unset ? "" : live];
  // `E_ALL & ~E_DEPRECATED`, which PHP reckons.
  if (/\bE_[A-Z]/.test(want) && /^\d+$/.test(have)) return true;
  return want === have || (on.test(want) && on.test(have)) || (off.test(want) && off.test(have));
}

/** `/etc/php/8.2/fpm/conf.d/zz-fleet.ini` → 8.2 */
const versionIn = (file: string): string => /^\/etc\/php\/([\d.]+)\//.exec(file)?.[1] ?? "";

export const phpReader: Reader = {
  ask: (file) => sh`version=${versionIn(file)}
unit=php$version-fpm.service
systemctl is-active -q "$unit" || exit 0
said=$(php-fpm$version -i 2>/dev/null) || exit 1
printf '%s\\n' "$said" | awk -F ' => ' 'NF == 3 { print "live\\t" $1 "\\t" $3 }'
sed -n 's/^\\([a-z_.]*\\) *= *\\(.*\\)$/own\\t\\1\\t\\2/p' ${file}
for each in $(dirname -- ${file})/../pool.d/*.conf; do
  [ -e "$each" ] && sed -n 's/^ *php_\\(admin_\\)\\{0,1\\}\\(value\\|flag\\)\\[\\([a-zA-Z0-9_.]*\\)\\] *= *"\\{0,1\\}\\([^";]*[^"; ]\\).*$/file\\t\\3\\t\\4\\nlive\\t\\3\\t\\4/p' "$each"
done
set -- ${file} $(ls -d -- $(dirname -- ${file})/../pool.d/*.conf 2>/dev/null)
${readBefore}`,
  same,
  says: (name, wanted) => (wanted === current ? `${name} was changed after php-fpm read it` : undefined),
  set: () =>
    sh`for unit in $(systemctl list-units --plain --no-legend --state=active 'php*-fpm.service' | cut -d ' ' -f 1); do systemctl reload -- "$unit"; done`,
  hint: () => "`php-fpm -i` names the files that it reads, in their order: the last one counts; a pool's `php_admin_value` counts more",
};
