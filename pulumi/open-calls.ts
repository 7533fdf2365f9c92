// What a program still waits for, by its calls to the engine. A resource whose input failed is never registered, and what waits for its outputs waits
// for ever: Pulumi's own runner ends there, since its process has nothing left to do. This one has a provider, and goes on.

type Callback = (...args: unknown[]) => void;
type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Milliseconds without a call under way, after which a failed program has nothing more to say. */
const patience = 3000;
const turn = 100;

export class OpenCalls {
  #open = 0;
  #idleSince = Date.now();

  /** @param clients of gRPC, generated: each call ends in its callback */
  constructor(clients: readonly (object | undefined)[]) {
    for (const client of clients) if (client) this.#count(client as Record<string, unknown>);
  }

  /** As `work` ends, or false where the program has failed and nothing is under way any more. */
  async race<T>(work: Promise<T>, failed: () => boolean): Promise<T | false> {
    let timer: NodeJS.Timeout | undefined;
    const stuck = new Promise<false>((resolve) => {
      timer = setInterval(() => {
        if (!failed()) this.#idleSince = Date.now();
        else if (this.#open === 0 && Date.now() - this.#idleSince >= patience) resolve(false);
      }, turn);
      // An engine that is gone answers no call any more, and what waits for it must not keep the command from its end.
      timer.unref();
    });
    return await Promise.race([work, stuck]).finally(() => clearInterval(timer));
  }

  #count(client: Record<string, unknown>): void {
    for (const name of Object.keys(Object.getPrototypeOf(client) as object)) {
      const method = client[name];
      if (typeof method === "function") client[name] = this.#counted(method as Method);
    }
  }

  #counted(method: Method): Method {
    const calls = this;
    return function (...args) {
      const callback = args.at(-1);
      if (typeof callback !== "function") return method.apply(this, args);
      calls.#open++;
      const ended: Callback = (...answer) => {
        calls.#open--;
        calls.#idleSince = Date.now();
        (callback as Callback)(...answer);
      };
      return method.apply(this, [...args.slice(0, -1), ended]);
    };
  }
}
