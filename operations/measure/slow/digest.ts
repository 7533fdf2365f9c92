// The slow query log by fingerprint, as pt-query-digest has it.
import { Distribution } from "../distribution.ts";
import { kept } from "../lines.ts";
import { fingerprint, queryId } from "./fingerprint.ts";
import { SlowLogParser, type SlowQuery } from "./parse.ts";

export interface QueryClass {
  /** pt-query-digest's id of it. */
  readonly id: string;
  readonly fingerprint: string;
  readonly count: number;
  /** Seconds. */
  readonly sum: number;
  readonly min: number;
  readonly average: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly lockSum: number;
  readonly rowsSent: number;
  readonly rowsExamined: number;
  readonly database?: string;
  /** The slowest of them, for EXPLAIN: it may hold what nobody else should read, and is in no report. */
  readonly sample: string;
}

export interface SlowReport {
  readonly queries: number;
  readonly seconds: number;
  /** The longest sum first. */
  readonly classes: readonly QueryClass[];
  /** Of fingerprints beyond those that are kept apart. */
  readonly other: number;
}

/** Bytes of a statement that are looked at. */
const longest = 1_000_000;
/** Of a fingerprint that are kept: a table has no more columns than that. */
const longestPrint = 20_000;
const mostClasses = 5000;
const mostKnown = 20_000;

class Tally {
  readonly times = new Distribution();
  lockSum = 0;
  rowsSent = 0;
  rowsExamined = 0;
  sample = "";
  database: string | undefined;
  #slowest = -1;

  add({ text, seconds, lockSeconds, rowsSent, rowsExamined, database }: SlowQuery): void {
    this.times.add(seconds);
    this.lockSum += lockSeconds;
    this.rowsSent += rowsSent;
    this.rowsExamined += rowsExamined;
    if (seconds <= this.#slowest) return;
    [this.#slowest, this.sample, this.database] = [seconds, kept(text), database];
  }
}

export class SlowLog {
  readonly #tallies = new Map<string, Tally>();
  readonly #known = new Map<string, string>();
  readonly #parser = new SlowLogParser((query) => this.#add(query));
  #other = 0;

  line(line: string): void {
    this.#parser.line(line);
  }

  #add(query: SlowQuery): void {
    const print = this.#print(query.text);
    let tally = this.#tallies.get(print);
    if (!tally) {
      if (this.#tallies.size >= mostClasses) {
        this.#other += 1;
        return;
      }
      tally = new Tally();
      this.#tallies.set(kept(print), tally);
    }
    tally.add(query);
  }

  #print(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= mostKnown) this.#known.clear();
    const print = fingerprint(text.length > longest ? text.slice(0, longest) : text).slice(0, longestPrint);
    if (text.length < 500) this.#known.set(kept(text), print);
    return print;
  }

  report(): SlowReport {
    this.#parser.end();
    const classes = [...this.#tallies].map(([print, tally]) => classOf(print, tally)).sort((a, b) => b.sum - a.sum);
    return {
      queries: classes.reduce((sum, { count }) => sum + count, this.#other),
      seconds: classes.reduce((sum, each) => sum + each.sum, 0),
      classes,
      other: this.#other,
    };
  }
}

function classOf(print: string, { times, lockSum, rowsSent, rowsExamined, sample, database }: Tally): QueryClass {
  return {
    id: queryId(print),
    fingerprint: print,
    count: times.count,
    sum: times.sum,
    min: times.min,
    average: times.average,
    p50: times.percentile(50),
    p95: times.percentile(95),
    p99: times.percentile(99),
    max: times.max,
    lockSum,
    rowsSent,
    rowsExamined,
    sample,
    ...(database !== undefined && { database }),
  };
}
