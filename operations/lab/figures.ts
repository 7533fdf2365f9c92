// Passes of one case and job, over their rounds: what is compared. Pure.
import { caseOf, type Hardware, type Lab, type Pass, type Point } from "./model.ts";

export interface Figures {
  /** Server with its setting; with the lab's number before it where several are told together. */
  readonly of: string;
  readonly job: string;
  readonly rounds: number;
  readonly rate: number;
  /** Of the rounds: the lowest and the highest. */
  readonly least: number;
  readonly most: number;
  readonly ms: Pass["ms"];
  readonly errors: number;
  readonly points: readonly Point[];
  readonly hardware: Hardware | undefined;
  /** Of the best of its job. */
  readonly share: number;
  /** Transactions for a dollar, where the price of the server is known. */
  readonly perDollar?: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length);
const defined = (values: readonly (number | undefined)[]): readonly number[] =>
  values.filter((each) => each !== undefined && Number.isFinite(each)) as number[];

/** Second by second, of the rounds that have it. */
function meanPoints(all: readonly (readonly Point[])[]): readonly Point[] {
  const seconds = [...new Set(all.flatMap((points) => points.map(({ at }) => at)))].sort((a, b) => a - b);
  const bySecond = all.map((points) => new Map(points.map((each) => [each.at, each])));
  return seconds.map((at) => {
    const here = bySecond.flatMap((points) => points.get(at) ?? []);
    const waits = defined(here.map(({ ms }) => ms));
    return { at, rate: mean(here.map(({ rate }) => rate)), ...(waits.length > 0 && { ms: mean(waits) }) };
  });
}

function latency(passes: readonly Pass[]): Pass["ms"] {
  const of = (name: keyof Pass["ms"]) => defined(passes.map(({ ms }) => ms[name]));
  const some = (["p95", "p99"] as const).flatMap((name) => (of(name).length > 0 ? [[name, mean(of(name))] as const] : []));
  const longest = of("max");
  return { mean: mean(of("mean")), ...Object.fromEntries(some), ...(longest.length > 0 && { max: Math.max(...longest) }) };
}

/** In the order in which cases came; jobs one after the other. */
export function figuresOf(labs: readonly Lab[]): readonly Figures[] {
  const named = (lab: Lab, pass: Pass) => (labs.length > 1 ? `${lab.lab}: ${caseOf(pass)}` : caseOf(pass));
  const all = labs.flatMap((lab) => lab.passes.map((pass) => ({ pass, of: named(lab, pass), hardware: lab.hardware[pass.server] })));
  const grouped = [...Map.groupBy(all, ({ pass, of }) => `${pass.job}\n${of}`).values()].map((group) => {
    const passes = group.map(({ pass }) => pass);
    const { of, hardware } = group[0]!;
    const rates = passes.map(({ rate }) => rate);
    const price = hardware?.pricePerHour;
    return {
      ...{ of, hardware, job: passes[0]!.job, rounds: passes.length, rate: mean(rates) },
      ...{ least: Math.min(...rates), most: Math.max(...rates), ms: latency(passes) },
      errors: passes.reduce((sum, { errors }) => sum + errors, 0),
      points: meanPoints(passes.map(({ points }) => points)),
      ...(price !== undefined && price > 0 && { perDollar: (mean(rates) * 3600) / price }),
    };
  });
  const best = new Map<string, number>();
  for (const { job, rate } of grouped) best.set(job, Math.max(rate, best.get(job) ?? 0));
  const jobs = [...best.keys()];
  return grouped
    .map((each) => ({ ...each, share: best.get(each.job)! > 0 ? each.rate / best.get(each.job)! : 0 }))
    .sort((a, b) => jobs.indexOf(a.job) - jobs.indexOf(b.job));
}

/** USD that the servers cost while it ran; undefined where no price is known. */
export function costOf({ hardware, began, ended }: Pick<Lab, "hardware" | "began" | "ended">): number | undefined {
  const prices = defined(Object.values(hardware).map(({ pricePerHour }) => pricePerHour));
  return prices.length === 0 ? undefined : (prices.reduce((sum, each) => sum + each, 0) * (ended - began)) / 3600;
}

/** What a second of it counts. */
export const unitOf: Readonly<Record<Lab["kind"], string>> = { disk: "operations/s", oltp: "transactions/s", web: "requests/s" };
