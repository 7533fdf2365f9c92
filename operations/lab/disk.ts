// fio on a folder of its own: what the disks below it do.
import { type Command, lines, quote, raw, withInput } from "../../provisioners/engine/shell-quote.ts";
import { folder, running, undo } from "./aside.ts";
import type { Pass, Point } from "./model.ts";

export interface DiskJob {
  /** As it is told: `random read 4k`. */
  readonly name: string;
  readonly rw: "randread" | "randwrite" | "read" | "write";
  readonly bs: string;
  /** Writes that a database waits for: one at a time, each on the disk before the next. */
  readonly synced?: boolean;
}

/** What a database does to a disk, and what a copy of it does. */
export const diskJobs: readonly DiskJob[] = [
  { name: "random read 16k", rw: "randread", bs: "16k" },
  { name: "random write 16k", rw: "randwrite", bs: "16k" },
  { name: "write and sync 4k", rw: "randwrite", bs: "4k", synced: true },
  { name: "read 1M", rw: "read", bs: "1m" },
  { name: "write 1M", rw: "write", bs: "1m" },
];

export interface DiskHow {
  /** Folder in which a folder of the lab's own is made. */
  readonly place: string;
  readonly bytes: number;
  readonly time: number;
  readonly ramp: number;
  readonly depth: number;
}

const own = (place: string): string => `${place.replace(/\/$/, "")}/.fleet-lab`;

/** A folder that nobody else has. */
export const diskReady = ({ place }: Pick<DiskHow, "place">): Command =>
  lines([
    raw(`if [ -e ${quote(own(place))} ]; then echo ${quote(`${own(place)} is there already`)} >&2; exit 48; fi`),
    raw(undo(`rm -rf ${quote(own(place))}`)),
    ...missing(place),
    raw(`mkdir ${quote(own(place))}`),
  ]);

/** Folders that are made for it go again while they are empty. */
const missing = (place: string): readonly Command[] => [
  raw(`at=${quote(place)}; while [ ! -e "$at" ]; do printf 'rmdir "%s" 2>/dev/null || :\\n' "$at" >>${folder}/made; at=$(dirname -- "$at"); done
if [ -s ${folder}/made ]; then tac ${folder}/made | cat - ${folder}/undo >${folder}/both; mv ${folder}/both ${folder}/undo; rm ${folder}/made; mkdir -p ${quote(place)}; fi`),
];

const jobText = ({ rw, bs, synced = false }: DiskJob, { place, bytes, time, ramp, depth }: DiskHow, direct: boolean): string => `[global]
directory=${own(place)}
filename=data
size=${bytes}
ioengine=libaio
direct=${direct ? 1 : 0}
time_based=1
runtime=${time}
ramp_time=${ramp}
log_avg_msec=1000
refill_buffers=1
group_reporting=1
[job]
rw=${rw}
bs=${bs}
iodepth=${synced ? 1 : depth}
${synced ? "fdatasync=1\n" : ""}write_iops_log=${own(place)}/log
write_lat_log=${own(place)}/log
`;

const marks = { cached: "== cached ==", json: "== json ==", iops: "== iops ==", latency: "== latency ==", end: "== end ==" } as const;

/** File systems that know no direct way (tmpfs) go through the page cache: said in the answer. */
export function diskPass(job: DiskJob, how: DiskHow): Command {
  const at = quote(own(how.place));
  return lines([
    raw(`cd ${at}; rm -f log*; direct=yes`),
    raw(`dd if=/dev/zero of=probe bs=4k count=1 oflag=direct 2>/dev/null || direct=no; rm -f probe`),
    raw(`if [ $direct = yes ]; then`),
    withInput(raw(`cat >job`), jobText(job, how, true)),
    raw("else"),
    withInput(raw(`cat >job`), jobText(job, how, false)),
    raw(`echo '${marks.cached}'\nfi`),
    raw(running("fio --output-format=json --output=out.json job")),
    raw(`if [ $code != 0 ]; then exit $code; fi
echo '${marks.json}'; cat out.json
echo '${marks.iops}'; cat log_iops*.log 2>/dev/null
echo '${marks.latency}'; cat log_lat*.log 2>/dev/null
echo '${marks.end}'`),
  ]);
}

interface Timed {
  readonly mean: number;
  readonly max: number;
  readonly percentile?: Readonly<Record<string, number>>;
}

interface FioSide {
  readonly iops: number;
  readonly lat_ns: Timed;
  readonly clat_ns: Timed;
}

interface FioJob extends Readonly<Record<"read" | "write", FioSide>> {
  readonly sync: { readonly lat_ns: Timed };
  readonly error: number;
}

const part = (text: string, from: string, to: string): string => (text.split(`${from}\n`)[1] ?? "").split(`${to}\n`)[0] ?? "";

/** `999, 36080, 0, 0, 0`: a value by its second. */
const logged = (text: string): ReadonlyMap<number, number> =>
  new Map(
    text
      .split("\n")
      .map((line) => line.split(",").map(Number))
      .filter(([time, value]) => Number.isFinite(time) && Number.isFinite(value))
      .map(([time = 0, value = 0]) => [Math.round(time / 1000), value]),
  );

export interface DiskSaid extends Pick<Pass, "rate" | "ms" | "errors" | "points"> {
  /** Through the page cache: the disk had little part in it. */
  readonly cached: boolean;
}

/** Pure. Throws where fio said nothing that can be read. */
export function diskSaid(text: string, { rw, synced = false }: Pick<DiskJob, "rw" | "synced">): DiskSaid {
  const { jobs } = JSON.parse(part(text, marks.json, marks.iops)) as { jobs: readonly FioJob[] };
  const job = jobs[0]!;
  const side = job[rw.endsWith("read") ? "read" : "write"];
  const milliseconds = (nanoseconds: number) => nanoseconds / 1e6;
  const [timed, most] = synced ? [job.sync.lat_ns, job.sync.lat_ns.max] : [side.clat_ns, side.lat_ns.max];
  const percentile = (name: string) => milliseconds(timed.percentile?.[name] ?? 0);
  const [rates, waits] = [logged(part(text, marks.iops, marks.latency)), logged(part(text, marks.latency, marks.end))];
  const points: Point[] = [...rates].map(([at, rate]) => {
    // fio times a write without the sync behind it; whoever writes waits for both.
    const wait = synced ? 1e9 / Math.max(1, rate) : waits.get(at);
    return { at, rate, ...(wait !== undefined && { ms: milliseconds(wait) }) };
  });
  return {
    cached: text.includes(`${marks.cached}\n`),
    rate: side.iops,
    ms: {
      mean: synced ? 1000 / Math.max(1, side.iops) : milliseconds(side.lat_ns.mean),
      ...{ p95: percentile("95.000000"), p99: percentile("99.000000"), max: milliseconds(most) },
    },
    errors: job.error === 0 ? 0 : 1,
    points,
  };
}
