// A service that forks workers reads its files when it makes them: a file that is younger than the youngest of them is not live.
import type { Command } from "../../engine/shell-quote.ts";

export const current = "read";

/**
 * Shell text: expects `$unit` and, as its arguments, files. Two seconds are less than either clock tells. Without a worker nothing is said:
 * one that is made at the first request reads what is there then.
 */
export const readBefore: Command = {
  text: `main=$(systemctl show -p MainPID --value -- "$unit")
youngest=$(ps --no-headers -o etimes --ppid "$main" 2>/dev/null | sort -n | head -n 1)
if [ -n "$youngest" ]; then
  begun=$(( $(date +%s) - youngest + 2 ))
  for each; do
    changed=$(stat -L -c %Y -- "$each" 2>/dev/null) || continue
    if [ "$changed" -gt "$begun" ]; then printf 'own\\t%s\\t${current}\\nlive\\t%s\\tnot read since its change\\n' "$each" "$each"; fi
  done
fi`,
  masked: "",
};
