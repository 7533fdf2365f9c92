// What was typed for a lab, as what is run: every mistake is told before anything is touched.

import type { FleetServer } from "../operations/fleet-up.ts";
import type { Seen } from "../operations/lab/hardware.ts";
import type { Kind } from "../operations/lab/model.ts";
import { type Workload, workloads } from "../operations/lab/oltp.ts";
import { estimate, fileBytes, rowBytes, rowsFor } from "../operations/lab/order.ts";
import { type Case, type How, jobsOf, type LabWish } from "../operations/lab/run.ts";
import { bytes, whole } from "../operations/measure/report/figures.ts";
import { counted } from "../spec/counted.ts";
import { choice } from "../spec/messages.ts";
import { UserError } from "../spec/problem.ts";

export interface LabOptions {
  readonly stack?: string;
  readonly time: string;
  readonly ramp: string;
  readonly repeat: string;
  readonly atOnce: boolean;
  readonly note?: string;
  readonly yes: boolean;
  readonly json: boolean;
  readonly dir?: string;
  readonly size?: string;
  readonly depth?: string;
  readonly workload?: string;
  readonly threads?: string;
  readonly tables?: string;
  readonly rows?: string;
  readonly scale?: string;
  readonly setting?: string;
  readonly url?: string;
  readonly connections?: string;
}

export interface Wanted extends Pick<LabWish, "how" | "cases" | "rounds"> {
  /** Seconds, about. */
  readonly takes: number;
  readonly passes: number;
  /** How it is asked, as the page tells it. */
  readonly told: readonly string[];
}

function numberIn(option: string, text: string, [least, most]: readonly [number, number]): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UserError(`--${option}: expected a whole number from ${least} to ${whole(most)}, got \`${text}\``);
}

const numbersIn = (option: string, text: string, range: readonly [number, number]): readonly number[] =>
  text.split(",").map((each) => numberIn(option, each, range));

interface Variant extends Pick<Case, "setting" | "width" | "set"> {}

/** Only what differs between cases names them. */
function variants(widths: readonly number[], unit: string, setting: string | undefined): readonly Variant[] {
  const [name, values] = setting === undefined ? [undefined, [undefined]] : settingIn(setting);
  return widths.flatMap((width) =>
    values.map((value) => {
      const set = name === undefined || value === undefined ? undefined : { name, value };
      const words = [...(widths.length > 1 ? [`${width} ${unit}`] : []), ...(set ? [`${set.name}=${set.value}`] : [])];
      return { setting: words.join(", "), width, ...(set && { set }) };
    }),
  );
}

function settingIn(text: string): readonly [string, readonly string[]] {
  const [, name, values] = /^([a-z][a-z0-9_]*)=([^=]+)$/i.exec(text) ?? [];
  if (name === undefined || values === undefined || values.split(",").some((each) => !/^[\w.:/-]+$/.test(each)))
    throw new UserError(`--setting: expected a variable and its values, such as \`sync_binlog=0,1\`, got \`${text}\``);
  return [name, values.split(",")];
}

/** Pure. Throws a UserError for what can't be meant. */
export function planned(kind: Kind, servers: readonly FleetServer[], seen: ReadonlyMap<string, Seen>, options: LabOptions): Wanted {
  const [time, ramp] = [numberIn("time", options.time, [1, 86_400]), numberIn("ramp", options.ramp, [0, 3600])];
  const rounds = numberIn("repeat", options.repeat, [1, 99]);
  const { how, told, all } = { disk, oltp, web }[kind](options, { time, ramp }, [...seen]);
  const cases = servers.flatMap((server) => all.map((each) => ({ server, ...each })));
  const passes = cases.length * rounds * jobsOf(how);
  return {
    ...{ how, cases, rounds, passes, takes: estimate(passes, { time, ramp }) },
    told: [...told, `${time} s after ${ramp} s of ramp-up`, ...(rounds > 1 ? [`${counted(rounds, "round")} in turn`] : [])],
  };
}

