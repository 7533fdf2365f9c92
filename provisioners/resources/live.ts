// What a service runs with must be what its file says: a setting that was lowered, overruled by another file or not taken is named.
// It is looked at like everything else, and once more after a run that changed something.
import { z } from "zod";
import { AbsolutePath, Line } from "../../spec/scalars.ts";
import { sh } from "../engine/shell-quote.ts";
import { common, defineKind, missing } from "./kind.ts";
import { fileWord, parseValues, type Values } from "./live/reader.ts";
import { type ReaderName, readerNames, readers } from "./live/readers.ts";

export const LiveWant = z.strictObject({
  ...common,
  /** Who is asked. */
  of: z.enum(readerNames),
  /** As the file has them, by the names under which the service knows them. What it knows under no such name is not compared. */
  settings: z.record(Line.min(1), Line),
  /** The file that says so. */
  file: AbsolutePath,
});
export type LiveWant = z.infer<typeof LiveWant>;

/** `missing` where the service gave no answer. */
export type LiveHave = Values | typeof missing;

function differing({ of, settings }: LiveWant, have: LiveHave): readonly (readonly [name: string, wanted: string, live: string])[] {
  if (have === missing) return [];
  return Object.entries(settings).flatMap(([name, wanted]) => {
    const [live, said] = [have[name], have[`${fileWord}${name}`] ?? wanted];
    return live === undefined || readers[of].same(name, said, live) ? [] : [[name, said, live] as const];
  });
}

const told = (want: LiveWant, have: LiveHave): string =>
  differing(want, have)
    .map(([name, wanted, live]) => `${name} is \`${live}\` live, \`${wanted}\` in ${want.file}`)
    .join("; ");

export const live = defineKind<LiveWant, LiveHave>({
  kind: "live",
  schema: LiveWant,
  address: ({ of }) => `live[${of satisfies ReaderName}]`,
  touches: () => ({}),
  effective: true,
  read({ of }, look) {
    const answer = look.command(readers[of].ask);
    return () => (answer().code === 0 ? parseValues(answer().stdout) : missing);
  },
  plan(want, have, { changed }) {
    const { of, file } = want;
    const afterOthers = want.after?.some((address) => changed.has(address)) ?? false;
    if (have === missing) return [{ change: `compare what ${of} runs with to ${file}`, property: "settings", run: sh`:` }];
    const values = differing(want, have);
    if (values.length === 0) return [];
    // Where the service hears of its file in this run, what it took is looked at afterwards.
    const set = afterOthers ? undefined : readers[of].set;
    const run = set?.(Object.fromEntries(values.map(([name, wanted]) => [name, wanted]))) ?? sh`:`;
    return [{ change: told(want, have), property: "settings", run }];
  },
  notes(want, have) {
    if (have === missing) return [];
    return Object.entries(want.settings).flatMap(([name, wanted]) => {
      const said = have[`${fileWord}${name}`];
      return said === undefined || readers[want.of].same(name, wanted, said)
        ? []
        : [`${name}: a file that is read after ${want.file} says \`${said}\`, not \`${wanted}\``];
    });
  },
  seen(want, have) {
    if (have === missing) return undefined;
    const now = Object.fromEntries(differing(want, have).map(([name, , value]) => [name, value]));
    return { ...want, settings: { ...want.settings, ...now } };
  },
  wrong(want, have) {
    if (have === missing) return `${want.of} does not say what it runs with`;
    const said = told(want, have);
    return said ? `${said}; ${readers[want.of].hint}` : undefined;
  },
  undo: () => [],
});
