// An access log as alp reads it, by method and pattern; as a stream, however long the log is.
import { Distribution } from "../distribution.ts";
import { kept } from "../lines.ts";
import { formatOf, type LogFormat, type Request, requestIn } from "./line.ts";
import { pathOf, patternsFor } from "./patterns.ts";

export interface Endpoint {
  readonly method: string;
  readonly pattern: string;
  readonly count: number;
  /** Seconds; all 0 where the log does not say how long. */
  readonly sum: number;
  readonly min: number;
  readonly average: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly bytes: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Requests by status: `{200: 12, 304: 3}`. */
  readonly statuses: Readonly<Record<string, number>>;
}

export interface AccessReport {
  readonly requests: number;
  /** Lines that are no request, or were cut. */
  readonly unread: number;
  readonly bytes: number;
  readonly format?: LogFormat;
  /** False where the log's format has no time of a request. */
  readonly timed: boolean;
  readonly first?: number;
  readonly last?: number;
  /** Requests by second of the epoch. */
  readonly perSecond: readonly (readonly [second: number, requests: number])[];
  /** The longest sum first. */
  readonly endpoints: readonly Endpoint[];
}

class Tally {
  readonly times = new Distribution();
  readonly statuses = new Map<number, number>();
  count = 0;
  bytes = 0;
  minBytes = Number.POSITIVE_INFINITY;
  maxBytes = 0;

  add({ status, bytes, seconds }: Request): void {
    this.count += 1;
    this.bytes += bytes;
    if (bytes < this.minBytes) this.minBytes = bytes;
    if (bytes > this.maxBytes) this.maxBytes = bytes;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (seconds !== undefined) this.times.add(seconds);
  }

  merge(other: Tally): void {
    this.count += other.count;
    this.bytes += other.bytes;
    this.minBytes = Math.min(this.minBytes, other.minBytes);
    this.maxBytes = Math.max(this.maxBytes, other.maxBytes);
    for (const [status, times] of other.statuses) this.statuses.set(status, (this.statuses.get(status) ?? 0) + times);
    this.times.merge(other.times);
  }
}

/** Paths that are kept apart until patterns are looked for among them: what bounds the memory. */
const mostPaths = 4000;
const mostMethods = 30;
/** Stands for all that was asked for hardly ever, in logs with more paths than are kept. */
const rare = "(rare)";
/** Of paths as they came, so that a page asked for again costs one look. */
const mostKnown = 50_000;

/** Seconds of the epoch of `2026-12-01T10:00:00+09:00`, `01/Dec/2026:10:00:00 +0900`, or a number; undefined for anything else. */
export function secondOf(time: string): number | undefined {
  const [, day, month, year, clock, zone] = /^(\d+)\/(\w{3})\/(\d{4}):(\S+) (\S+)$/.exec(time) ?? [];
  const at = /^\d{9,}(\.\d+)?$/.test(time) ? Number(time) : Date.parse(day ? `${day} ${month} ${year} ${clock} ${zone}` : time) / 1000;
  return Number.isFinite(at) ? Math.floor(at) : undefined;
}

export class AccessLog {
  readonly #given: readonly { readonly source: string; readonly fits: RegExp }[];
  #tallies = new Map<string, Map<string, Tally>>();
  #paths = 0;
  #known = new Map<string, string>();
  readonly #perSecond = new Map<number, number>();
  #format: LogFormat | undefined;
  #unread = 0;
  #timed = false;
  #lastTime = "";
  #lastSecond: number | undefined;

  /** @param given patterns of the team's own, as `alp -m` takes them; they come before those that are found */
  constructor(given: readonly string[] = []) {
    this.#given = given.map((source) => ({ source, fits: new RegExp(source) }));
  }

  line(line: string): void {
    if (line === "") return;
    const request = this.#request(line);
    if (!request) {
      this.#unread += 1;
      return;
    }
    if (request.seconds !== undefined) this.#timed = true;
    this.#count(request.time);
    this.#tally(this.#method(request.method), this.#path(request.uri)).add(request);
  }

