// What a server prints is a stranger's text: no line of it may move the cursor, fill the memory or look like ours.

/** Bytes of one line that are shown; the rest of a longer line is dropped. */
export const lineLimit = 8192;

const escapes = /\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?/g;
const controls = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Without terminal escapes, control bytes (tabs stay) and marks that turn the direction of writing. */
export const clean = (line: string): string => line.replace(escapes, "").replace(controls, "");

/** The end of a longer text, on one line, for an error sentence. */
export const gist = (text: string, length = 300): string => {
  const lines = text
    .split("\n")
    .map(clean)
    .map((line) => line.trim());
  const joined = lines.filter(Boolean).join("; ");
  return joined.length > length ? `…${joined.slice(-length)}` : joined;
};

/** Hands over whole lines as they come, cleaned; `end` hands over a last one without a newline. */
export class Lines {
  readonly #onLine: (line: string) => void;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  feed(bytes: Buffer): void {
    let from = 0;
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, from)) {
      this.#add(bytes.subarray(from, at));
      this.#flush();
      from = at + 1;
    }
    this.#add(bytes.subarray(from));
  }

  end(): void {
    if (this.#length > 0) this.#flush();
  }

  #add(bytes: Buffer): void {
    const room = Math.max(0, lineLimit - this.#length);
    if (bytes.length > 0 && room > 0) this.#parts.push(bytes.subarray(0, room));
    this.#length += bytes.length;
  }

  #flush(): void {
    const text = clean(Buffer.concat(this.#parts).toString("utf8"));
    this.#onLine(this.#length > lineLimit ? `${text}…` : text);
    this.#parts = [];
    this.#length = 0;
  }
}
