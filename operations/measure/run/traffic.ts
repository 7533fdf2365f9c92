// A benchmark that somebody starts elsewhere: noticed by its first requests, over when they stop. The application knows nothing of it.
import { type Command, quote } from "../../../provisioners/engine/shell-quote.ts";
import { folder, runLog } from "./scripts.ts";

/** From one look to the next: one person with a browser makes less. */
const burst = { bytes: 10_000, segments: 400 } as const;

/** Looks, and costs a server next to nothing. Logs are read only until the benchmark has begun. */
export function look(initialize: string, began: boolean): Command {
  const asked = quote(`(^|[^[:alnum:]_/.-])${initialize.replace(/[.+*?^$(){}|[\]\\]/g, "\\$&")}([?[:space:]"]|$)`);
  // Of long logs the end will do: one look comes a second after the other.
  const text = `set --
while read -r _ _ each; do if [ -f "$each" ]; then set -- "$@" "$each"; fi; done <<FLEET_LOGS
0 0 ${runLog}
$(cat ${folder}/offsets 2>/dev/null)
FLEET_LOGS
if [ $# -gt 0 ]; then
  echo "log $(stat -L -c %s -- "$@" 2>/dev/null | awk '{ n += $1 } END { print n + 0 }') ${began ? "0" : `$(tail -q -c 1000000 -- "$@" | grep -a -c -E ${asked})`}"
else
  echo "tcp $(awk '/^Tcp:/ && $2 ~ /^[0-9]/ { print $11 }' /proc/net/snmp) 0"
fi`;
  return { text, masked: text };
}

export interface Watched {
  readonly kind: "log" | "tcp";
  readonly amount: number;
  readonly initializations: number;
}

export function watchedIn(line: string): Watched | undefined {
  const [, kind, amount, initializations] = /^(log|tcp) (\d+) (\d+)/.exec(line.trim()) ?? [];
  return kind === undefined
    ? undefined
    : { kind: kind as Watched["kind"], amount: Number(amount), initializations: Number(initializations) };
}

/** Follows the looks of all servers: pure, told the time. */
export class Traffic {
  readonly #quiet: number;
  #last: Readonly<Record<string, Watched>> | undefined;
  #begun: number | undefined;
  #lastMoved = 0;

  /** @param quiet seconds without a request after which it has ended */
  constructor(quiet: number) {
    this.#quiet = quiet;
  }

  /** Seconds of the epoch; undefined before. */
  get began(): number | undefined {
    return this.#begun;
  }

  /** When the last request came. */
  get ended(): number {
    return this.#lastMoved;
  }

  /** @returns whether it is over */
  take(now: number, looks: Readonly<Record<string, Watched>>): boolean {
    const before = this.#last;
    this.#last = looks;
    if (!before) return false;
    const moved = Object.entries(looks).map(([server, { kind, amount, initializations }]) => {
      const was = before[server];
      if (!was) return { some: false, many: false };
      const by = amount - was.amount;
      const many = by >= (kind === "log" ? burst.bytes : burst.segments);
      return { some: kind === "log" ? by > 0 : many, many: many || initializations > was.initializations };
    });
    if (this.#begun === undefined && moved.some(({ many }) => many)) [this.#begun, this.#lastMoved] = [now, now];
    if (this.#begun !== undefined && moved.some(({ some }) => some)) this.#lastMoved = now;
    return this.#begun !== undefined && now - this.#lastMoved >= this.#quiet;
  }
}
