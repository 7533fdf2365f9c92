// What a service runs with must be what its file says: a setting that was lowered, overruled by another file or not taken is named.
// It is looked at like everything else, and once more after a run that changed something.
import { z } from "zod";
import { FilePath, Line, UnitName } from "../../spec/scalars.ts";
import { sh } from "../engine/shell-quote.ts";
import { common, defineKind, missing } from "./kind.ts";
import { type Answer, parseAnswer } from "./live/reader.ts";
import { readerNames, readers } from "./live/readers.ts";
import { unitIn } from "./live/systemd.ts";

export const LiveWant = z.strictObject({
  ...common,
  /** Who is asked. */
  of: z.enum(readerNames),
  /** The fleet's file, or one of the team's: what it says is compared. */
  file: FilePath,
  /** Of a file of the team's: it is asked only while this runs, and is one of several. */
  unit: UnitName.optional(),
  /** Only ever seen: what is not live. */
  differs: Line.optional(),
});
export type LiveWant = z.infer<typeof LiveWant>;

/** `missing` where the service gave no answer. */
export type LiveHave = Answer | typeof missing;

function differing({ of }: LiveWant, have: LiveHave): readonly (readonly [name: string, wanted: string, live: string])[] {
  if (have === missing) return [];
  return Object.entries(have.own).flatMap(([name, own]) => {
    const [live, said] = [have.live[name], have.files[name] ?? own];
    return live === undefined || readers[of].same(name, said, live, have.live) ? [] : [[name, said, live] as const];
  });
}

const sentences = (want: LiveWant, have: LiveHave): readonly (readonly [sentence: string, hint: string])[] =>
  differing(want, have).map(([name, wanted, live]) => [
    readers[want.of].says?.(name, wanted, live) ??
      `${name} is \`${live}\` live, \`${wanted}\` in ${overruled(want, have, name) ? "a file read after " : ""}${want.file}`,
    readers[want.of].hint(name, want.file),
  ]);

const told = (want: LiveWant, have: LiveHave): string =>
  sentences(want, have)
    .map(([sentence]) => sentence)
    .join("; ");

/** Each with what to do: once, where that is the same for those that follow each other. */
const advised = (want: LiveWant, have: LiveHave): readonly string[] => {
  const all = sentences(want, have);
  return all.map(([sentence, hint], at) => (all[at + 1]?.[1] === hint ? sentence : `${sentence}; ${hint}`));
};

/** Those of a unit are asked unit by unit. */
const nameOf = ({ of, file, unit }: LiveWant): string =>
  of === "systemd" ? `${of}:${unitIn(file)}` : unit === undefined ? of : `${of}:${file}`;

/** Whether a file that is read later says something else than the fleet's. */
function overruled({ of }: LiveWant, have: LiveHave, name: string): boolean {
  if (have === missing) return false;
  const [own, said] = [have.own[name], have.files[name]];
  return own !== undefined && said !== undefined && !readers[of].same(name, own, said, have.live);
}

export const live = defineKind<LiveWant, LiveHave>({
  kind: "live",
  rank: 240,
  schema: LiveWant,
  address: (want) => `live[${nameOf(want)}]`,
  fleeting: true,
  // What it puts in force again may shut the fleet out.
  touches: ({ of }) => (of === "nftables" ? { units: ["nftables.service"] } : {}),
  effective: true,
  leans: () => ({ services: true }),
  read({ of, file, unit }, look) {
    const idle = unit === undefined ? sh`` : sh`systemctl is-active -q -- ${unit} || exit 0\n`;
    const answer = look.command(sh`${idle}${readers[of].ask(file)}`);
    return () => (answer().code === 0 ? parseAnswer(answer().stdout) : missing);
  },
  plan(want, have, { changed }) {
    const { of, file } = want;
    if (readers[of].mild) return [];
    const afterOthers = want.after?.some((address) => changed.has(address)) ?? false;
    if (have === missing) return [{ change: `compare what ${of} runs with to ${file}`, property: "differs", run: sh`:` }];
    const values = differing(want, have);
    if (values.length === 0) return [];
    // Where the service hears of its file in this run, what it took is looked at afterwards.
    const set = afterOthers ? undefined : readers[of].set;
    const run = set?.(Object.fromEntries(values.map(([name, wanted]) => [name, wanted])), file) ?? sh`:`;
    return [{ change: told(want, have), property: "differs", run }];
  },
  notes(want, have) {
    if (have === missing) return [];
    const said = readers[want.of].mild ? advised(want, have).join("; ") : "";
    const over = Object.keys(have.own).filter((name) => overruled(want, have, name));
    return [
      ...(said ? [`${unitIn(want.file)}: ${said}`] : []),
      ...over.map((name) => `${name}: a file that is read after ${want.file} says \`${have.files[name]}\`, not \`${have.own[name]}\``),
    ];
  },
  seen(want, have) {
    if (readers[want.of].mild) return want;
    if (have === missing) return undefined;
    const differs = told(want, have);
    return { ...want, ...(differs && { differs }) };
  },
  wrong(want, have) {
    if (readers[want.of].mild) return undefined;
    if (have === missing) return `${want.of} does not say what it runs with`;
    return advised(want, have).join("; ") || undefined;
  },
  undo: () => [],
});
