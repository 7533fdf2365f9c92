// Counts, sums and percentiles of a stream of numbers, in bounded memory.

/** Distinct values that are kept as they came. A log in milliseconds never has more; one in microseconds soon does. */
const exactly = 16_384;
/** Of a value, once there are more: an error of half a percent at most. */
const digits = 3;

const coarse = (value: number): number => Number(value.toPrecision(digits));

export class Distribution {
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;
  #counts = new Map<number, number>();
  #coarse = false;

  add(value: number, times = 1): void {
    this.count += times;
    this.sum += value * times;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    const key = this.#coarse ? coarse(value) : value;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + times);
    if (!this.#coarse && this.#counts.size > exactly) this.#coarsen();
  }

  merge(other: Distribution): void {
    const { count, sum, min, max } = other;
    const total = { count: this.count + count, sum: this.sum + sum, min: Math.min(this.min, min), max: Math.max(this.max, max) };
    for (const [value, times] of other.#counts) this.add(value, times);
    // What was kept coarsely must not blur what is known exactly.
    Object.assign(this, total);
  }

  get average(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /**
   * The value at rank ⌊(n + 1) · p⌋ of the sorted ones, as alp counts ranks; the two agree to the last digit while values are kept as they came.
   * @param percent 0 to 100
   */
  percentile(percent: number): number {
    if (this.count === 0) return 0;
    let left = Math.max(1, Math.min(this.count, Math.floor((this.count + 1) * (percent / 100))));
    for (const [value, times] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= times;
      if (left <= 0) return value;
    }
    return this.max;
  }

  #coarsen(): void {
    this.#coarse = true;
    const exact = this.#counts;
    this.#counts = new Map();
    for (const [value, times] of exact) {
      const key = coarse(value);
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + times);
    }
  }
}
