// Effective configuration of two runs, and what differs. Pure.

export interface ConfigurationChange {
  readonly server: string;
  /** nginx, mysql, sysctl, enabled. */
  readonly kind: string;
  readonly name: string;
  /** Undefined where it was not there. */
  readonly was?: string;
  readonly is?: string;
}

type Configurations = readonly { readonly server: string; readonly configuration: Readonly<Record<string, string>> }[];

/** Settings by name where each line is one; else the lines themselves, as often as they stand there. */
function settings(kind: string, text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const seen = new Map<string, number>();
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name, value] =
      (kind === "mysql" ? /^(\S+)\t(.*)$/ : ["sysctl", "hardware", "deployed"].includes(kind) ? /^(\S+)\s*=\s*(.*)$/ : /^(?!)/).exec(
        line,
      ) ?? [];
    if (name !== undefined) found.set(name, value ?? "");
    else {
      const times = (seen.get(line) ?? 0) + 1;
      seen.set(line, times);
      found.set(times === 1 ? line : `${line} (${times})`, "");
    }
  }
  return found;
}

export function configurationChanges(before: Configurations, after: Configurations): readonly ConfigurationChange[] {
  return after.flatMap(({ server, configuration }) => {
    const earlier = before.find((each) => each.server === server);
    if (!earlier) return [];
    const kinds = [...new Set([...Object.keys(earlier.configuration), ...Object.keys(configuration)])].sort();
    return kinds.flatMap((kind) => {
      const [was, is] = [settings(kind, earlier.configuration[kind] ?? ""), settings(kind, configuration[kind] ?? "")];
      return [...new Set([...was.keys(), ...is.keys()])]
        .filter((name) => was.get(name) !== is.get(name))
        .map((name) => {
          const [old, now] = [was.get(name), is.get(name)];
          return { server, kind, name, ...(old !== undefined && { was: old }), ...(now !== undefined && { is: now }) };
        });
    });
  });
}

/** `net.core.somaxconn: 4096 → 65535`, `+ worker_connections 4096;` */
export function changeText({ name, was, is }: ConfigurationChange): string {
  if (was === undefined) return `+ ${name}${is ? ` = ${is}` : ""}`;
  return is === undefined ? `- ${name}${was ? ` = ${was}` : ""}` : `${name}: ${was || "(empty)"} → ${is || "(empty)"}`;
}
