// One setting of a preset or a stack file → what today's server takes, with a note for each that had to change.
import type { Refusal } from "../words.ts";
import type { Setting } from "./presets.ts";
import type { MysqlServer } from "./server.ts";
import { translations } from "./translations.ts";

export interface Translated {
  readonly set: Readonly<Record<string, string>>;
  readonly note?: string;
  readonly problem?: Refusal;
}

const toText = (value: Setting): string => (typeof value === "boolean" ? (value ? "ON" : "OFF") : String(value));

/** `skip-x` and `disable-x` are ways to write `x=0`, except where an option is called `skip_…` itself. */
const ownSkips = new Set(["skip_name_resolve", "skip_networking", "skip_locking", "skip_grant_tables", "skip_show_database"]);

function plain(name: string, value: Setting): { readonly name: string; readonly text: string } {
  const underscored = name.toLowerCase().replaceAll("-", "_");
  const negated = ownSkips.has(underscored) ? undefined : /^(?:skip|disable)_(.+)$/.exec(underscored)?.[1];
  if (negated === undefined) return { name: underscored, text: toText(value) };
  return { name: negated, text: /^(0|off|false)$/i.test(toText(value)) ? "1" : "0" };
}

/** The name under which a setting is kept: `bind-address` and `bind_address` are one. */
export const canonical = (name: string): string => plain(name, true).name;

/** Options of one product alone, by the start of their names. */
const foreign: readonly { readonly product: MysqlServer["product"]; readonly names: RegExp; readonly reason: string }[] = [
  { product: "mysql", names: /^(aria_|wsrep_|thread_pool_|rocksdb_|spider_)/, reason: "an option of MariaDB alone" },
  {
    product: "mariadb",
    names: /^(mysqlx|group_replication_|authentication_policy$|admin_|innodb_parallel_read_threads$|log_error_verbosity$)/,
    reason: "an option of MySQL alone",
  },
];

/** Never throws: what can't be used comes back as a problem with `path`. */
export function translate(server: MysqlServer, path: string, original: string, value: Setting): Translated {
  const { name, text } = plain(original, value);
  const alien = foreign.find(({ product, names }) => product === server.product && names.test(name));
  if (alien)
    return {
      set: {},
      problem: { path, reason: `\`${original}\` is ${alien.reason}; leave it out for ${server.product} ${server.version}` },
    };
  const fate = translations.filter(({ names, on }) => names.includes(name) && on(server)).map((row) => row.fate(text, name))[0];
  if (!fate) return { set: { [name]: text } };
  if ("refuse" in fate) return { set: {}, problem: { path, reason: `\`${original}\`: ${fate.refuse}` } };
  if ("drop" in fate) return { set: {}, note: `\`${original}\` left out: ${fate.drop}` };
  const now = Object.entries(fate.set).map(([key, next]) => `${key}=${next}`);
  return { set: fate.set, note: `\`${original}=${text}\` became \`${now.join(" ")}\`: ${fate.because}` };
}
