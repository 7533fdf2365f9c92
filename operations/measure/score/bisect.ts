// Which commit made it worse: measured between a good and a bad one, each as often as it takes to be sure. Knows no git and no server.
import { mean } from "./noise.ts";

export interface BisectOptions {
  /** From the good one to the bad one, both among them. */
  readonly commits: readonly string[];
  /** Deploys it, measures once, and resolves with the score; 0 for a run that failed. */
  readonly measure: (commit: string) => Promise<number>;
  /** Scores that are known already. */
  readonly known?: Readonly<Record<string, readonly number[]>>;
  /** Of a score's logarithm. */
  readonly deviation: number;
  readonly tell: (sentence: string) => void;
}

export type Bisected =
  | {
      readonly found: string;
      readonly before: string;
      readonly confidence: number;
      readonly scores: Readonly<Record<string, readonly number[]>>;
    }
  | { readonly found?: undefined; readonly why: string; readonly scores: Readonly<Record<string, readonly number[]>> };

const sure = 0.95;
const most = 5;
const least = 2;
/** Below it a failed run is as bad as any. */
const failed = 1e-6;

const logs = (scores: readonly number[]): readonly number[] => scores.map((score) => Math.log(Math.max(score, failed)));

/** How sure it is that scores are the bad one's rather than the good one's, by their likelihoods. */
export function badness(scores: readonly number[], good: number, bad: number, deviation: number): number {
  const unlike = (middle: number) => logs(scores).reduce((sum, each) => sum + (each - middle) ** 2, 0) / (2 * deviation ** 2);
  return 1 / (1 + Math.exp(Math.max(-700, Math.min(700, unlike(bad) - unlike(good)))));
}

class Bisection {
  readonly scores: Record<string, number[]> = {};
  readonly #options: BisectOptions;

  constructor(options: BisectOptions) {
    this.#options = options;
    for (const [commit, known] of Object.entries(options.known ?? {})) this.scores[commit] = [...known];
  }

  async #once(commit: string): Promise<void> {
    const score = await this.#options.measure(commit);
    this.scores[commit] = [...(this.scores[commit] ?? []), score];
  }

  /** Until its mean stands out from the noise, or as often as anybody waits for. */
  async ends(good: string, bad: string): Promise<boolean> {
    const [a, b] = [() => this.scores[good] ?? [], () => this.scores[bad] ?? []];
    for (let runs = least; runs <= most; runs++) {
      while (a().length < runs) await this.#once(good);
      while (b().length < runs) await this.#once(bad);
      const by = mean(logs(a())) - mean(logs(b()));
      const error = this.#options.deviation * Math.sqrt(1 / a().length + 1 / b().length);
      if (by >= 2 * error) return true;
      if (runs === most || by < -2 * error) return false;
    }
    return false;
  }

  async isBad(commit: string, good: number, bad: number): Promise<number> {
    for (let runs = 1; ; runs++) {
      while ((this.scores[commit] ?? []).length < runs) await this.#once(commit);
      const certainty = badness(this.scores[commit]!, good, bad, this.#options.deviation);
      if (certainty >= sure || certainty <= 1 - sure || runs >= most) return certainty;
    }
  }
}

export async function bisect(options: BisectOptions): Promise<Bisected> {
  const { commits, tell } = options;
  const bisection = new Bisection(options);
  const [first, last] = [commits[0]!, commits.at(-1)!];
  const differ = await bisection.ends(first, last);
  const { scores } = bisection;
  if (!differ) return { scores, why: `${last} is not worse than ${first} by more than the noise` };
  const [good, bad] = [mean(logs(scores[first]!)), mean(logs(scores[last]!))];
  let [low, high, confidence] = [0, commits.length - 1, 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const commit = commits[middle]!;
    const certainty = await bisection.isBad(commit, good, bad);
    confidence *= Math.max(certainty, 1 - certainty);
    tell(
      `${commit}: ${certainty > 0.5 ? "bad" : "good"} (${scores[commit]!.map((each) => Math.round(each)).join(", ")}), ${high - low - 2 > 0 ? `${Math.max(middle - low, high - middle) - 1} left at most` : "none left"}`,
    );
    if (certainty > 0.5) high = middle;
    else low = middle;
  }
  return { found: commits[high]!, before: commits[low]!, confidence, scores };
}
