// What an engine asks first is what it has in its state: that is looked at while it starts, and its question has an answer when it comes.
import { same } from "./difference.ts";
import type { Call, Resource } from "./resource.ts";
import type { Properties } from "./wire.ts";

/** A resource as a state has it, its secrets in envelopes. */
export interface Kept {
  readonly urn: string;
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}

type Old = { readonly inputs: Properties; readonly outputs: Properties };
type Found = Awaited<ReturnType<Resource["read"]>>;

interface Begun {
  readonly id: string;
  readonly old: Old;
  readonly found: Promise<Found>;
  /** What it had to say, for the call that comes. */
  readonly said: readonly Parameters<Call["log"]>[];
}

/** Each look counts once, and for the very same question alone. */
export class ReadAhead {
  readonly #begun = new Map<string, Begun>();

  begin(resource: Resource<Properties, Properties>, { urn, id }: Pick<Kept, "urn" | "id">, old: Old, call: Call): void {
    const said: Parameters<Call["log"]>[] = [];
    const found = resource.read(id, old, { ...call, log: (...words) => void said.push(words) });
    // Who asks hears of it; where nobody does, nothing was lost.
    found.catch(() => {});
    this.#begun.set(urn, { id, old, found, said });
  }

  /** undefined where it has to be looked at now. */
  take(urn: string, id: string, old: Old, { log }: Call): Promise<Found> | undefined {
    const begun = this.#begun.get(urn);
    this.#begun.delete(urn);
    if (!begun || begun.id !== id || !same(begun.old, old)) return undefined;
    return begun.found.finally(() => {
      for (const words of begun.said) log(...words);
    });
  }
}
