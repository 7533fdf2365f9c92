// Is everything as a state remembers it? Reads and compares as the provider does for the engine, all servers at once.
import type { Remarks } from "../engine/converge.ts";
import { type Connection, HostError, type LockingShell } from "../engine/shell.ts";
import { inWords } from "../resources/kind.ts";
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

/**
 * One sentence for each resource that differs, or that can't be told; none where an up would find nothing to do. Changes nothing.
 * @param onRemarks told what to know of a role's resources beside their outcome
 */
export async function differing(
  remembered: readonly Remembered[],
  signal: AbortSignal,
  onRemarks: (urn: string, remarks: Remarks) => void = () => {},
): Promise<readonly string[]> {
  const context = new Context();
  const table = resourcesOf(context);
  const one = async (each: Remembered): Promise<readonly string[]> => {
    const resource = table[each.type];
    if (!resource) return [`${nameOf(each)}: only the engine knows a ${each.type}`];
    const call = callOf(each, signal);
    // What the engine reads before every preview and up; what it doesn't can't have changed without it.
    const found = resource.refreshBeforeUpdate ? await resource.read(each.id, each, call) : each;
    if (!found) return [`${nameOf(each)}: is gone`];
    if (found.outputs.remarks !== undefined) onRemarks(each.urn, found.outputs.remarks as Remarks);
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

const callOf = (each: Remembered, signal: AbortSignal): Call => ({
  ...{ urn: each.urn, name: nameOf(each), signal, log: () => {}, redact: (text: string) => text },
});

/** One resource of a role that is otherwise than the state has it. */
export interface Difference {
  /** In the stack file. */
  readonly server: string;
  readonly role: string;
  /** `file[/etc/motd]`; `failed` and `owed` for what a run left undone. */
  readonly resource: string;
  /** `mode 0600, wanted 0644`, `content`, `is not there`. */
  readonly what: string;
}

/** The same look again and again, over connections that are kept. One that broke is opened anew. */
export class Comparison {
  readonly #context = new Context();

  /** Roles of one server. Throws a HostError where it could not be looked at. */
  async look(connection: Connection, roles: readonly Remembered[], signal: AbortSignal): Promise<readonly Difference[]> {
    this.#context.forgive(connection.name);
    const resource = resourcesOf(this.#context)["fleet:index:Role"]!;
    const one = async (each: Remembered): Promise<readonly Difference[]> => {
      const found = await resource.read(each.id, each, callOf(each, signal));
      const { unseen } = found?.outputs ?? {};
      if (typeof unseen === "string") throw new HostError(connection.name, "unreachable", unseen.replace(`${connection.name}: `, ""));
      return found ? differencesOf(each, found.outputs, resource.diff(found, each.inputs)) : [];
    };
    return (await Promise.all(roles.map(one))).flat();
  }

  /** A shell of the same connection. Throws a HostError. */
  async shell(connection: Connection, signal: AbortSignal): Promise<LockingShell> {
    return await this.#context.reach(connection, { urn: "", name: connection.name, signal, log: () => {}, redact: (text) => text });
  }

  /** Who holds the server's lock, and is at work there: `ada@laptop: stack team-a`. */
  async busy(connection: Connection, run: string, signal: AbortSignal): Promise<string | undefined> {
    const shell = await this.shell(connection, signal);
    try {
      await shell.lock({ who: "fleet watch", what: "a look", run, signal });
    } catch (error) {
      if (error instanceof HostError && error.fault === "locked") return error.sentence;
      throw error;
    }
    await shell.unlock();
    return undefined;
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}

/** Pure: one a resource, in their order. */
export function differencesOf({ inputs }: Pick<Remembered, "inputs">, now: Properties, changes: DetailedDiff): readonly Difference[] {
  const { host, role, resources } = inputs as { host?: unknown; role?: unknown; resources?: Values };
  const there = (now.resources ?? {}) as Values;
  return [...new Set(Object.keys(changes).map(address))].map((resource) => {
    const [was, is] = [resources?.[resource], there[resource]];
    const isResource = was !== undefined || is !== undefined;
    const what = !isResource ? "" : is === undefined ? "is not there" : propertiesOf(was ?? {}, is);
    return { server: String(host), role: String(role), resource, what: what || undoneIn(now[resource]) };
  });
}

type Values = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const undoneIn = (value: unknown): string => (Array.isArray(value) ? value.map(String).join("; ") : "differs").slice(0, 200);

function propertiesOf(was: Readonly<Record<string, unknown>>, is: Readonly<Record<string, unknown>>): string {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((name) => !same(was[name], is[name]));
  return names
    .map((name) => {
      // A live value says in a sentence what it is, and what it is to be.
      if (name === inWords && typeof is[inWords] === "string") return is[inWords].slice(0, 300);
      return isShort(was[name]) && isShort(is[name]) ? `${name} ${is[name]}, wanted ${was[name]}` : name;
    })
    .join("; ");
}

/** What is secret is no text here. */
const isShort = (value: unknown): boolean =>
  ["boolean", "number"].includes(typeof value) || (typeof value === "string" && value.length <= 40 && /^[^\n\u27e6]+$/.test(value));

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
  const all = new Set([...Object.keys(each.outputs), ...Object.keys(now)]);
  const names = [...all].filter((name) => name !== "remarks" && !same(each.outputs[name], now[name]));
  return names.length > 0 ? `${placeOf(each)}: ${names.join(", ")}` : undefined;
}
