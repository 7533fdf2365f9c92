// One type of resource of the test double: calls of AWS's API, and what it answers, in the words of @pulumi/aws.
import { isDeepStrictEqual } from "node:util";
import { difference } from "../../provisioners/provider/difference.ts";
import type { DetailedDiff, Resource } from "../../provisioners/provider/resource.ts";
import { type Properties, unknown } from "../../provisioners/provider/wire.ts";
import { refuseAccount } from "./clients.ts";
import { type Rules, ruleOf } from "./rules.ts";

// biome-ignore lint/suspicious/noExplicitAny: inputs are those of forty resource types; the components' types have checked them
export type Inputs = Readonly<Record<string, any>>;

export interface AwsType {
  /** Outputs that are others after a change of one of these inputs. */
  readonly renews?: { readonly outputs: readonly string[]; readonly inputs: readonly string[] };
  /** Makes it and returns its id. `name` is what it is called where the program names nothing. */
  create(inputs: Inputs, name: string): Promise<string>;
  /** What AWS says of it; undefined when it is gone. */
  read(id: string, inputs: Inputs): Promise<Inputs | undefined>;
  /** @default nothing can be changed in place */
  update?(id: string, inputs: Inputs, olds: Inputs): Promise<void>;
  delete(id: string, inputs: Inputs): Promise<void>;
}

const isMap = (value: unknown): value is Inputs => typeof value === "object" && value !== null && !Array.isArray(value);
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, each) =>
    isMap(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  );

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * What is there, said as the program said it: only what it asked for, its own order where the order does not matter, its own text where that
 * is the same JSON. What differs is what somebody changed.
 */
export function asAsked(seen: unknown, asked: unknown): unknown {
  if (seen === undefined) return asked;
  if (Array.isArray(seen) && Array.isArray(asked)) return listAsAsked(seen, asked);
  if (isMap(seen) && isMap(asked)) {
    const keys = Object.keys(asked).filter((key) => seen[key] !== undefined || asked[key] === undefined);
    return Object.fromEntries(keys.map((key) => [key, asAsked(seen[key], asked[key])]));
  }
  if (typeof seen === "string" && typeof asked === "string" && seen !== asked)
    return isDeepStrictEqual(parsed(seen), parsed(asked)) ? asked : seen;
  return String(seen) === String(asked) ? asked : seen;
}

function listAsAsked(seen: readonly unknown[], asked: readonly unknown[]): unknown {
  if (seen.length !== asked.length) return seen;
  const inOrder = seen.map((each, at) => asAsked(each, asked[at]));
  if (canonical(inOrder) === canonical(asked)) return asked;
  const left = [...seen];
  for (const each of asked) {
    const at = left.findIndex((one) => canonical(asAsked(one, each)) === canonical(each));
    if (at >= 0) left.splice(at, 1);
  }
  return left.length === 0 ? asked : seen;
}

/** Tags are a set that AWS states whole: one that somebody added shows. */
const inputsSeen = (seen: Inputs, asked: Inputs): Properties =>
  Object.fromEntries(Object.entries(asked).map(([key, value]) => [key, key === "tags" ? (seen.tags ?? value) : asAsked(seen[key], value)]));

const randomTail = (): string => Math.random().toString(16).slice(2, 9).padEnd(7, "0");

const at = (inputs: Inputs, path: string): unknown => path.split(".").reduce<unknown>((value, name) => (value as Inputs)?.[name], inputs);

/** By the table of rules. What is optional and computed and no longer sent stays as it is, unseen. */
function differs(type: AwsType, of: Rules, old: Inputs, now: Inputs): DetailedDiff {
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  const found = names.flatMap((name) => Object.entries(difference(name, old[name], now[name])));
  const shown = found.filter(([path, kind]) => !(kind === "delete" && ruleOf(of, path)?.keeps));
  return Object.fromEntries(
    shown.map(([path, kind]) => [path, ruleOf(of, path)?.replaces || !type.update ? ("update-replace" as const) : kind]),
  );
}

/** Outputs of which nobody knows what they will be. */
export const renewed = ({ renews }: AwsType, old: Inputs, now: Inputs): readonly string[] =>
  renews?.inputs.some((name) => Object.keys(difference(name, old[name], now[name])).length > 0) ? renews.outputs : [];

/** What AWS refuses of a change in place. */
function refuse(of: Rules, old: Inputs, now: Inputs): void {
  for (const [path, { refused }] of Object.entries(of)) {
    const why = at(now, path) === undefined ? undefined : refused?.(at(old, path), at(now, path));
    if (why !== undefined) throw new Error(why);
  }
}

/** As the engine wants it. Diffs are of inputs alone: a refresh writes what is there into them. */
export function resourceOf(type: AwsType, rules: Rules = {}): Resource {
  const look = async (id: string, inputs: Properties) => {
    const seen = await type.read(id, inputs);
    if (!seen) return undefined;
    const now = inputsSeen(seen, inputs);
    return { inputs: now, outputs: { ...seen, ...now } as Properties };
  };
  const must = async (id: string, inputs: Properties) => {
    const found = await look(id, inputs);
    if (!found) throw new Error(`expected what was just made, got no \`${id}\``);
    return found.outputs;
  };
  return {
    diff: ({ inputs }, news) => differs(type, rules, inputs, news),
    async create(inputs, { name }, preview) {
      await refuseAccount();
      if (preview) return { id: "", outputs: inputs };
      const id = await type.create(inputs, `${name}-${randomTail()}`);
      return { id, outputs: await must(id, inputs) };
    },
    async read(id, { inputs }) {
      await refuseAccount();
      return await look(id, inputs);
    },
    async update(id, { inputs, outputs }, news, _call, preview) {
      if (preview) return { ...outputs, ...news, ...Object.fromEntries(renewed(type, inputs, news).map((name) => [name, unknown])) };
      refuse(rules, inputs, news);
      await type.update?.(id, news, inputs);
      return await must(id, news);
    },
    delete: (id, { inputs }) => gone(type.delete(id, inputs)).then(() => undefined),
  };
}

/** Undefined where AWS says that there is no such thing. */
export async function gone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    const { name, message } = error as Error;
    if (/NotFound|NoSuch|NonExistent|DoesNotExist|UnknownLifecycle|Missing/i.test(name) || /not found|does not exist/i.test(message))
      return undefined;
    throw error;
  }
}

export type Tags = Readonly<Record<string, string>>;
export const tagList = (tags: Tags = {}) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
export const tagMap = (list: readonly { Key?: string | undefined; Value?: string | undefined }[] = []): Tags =>
  Object.fromEntries(list.map(({ Key = "", Value = "" }) => [Key, Value]));
