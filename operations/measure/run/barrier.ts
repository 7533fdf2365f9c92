// Servers that are made ready one beside the other, and all wait for what happens in the middle.

/** `arrive` once each; `over` then waits for the middle to end. Whoever can't arrive says so by `fail`, and the middle does not begin. */
export class Barrier<T> {
  readonly #all = Promise.withResolvers<void>();
  readonly #middle: Promise<T>;
  #missing: number;

  constructor(count: number, middle: () => Promise<T>) {
    this.#missing = count;
    this.#middle = this.#all.promise.then(middle);
    // Whoever waits for it hears of it.
    this.#middle.catch(() => {});
  }

  arrive(): void {
    this.#missing -= 1;
    if (this.#missing === 0) this.#all.resolve();
  }

  fail(error: Error): void {
    this.#all.reject(error);
  }

  get over(): Promise<T> {
    return this.#middle;
  }
}
