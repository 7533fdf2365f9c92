// How many scripts share one shell: each goes in as one quoted word and comes out between markers that carry a nonce.
import { quote } from "../engine/shell-quote.ts";

/** The lock's file descriptor in the persistent shell; scripts and what they start never inherit it. */
export const lockFd = 9;

/** Starts with a byte that text seldom has, so that looking for it costs nothing. */
export const marker = (nonce: string): string => `\u0002${nonce}`;

/**
 * `eval` of a quoted word in a subshell: costs one fork, no exec; the script is there as a whole before it begins; what it sets,
 * where it goes, its `exit` and its syntax errors end with the subshell. `stop` becomes its `$FLEET_STOP`. `own: true` runs it in
 * the persistent shell itself.
 */
export function frame(script: string, nonce: string, { own = false, stop = "" } = {}): string {
  const say = `printf '\\002%s' '${nonce}[\n'; printf '\\002%s' '${nonce}[\n' >&2`;
  const run = own ? script : `FLEET_STOP=${quote(stop)}\n(eval ${quote(script)}\n) </dev/null ${lockFd}>&-`;
  return `${say}\n${run}\nprintf '\\002%s]%s\\n' ${nonce} "$?"; printf '\\002%s]0\\n' ${nonce} >&2\n`;
}

/** Cuts one run's bytes out of an endless stream: what came before its beginning is dropped, markers may be split anywhere. */
export class Cut {
  readonly #begin: Buffer;
  readonly #end: Buffer;
  readonly #body: (bytes: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);
  #inside = false;
  /** The exit code, once the end was seen. */
  code: number | undefined;

  constructor(nonce: string, body: (bytes: Buffer) => void) {
    this.#begin = Buffer.from(`${marker(nonce)}[\n`);
    this.#end = Buffer.from(`${marker(nonce)}]`);
    this.#body = body;
  }

  feed(chunk: Buffer): void {
    if (this.code !== undefined) return;
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    if (!this.#inside) {
      const at = bytes.indexOf(this.#begin);
      if (at < 0) {
        this.#keep(bytes, this.#begin.length);
        return;
      }
      this.#inside = true;
      bytes = bytes.subarray(at + this.#begin.length);
    }
    const at = bytes.indexOf(this.#end);
    if (at < 0) {
      this.#keep(bytes, this.#end.length);
      return;
    }
    if (at > 0) this.#body(bytes.subarray(0, at));
    this.#rest = bytes.subarray(at);
    const newline = this.#rest.indexOf(0x0a);
    if (newline >= 0) this.code = Number(this.#rest.toString("latin1", this.#end.length, newline));
  }

  /** Gives away all but a tail that may be the beginning of a marker. */
  #keep(bytes: Buffer, length: number): void {
    const start = bytes.indexOf(0x02, Math.max(0, bytes.length - length + 1));
    const cut = start < 0 ? bytes.length : start;
    if (this.#inside && cut > 0) this.#body(bytes.subarray(0, cut));
    this.#rest = bytes.subarray(cut);
  }
}
