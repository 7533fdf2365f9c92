// Services read the file of their environment when they start; which ones they are only the server knows. Pure.
import { quote } from "../engine/shell-quote.ts";

/** Shell text, whose first line says what it does. Those of `except` hear of the file in another way. */
export function restartReadersOf(path: string, except: readonly string[] = []): string {
  const others = except.length > 0 ? `  case $unit in ${except.map(quote).join("|")}) continue ;; esac\n` : "";
  return `file=${quote(path)} # the services that read it at their start, start again
for unit in $(systemctl list-units --type=service --state=active,activating --plain --no-legend | cut -d ' ' -f 1); do
${others}  if systemctl show -p EnvironmentFiles --value -- "$unit" | grep -qF -- "$file ("; then systemctl try-restart -- "$unit"; fi
done`;
}
