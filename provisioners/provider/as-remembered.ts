// Is everything as a state remembers it? Reads and compares as the provider does for the engine, all servers at once.
import { Context } from "./context.ts";
import { same } from "./difference.ts";
import type { Call, DetailedDiff } from "./resource.ts";
import { resourcesOf } from "./resources.ts";
import type { Properties } from "./wire.ts";

/** A resource of ours in a state, its secrets opened. */
export interface Remembered {
  readonly type: string;
  readonly urn: string;
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}

/** One sentence for each resource that differs, or that can't be told; none where an up would find nothing to do. Changes nothing. */
export async function differing(remembered: readonly Remembered[], signal: AbortSignal): Promise<readonly string[]> {
  const context = new Context();
  const table = resourcesOf(context);
  const one = async (each: Remembered): Promise<readonly string[]> => {
    const resource = table[each.type];
    if (!resource) return [`${nameOf(each)}: only the engine knows a ${each.type}`];
    const call: Call = { urn: each.urn, name: nameOf(each), signal, log: () => {}, redact: (text) => text };
    // What the engine reads before every preview and up; what it doesn't can't have changed without it.
    const found = resource.refreshBeforeUpdate ? await resource.read(each.id, each, call) : each;
    if (!found) return [`${nameOf(each)}: is gone`];
    const changes = resource.diff(found, each.inputs);
    const told = Object.keys(changes).length > 0 ? sentence(each, found.outputs, changes) : moved(each, found.outputs);
    return told === undefined ? [] : [told];
  };
  try {
    return (await Promise.all(remembered.map(one))).flat();
  } finally {
    await context.close();
  }
}

const nameOf = ({ urn }: Remembered): string => urn.split("::").slice(3).join("::");

function sentence(each: Remembered, now: Properties, changes: DetailedDiff): string {
  if (typeof now.problem === "string" && now.problem !== "") return now.problem;
  const [first = "", ...rest] = new Set(Object.keys(changes).map(address));
  return `${placeOf(each)}: ${first}${rest.length > 0 ? ` and ${rest.length} more` : ""}`;
}

/** `resources["file[/etc/motd]"].content` → `file[/etc/motd]` */
const address = (path: string): string => /^resources\["((?:[^"\\]|\\.)*)"\]/.exec(path)?.[1] ?? path;

const placeOf = (each: Remembered): string =>
  typeof each.inputs.host === "string" && typeof each.inputs.role === "string" ? `${each.inputs.host} ${each.inputs.role}` : nameOf(each);

/** An output that moved may be another resource's input: facts that templates need, the address of a machine. */
function moved(each: Remembered, now: Properties): string | undefined {
  const names = [...new Set([...Object.keys(each.outputs), ...Object.keys(now)])].filter((name) => !same(each.outputs[name], now[name]));
  return names.length > 0 ? `${placeOf(each)}: ${names.join(", ")}` : undefined;
}
