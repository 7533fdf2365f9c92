// What the page shows, a part each, and who reads it: all readers are told the same, and what did not change is told to nobody.
import { sleep } from "../../provisioners/ssh/retry.ts";

export interface Reader {
  /** @returns false where it does not keep up; it comes again by itself, and has all of it then */
  send(event: string, data: string): boolean;
}

export class Hub {
  readonly #parts = new Map<string, string>();
  readonly #readers = new Set<Reader>();
  readonly #waiting = new Set<() => void>();

  get readers(): number {
    return this.#readers.size;
  }

  /** The part's text as it is now. */
  part(id: string): string {
    return this.#parts.get(id) ?? "";
  }

  set(id: string, html: string): void {
    if (this.#parts.get(id) === html) return;
    this.#parts.set(id, html);
    this.tell("part", JSON.stringify({ id, html }));
  }

  /** Whoever joins hears no more of it. */
  drop(id: string): void {
    this.#parts.delete(id);
  }

  tell(event: string, data: string): void {
    for (const reader of this.#readers) if (!reader.send(event, data)) this.leave(reader);
  }

  /** Told at once what it may have missed since it loaded the page. */
  join(reader: Reader): void {
    this.#readers.add(reader);
    for (const [id, html] of this.#parts) reader.send("part", JSON.stringify({ id, html }));
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader);
  }

  /** `work` again and again while somebody reads, until the signal; `every`: milliseconds between two. */
  async whileRead(work: () => Promise<void>, every: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.someone(signal);
      if (signal.aborted) return;
      await work();
      await sleep(every, signal).catch(() => {});
    }
  }

  /** Until somebody reads, or the signal. */
  async someone(signal: AbortSignal): Promise<void> {
    if (this.#readers.size > 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        signal.removeEventListener("abort", end);
        this.#waiting.delete(end);
        resolve();
      };
      this.#waiting.add(end);
      signal.addEventListener("abort", end, { once: true });
    });
  }
}
