// How many changes a server had in a run: steps as they begin, and what became of them once their resource says so.

interface Steps {
  /** Of its runs before this one. */
  before: number;
  now: number;
  isSettled: boolean;
}

export class Tally {
  readonly #by = new Map<string, Steps>();

  get count(): number {
    return [...this.#by.values()].reduce((sum, { before, now }) => sum + before + now, 0);
  }

  /** A resource that is replaced begins twice. */
  begin(urn: string): void {
    const { before, now } = this.#of(urn);
    this.#by.set(urn, { before: before + now, now: 0, isSettled: false });
  }

  step(urn: string): void {
    const steps = this.#of(urn);
    if (!steps.isSettled) steps.now++;
  }

  /** What holds of its steps. */
  settle(urn: string, held: number): void {
    const steps = this.#of(urn);
    [steps.now, steps.isSettled] = [held, true];
  }

  /** Cut short, a lost link: of its last step nobody knows. */
  fail(urn: string): void {
    const steps = this.#of(urn);
    if (!steps.isSettled) [steps.now, steps.isSettled] = [Math.max(0, steps.now - 1), true];
  }

  #of(urn: string): Steps {
    const steps = this.#by.get(urn) ?? { before: 0, now: 0, isSettled: false };
    this.#by.set(urn, steps);
    return steps;
  }
}
