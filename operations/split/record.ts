// What a split has done, kept on the two servers that it was between: whoever takes it back, from whichever computer, finds it there.
import { z } from "zod";
import { type Command, raw, sh, withInput } from "../../provisioners/engine/shell-quote.ts";

/** Root's alone, beside what the fleet itself remembers. */
export const splitFolder = "/var/lib/fleet/split";

const Holdings = z.object({
  items: z.array(z.object({ name: z.string(), bytes: z.number(), detail: z.string() })).readonly(),
  version: z.string().optional(),
  writers: z.array(z.string()).readonly(),
  free: z.number().optional(),
});

export const SplitRecord = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[\w.-]+$/),
  /** UTC */
  at: z.string(),
  /** `ada@laptop` */
  who: z.string(),
  stack: z.string(),
  wish: z.object({ role: z.string(), from: z.string(), to: z.string(), stays: z.literal(true).optional() }),
  /** The split that this one takes back. */
  back: z.string().optional(),
  stackFile: z.object({ before: z.string(), after: z.string() }),
  files: z.array(
    z.object({
      server: z.string(),
      path: z.string(),
      template: z.boolean(),
      mode: z.enum(["0644", "0755"]),
      /** Of the server's own, which stood there; undefined where there was none. */
      own: z.string().optional(),
      /** What counted, wherever it lay. */
      before: z.string().optional(),
      /** Undefined where none is left. */
      after: z.string().optional(),
      /** What counts then lies in `common/` again. */
      shared: z.boolean().optional(),
    }),
  ),
  clients: z.array(z.string()).readonly(),
  /** Whom its programs connect to, on which server. */
  reached: z
    .array(z.object({ server: z.string(), role: z.string() }))
    .readonly()
    .optional(),
  seen: z.object({ from: Holdings, to: Holdings }),
  /** `under-way` where nobody has said more: then it was cut short, after as many steps as were begun. */
  state: z.enum(["under-way", "done"]),
  begun: z.number(),
});
export type SplitRecord = z.infer<typeof SplitRecord>;
export type FileRecord = SplitRecord["files"][number];

const fileOf = (id: string): string => `${splitFolder}/${id}.json`;
/** What is kept of the data. */
export const keptFolder = (id: string): string => `${splitFolder}/${id}`;

export const writeScript = (record: SplitRecord): Command =>
  withInput(
    sh`umask 077
mkdir -p ${splitFolder}
cat > ${`${fileOf(record.id)}.new`}
sync ${`${fileOf(record.id)}.new`} 2>/dev/null || :
mv ${`${fileOf(record.id)}.new`} ${fileOf(record.id)}`,
    `${JSON.stringify(record)}\n`,
  );

/** With all that was kept for the way back. */
export const forgetScript = (id: string): Command =>
  sh`rm -rf ${fileOf(id)} ${`${fileOf(id)}.new`} ${keptFolder(id)}
rmdir ${splitFolder} 2>/dev/null || :`;

/** Pure. What both servers are told at its end. Of a way back nothing is left, but what could not be put back: nobody has it elsewhere. */
export function endScripts(record: SplitRecord, late: readonly string[]): readonly Command[] {
  if (record.back === undefined) return [writeScript({ ...record, state: "done" })];
  return [forgetScript(record.id), late.length === 0 ? forgetScript(record.back) : sh`rm -f ${fileOf(record.back)}`];
}

/** A line each. */
export const readScript: Command = raw(`cat ${splitFolder}/*.json 2>/dev/null || :`);

/** Pure. Those of a stack, the newest first, each once; of two servers' word on one, that of more steps counts. */
export function recordsIn(texts: readonly string[], stack: string): readonly SplitRecord[] {
  const all = texts.flatMap((text) => text.split("\n").flatMap((line) => recordIn(line) ?? [])).filter((each) => each.stack === stack);
  const by = new Map<string, SplitRecord>();
  for (const each of all) {
    const other = by.get(each.id);
    if (!other || other.begun < each.begun || each.state === "done") by.set(each.id, each);
  }
  return [...by.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}

function recordIn(line: string): SplitRecord | undefined {
  try {
    return SplitRecord.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
