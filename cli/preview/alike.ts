// Servers of a contest are alike, and so is what changes on them: what is the same on several is shown once, under all of their names.
import type { Item, ServerChanges } from "./model.ts";

/** An item with its address on each server: that of a resource of Pulumi's may hold the server's name. */
interface Shared {
  readonly item: Item;
  readonly names: string[];
  readonly addresses: string[];
}

/** The same for what is the same but for the server's name at the end of its address; of a new one of Pulumi's own no line is shown. */
function keyOf({ address, lines, ...rest }: Item, server: string): string {
  const own = address.endsWith(`-${server}`) ? `${address.slice(0, -server.length)}…` : address;
  const isNamedAlone = rest.operation === "create" && rest.role === undefined;
  return JSON.stringify([own, isNamedAlone ? [] : lines, Object.entries(rest).sort()]);
}

/**
 * Pure. What all of a group of servers share, then what is some servers' alone, in the order of the servers; one that could not be looked at stands
 * by itself, since it is not known what is there.
 */
export function alike(servers: readonly ServerChanges[]): readonly ServerChanges[] {
  const seen = servers.filter(({ unreachable }) => unreachable === undefined);
  const shared = new Map<string, Shared>();
  for (const { name, items } of seen)
    for (const item of items) {
      const key = keyOf(item, name);
      const known = shared.get(key);
      if (known?.names.includes(name) !== false)
        shared.set(known ? `${key} ${name}` : key, { item, names: [name], addresses: [item.address] });
      else [known.names, known.addresses].forEach((each, at) => void each.push(at === 0 ? name : item.address));
    }
  const groups = new Map<string, Item[]>();
  for (const { item, names, addresses } of shared.values()) {
    const heading = names.join(", ");
    const all = groups.get(heading) ?? groups.set(heading, []).get(heading)!;
    all.push({ ...item, address: [...new Set(addresses)].join(", ") });
  }
  const size = (name: string) => name.split(", ").length;
  const together = [...groups].filter(([name]) => size(name) > 1).sort(([a], [b]) => size(b) - size(a));
  const alone = servers.flatMap((server) => {
    if (server.unreachable !== undefined) return [server];
    const items = groups.get(server.name) ?? [];
    return items.length > 0 || server.items.length === 0 ? [{ name: server.name, items }] : [];
  });
  return [...together.map(([name, items]) => ({ name, items })), ...alone];
}
