// What a server did, second by second, from its samples.
import { type Counters, empty, take } from "./counters.ts";

/** A value a second; where `times` is the end of each. */
export interface Series {
  readonly times: readonly number[];
  readonly cores: number;
  /** Shares of all cores, 0 to 1. */
  readonly busy: readonly number[];
  readonly wait: readonly number[];
  readonly steal: readonly number[];
  /** Of the core that had most to do. */
  readonly busiest: readonly number[];
  readonly running: readonly number[];
  /** Bytes. */
  readonly memoryTotal: number;
  readonly memoryAvailable: readonly number[];
  readonly swapUsed: readonly number[];
  /** Pages a second, in and out. */
  readonly swapping: readonly number[];
  readonly faults: readonly number[];
  /** Bytes a second. */
  readonly diskRead: readonly number[];
  readonly diskWritten: readonly number[];
  readonly diskBusy: readonly number[];
  readonly received: readonly number[];
  readonly sent: readonly number[];
  readonly connections: readonly number[];
  /** Over all of the run. */
  readonly overflows: number;
  readonly drops: number;
  readonly retransmitted: number;
  readonly killed: number;
  /** Cores that each took, those with most first. */
  readonly processes: readonly { readonly name: string; readonly seconds: number; readonly cores: readonly number[] }[];
}

/** The kernel counts a hundred a second, on all that we know. */
const ticks = 100;
const mostProcesses = 8;
const page = 1024;

/** Counters only go up; one that went down began anew. */
const rise = (before: number | undefined, after: number | undefined): number => Math.max(0, (after ?? 0) - (before ?? after ?? 0));

class Collected {
  readonly rows: Counters[] = [];
  readonly #heads = new Map<string, readonly string[]>();
  readonly #processes = new Map<string, number[]>();
  #previous: ReadonlyMap<string, number> | undefined;

  line(line: string): void {
    const at = /^@ (\d+\.?\d*)/.exec(line)?.[1];
    if (at !== undefined) {
      this.#ended();
      this.rows.push(empty(Number(at)));
      return;
    }
    const last = this.rows.at(-1);
    if (last) take(last, line, this.#heads);
  }

  /** By name, not by number: a server's workers are one. */
  #ended(): void {
    const last = this.rows.at(-1);
    if (!last) return;
    const index = this.rows.length - 1;
    for (const [key, spent] of last.processes) {
      const by = this.#previous ? spent - (this.#previous.get(key) ?? 0) : 0;
      if (by <= 0) continue;
      const name = key.slice(key.indexOf(" ") + 1);
      const series = this.#processes.get(name) ?? [];
      series[index] = (series[index] ?? 0) + by / ticks;
      this.#processes.set(name, series);
    }
    this.#previous = new Map(last.processes);
    last.processes.clear();
  }