  /** As the line before it, else as it looks: a server's own log has a format of its own, and somebody may change it. */
  #request(line: string): Request | undefined {
    const request = this.#format && requestIn(line, this.#format);
    if (request) return request;
    const format = formatOf(line);
    if (format === undefined || format === this.#format) return undefined;
    const other = requestIn(line, format);
    if (other || this.#format === undefined) this.#format = format;
    return other;
  }

  report(): AccessReport {
    this.#fold();
    const endpoints = [...this.#tallies].flatMap(([method, tallies]) =>
      [...tallies].map(([pattern, tally]) => endpoint(method, pattern, tally)),
    );
    const perSecond = [...this.#perSecond].sort(([a], [b]) => a - b);
    return {
      requests: endpoints.reduce((sum, { count }) => sum + count, 0),
      unread: this.#unread,
      bytes: endpoints.reduce((sum, { bytes }) => sum + bytes, 0),
      timed: this.#timed,
      perSecond,
      ...(this.#format && { format: this.#format }),
      ...(perSecond.length > 0 && { first: perSecond[0]![0], last: perSecond.at(-1)![0] }),
      endpoints: endpoints.sort((a, b) => b.sum - a.sum || b.count - a.count),
    };
  }

  #count(time: string): void {
    if (time !== this.#lastTime) [this.#lastTime, this.#lastSecond] = [time, secondOf(time)];
    const second = this.#lastSecond;
    if (second !== undefined) this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1);
  }

  /** Methods are few, unless somebody makes them up. */
  #method(method: string): string {
    return this.#tallies.has(method) || this.#tallies.size < mostMethods ? method : rare;
  }

  #path(uri: string): string {
    const known = this.#known.get(uri);
    if (known !== undefined) return known;
    if (this.#known.size >= mostKnown) this.#known.clear();
    const bare = uri.split("?", 1)[0]!;
    const path = this.#given.find(({ fits }) => fits.test(bare))?.source ?? pathOf(uri);
    const own = kept(path);
    this.#known.set(kept(uri), own);
    return own;
  }

  #tally(method: string, path: string): Tally {
    const tallies = this.#tallies.get(method) ?? new Map<string, Tally>();
    if (!this.#tallies.has(method)) this.#tallies.set(kept(method), tallies);
    const there = tallies.get(path);
    if (there) return there;
    const made = new Tally();
    tallies.set(path, made);
    this.#paths += 1;
    if (this.#paths <= mostPaths) return made;
    const patternOf = this.#fold();
    this.#dropRare();
    return this.#tally(method, patternOf(path));
  }

  /** Where hardly anything is like anything else (somebody tries all names), what is asked for least goes into one. */
  #dropRare(): void {
    if (this.#paths <= mostPaths * (3 / 4)) return;
    this.#paths = 0;
    for (const [method, tallies] of this.#tallies) {
      const byCount = [...tallies].sort(([, a], [, b]) => b.count - a.count);
      const kept = new Map(byCount.slice(0, Math.ceil(byCount.length / 4)));
      const rest = kept.get(rare) ?? new Tally();
      kept.set(rare, rest);
      for (const [path, tally] of byCount) if (!kept.has(path)) rest.merge(tally);
      this.#paths += kept.size;
      this.#tallies.set(method, kept);
    }
  }

  /** Looks for patterns in all that came so far. */
  #fold(): (path: string) => string {
    const all = [...this.#tallies.values()].flatMap((tallies) => [...tallies].map(([path, { count }]) => [path, count] as const));
    const given = new Set(this.#given.map(({ source }) => source));
    const found = patternsFor(all.filter(([path]) => !given.has(path)));
    const patternOf = (path: string) => (given.has(path) ? path : found(path));
    this.#known.clear();
    this.#paths = 0;
    for (const [method, tallies] of this.#tallies) {
      const folded = new Map<string, Tally>();
      for (const [path, tally] of tallies) {
        if (tally.count === 0) continue;
        const pattern = patternOf(path);
        const there = folded.get(pattern);
        if (there) there.merge(tally);
        else folded.set(pattern, tally);
      }
      this.#paths += folded.size;
      this.#tallies.set(method, folded);
    }
    return patternOf;
  }
}

function endpoint(method: string, pattern: string, { times, statuses, count, bytes, minBytes, maxBytes }: Tally): Endpoint {
  const timed = times.count > 0;
  return {
    method,
    pattern,
    count,
    sum: times.sum,
    min: timed ? times.min : 0,
    average: times.average,
    p50: times.percentile(50),
    p90: times.percentile(90),
    p99: times.percentile(99),
    max: times.max,
    bytes,
    minBytes,
    maxBytes,
    statuses: Object.fromEntries([...statuses].sort(([a], [b]) => a - b)),
  };
}