interface Parsed {
  readonly how: How;
  readonly told: readonly string[];
  readonly all: readonly Variant[];
}

type Times = Readonly<Record<"time" | "ramp", number>>;
type AllSeen = readonly (readonly [string, Seen])[];
const memories = (seen: AllSeen): readonly number[] => seen.map(([, { hardware }]) => hardware.memory);

/** What is written must fit, and leave room for what else is there. */
function fits(seen: AllSeen, wanted: number, option: string): void {
  for (const [server, { free }] of seen)
    if (wanted > free * 0.8)
      throw new UserError(
        `${server}: expected ${bytes(wanted / 0.8)} free where the lab writes, got ${bytes(free)}; next: a smaller --${option}`,
      );
}

function disk({ dir = "/var/tmp", size, depth = "16" }: LabOptions, times: Times, seen: AllSeen): Parsed {
  if (!/^\/[\w./-]*$/.test(dir)) throw new UserError(`--dir: expected the whole path of a folder, got \`${dir}\``);
  const widths = numbersIn("depth", depth, [1, 1024]);
  const size_ =
    size === undefined
      ? fileBytes(
          memories(seen),
          seen.map(([, { free }]) => free),
        )
      : numberIn("size", size, [1, 1024 ** 2]) * 1024 ** 2;
  fits(seen, size_, "size");
  return {
    how: { kind: "disk", place: dir, bytes: size_, depth: widths[0]!, ...times },
    told: [`a file of ${whole(size_ / 1024 ** 2)} MiB in ${dir}`, `${widths.join(" and ")} requests in flight`],
    all: variants(widths, "in flight", undefined),
  };
}

function oltp(
  { workload = "read-only", threads = "16", tables = "1", rows, scale = "10", setting }: LabOptions,
  times: Times,
  seen: AllSeen,
): Parsed {
  if (!(workload in workloads))
    throw new UserError(
      `--workload: expected ${Object.keys(workloads).join(", ")}, got \`${workload}\`${choice(workload, Object.keys(workloads))}`,
    );
  const without = seen.find(([, { hardware }]) => hardware.database === undefined);
  if (without)
    throw new UserError(
      `${without[0]}: expected a MySQL or MariaDB that runs and can be asked as root, got none; next: name the servers that have one`,
    );
  const widths = numbersIn("threads", threads, [1, 4096]);
  const many = numberIn("tables", tables, [1, 256]);
  const each = rows === undefined ? Math.ceil(rowsFor(memories(seen)) / many) : numberIn("rows", rows, [1, 2_000_000_000]);
  const warehouses = numberIn("scale", scale, [1, 100_000]);
  const isTpcc = workload === "tpcc";
  // A warehouse is about 100 MB.
  fits(seen, isTpcc ? many * warehouses * 1e8 : each * many * rowBytes * 1.3, isTpcc ? "scale" : "rows");
  return {
    how: { kind: "oltp", workload: workload as Workload, rows: each, tables: many, scale: warehouses, ...times },
    told: [
      `sysbench ${workload}, uniform`,
      isTpcc
        ? `${many} × ${warehouses} warehouses`
        : `${many === 1 ? "" : `${many} tables of `}${whole(each)} rows (${bytes(each * many * rowBytes)})`,
      `${widths.join(" and ")} threads`,
    ],
    all: variants(widths, "threads", setting),
  };
}

function web({ url = "http://{address}/", connections = "16" }: LabOptions, times: Times): Parsed {
  if (!URL.canParse(url.replaceAll("{address}", "192.0.2.1")))
    throw new UserError(`--url: expected a URL such as http://{address}/api, got \`${url}\``);
  const widths = numbersIn("connections", connections, [1, 10_000]);
  return {
    how: { kind: "web", url, ...times },
    told: [`wrk, GET ${url}`, `${widths.join(" and ")} connections`],
    all: variants(widths, "connections", undefined),
  };
}