  end(): Series | undefined {
    this.#ended();
    // The last one may have been cut.
    const rows = this.rows.filter(({ cores }) => cores.has("cpu"));
    return rows.length < 2 ? undefined : seriesOf(rows, this.#processes);
  }
}

function seriesOf(rows: readonly Counters[], processes: ReadonlyMap<string, readonly number[]>): Series {
  const pairs = rows
    .slice(1)
    .map((after, index) => ({ before: rows[index]!, after, seconds: Math.max(0.001, after.time - rows[index]!.time) }));
  const first = rows[0]!;
  const last = rows.at(-1)!;
  const share = (of: "busy" | "wait" | "steal", name: string) =>
    pairs.map(({ before, after }) => {
      const [was, is] = [before.cores.get(name), after.cores.get(name)];
      return was && is ? Math.min(1, rise(was[of], is[of]) / Math.max(1, is.all - was.all)) : 0;
    });
  const rate = (value: (counters: Counters) => number | undefined) =>
    pairs.map(({ before, after, seconds }) => rise(value(before), value(after)) / seconds);
  const names = [...first.cores.keys()].filter((name) => name !== "cpu");
  const each = names.map((name) => share("busy", name));
  const memory = (counters: Counters, name: string) => (counters.memory.get(name) ?? 0) * page;
  const over = (of: (counters: Counters) => number | undefined) => rise(of(first), of(last));
  const taken = [...processes]
    .map(([name, cores]) => ({
      name,
      seconds: cores.reduce((sum, value) => sum + (value ?? 0), 0),
      cores: pairs.map(({ seconds }, index) => (cores[index + 1] ?? 0) / seconds),
    }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, mostProcesses);
  return {
    times: pairs.map(({ after }) => after.time),
    cores: names.length,
    busy: share("busy", "cpu"),
    wait: share("wait", "cpu"),
    steal: share("steal", "cpu"),
    busiest: pairs.map((_, index) => Math.max(0, ...each.map((values) => values[index]!))),
    running: pairs.map(({ after }) => after.running),
    memoryTotal: memory(last, "MemTotal"),
    memoryAvailable: pairs.map(({ after }) => memory(after, "MemAvailable")),
    swapUsed: pairs.map(({ after }) => memory(after, "SwapTotal") - memory(after, "SwapFree")),
    swapping: rate(({ virtual }) => (virtual.get("pswpin") ?? 0) + (virtual.get("pswpout") ?? 0)),
    faults: rate(({ virtual }) => virtual.get("pgmajfault")),
    diskRead: rate(({ diskRead }) => diskRead),
    diskWritten: rate(({ diskWritten }) => diskWritten),
    diskBusy: rate(({ diskBusy }) => diskBusy).map((milliseconds) => Math.min(1, milliseconds / 1000)),
    received: rate(({ received }) => received),
    sent: rate(({ sent }) => sent),
    connections: pairs.map(({ after }) => after.connections),
    overflows: over(({ tcp }) => tcp.get("ListenOverflows")),
    drops: over(({ tcp }) => tcp.get("ListenDrops")),
    retransmitted: over(({ tcp }) => tcp.get("RetransSegs")),
    killed: over(({ virtual }) => virtual.get("oom_kill")),
    processes: taken,
  };
}

/** The part of it between two times; all of it where clocks differ so much that nothing is left. What was counted over all of the run stays. */
export function during(series: Series, from: number, to: number): Series {
  const within = series.times.map((time) => time >= from && time <= to);
  if (within.filter(Boolean).length < 3) return series;
  const cut = <T>(values: readonly T[]): readonly T[] => values.filter((_, index) => within[index]);
  const all = Object.entries(series).map(([name, value]) => [
    name,
    Array.isArray(value) && value.length === within.length && name !== "processes" ? cut(value) : value,
  ]);
  const processes = series.processes
    .map(({ name, cores }) => ({ name, cores: cut(cores), seconds: cut(cores).reduce((sum, each) => sum + each, 0) }))
    .sort((a, b) => b.seconds - a.seconds);
  return { ...(Object.fromEntries(all) as unknown as Series), processes };
}

/** Of a database, from its status words. */
export interface DatabaseSeries {
  readonly times: readonly number[];
  readonly connected: readonly number[];
  readonly running: readonly number[];
  readonly questions: readonly number[];
  /** Over all of the run. */
  readonly bufferReads: number;
  readonly bufferRequests: number;
  readonly lockWaits: number;
  readonly diskTables: number;
  readonly refused: number;
  readonly mostConnections: number;
}

class CollectedStatus {
  readonly #rows: { readonly time: number; readonly words: Map<string, number> }[] = [];

  line(line: string): void {
    const at = /^@ (\d+\.?\d*)/.exec(line)?.[1];
    if (at !== undefined) this.#rows.push({ time: Number(at), words: new Map() });
    else {
      const [name = "", value] = line.split("\t");
      if (value !== undefined) this.#rows.at(-1)?.words.set(name, Number(value));
    }
  }

  end(): DatabaseSeries | undefined {
    const rows = this.#rows.filter(({ words }) => words.size > 0);
    if (rows.length < 2) return undefined;
    const [first, last] = [rows[0]!, rows.at(-1)!];
    const over = (name: string) => rise(first.words.get(name), last.words.get(name));
    const later = rows.slice(1);
    return {
      times: later.map(({ time }) => time),
      connected: later.map(({ words }) => words.get("Threads_connected") ?? 0),
      running: later.map(({ words }) => words.get("Threads_running") ?? 0),
      questions: later.map(
        ({ time, words }, index) =>
          rise(rows[index]!.words.get("Questions"), words.get("Questions")) / Math.max(0.001, time - rows[index]!.time),
      ),
      bufferReads: over("Innodb_buffer_pool_reads"),
      bufferRequests: over("Innodb_buffer_pool_read_requests"),
      lockWaits: over("Innodb_row_lock_waits"),
      diskTables: over("Created_tmp_disk_tables"),
      refused: over("Connection_errors_max_connections"),
      mostConnections: last.words.get("Max_used_connections") ?? 0,
    };
  }
}

interface Taker<T> {
  line(line: string): void;
  end(): T | undefined;
}

/** Takes lines, then says what they came to; undefined where there are too few. */
export const samples = (): Taker<Series> => new Collected();
export const databaseSamples = (): Taker<DatabaseSeries> => new CollectedStatus();
