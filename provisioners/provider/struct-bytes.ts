// Protobuf's Struct from bytes and to bytes, with no messages in between: the ready-made way makes four objects for each value, and was a third
// of the time and most of the garbage of a run of many servers. A test holds both ways against each other.
import type { Json, Properties } from "./wire.ts";

/** Tags: a field's number and how it is written. */
const entry = 0x0a;
const [keyTag, valueTag] = [0x0a, 0x12];
const kinds = { null: 0x08, number: 0x11, string: 0x1a, bool: 0x20, struct: 0x2a, list: 0x32 } as const;

/** Reads what a message is made of. Throws RangeError where it is cut off. */
export class Reader {
  readonly #bytes: Buffer;
  position: number;
  readonly end: number;

  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.position = from;
    this.end = end;
  }

  get more(): boolean {
    return this.position < this.end;
  }

  varint(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = this.#bytes.readUInt8(this.position++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }

  double(): number {
    this.position += 8;
    return this.#bytes.readDoubleLE(this.position - 8);
  }

  /** Where a part with a length in front begins and ends; reading goes on behind it. */
  #part(): readonly [from: number, end: number] {
    const length = this.varint();
    const from = this.position;
    this.position = from + length;
    if (this.position > this.end) throw new RangeError("a message that is cut off");
    return [from, this.position];
  }

  string(): string {
    return this.#bytes.toString("utf8", ...this.#part());
  }

  bytes(): Buffer {
    return this.#bytes.subarray(...this.#part());
  }

  message(): Reader {
    return new Reader(this.#bytes, ...this.#part());
  }

  /** What a newer engine may send. */
  skip(tag: number): void {
    const way = tag & 7;
    if (way === 0) this.varint();
    else if (way === 1) this.position += 8;
    else if (way === 2) this.#part();
    else if (way === 5) this.position += 4;
    else throw new RangeError(`a field that is written in no known way: ${tag}`);
  }
}

export const fromStructBytes = (bytes: Buffer): Properties => properties(new Reader(bytes));

/** In the order of their names, as the ready-made way has them: Go sends a map in another order each time, and what is written from it must be the same. */
function properties(reader: Reader): Properties {
  const found: [string, Json][] = [];
  while (reader.more) {
    const tag = reader.varint();
    if (tag === entry) found.push(property(reader.message()));
    else reader.skip(tag);
  }
  const into: Record<string, Json> = {};
  for (const [key, value] of found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    // `__proto__` is a name like any other.
    if (key === "__proto__") Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
    else into[key] = value;
  }
  return into;
}

function property(reader: Reader): [key: string, value: Json] {
  let [key, value]: [string, Json] = ["", null];
  while (reader.more) {
    const tag = reader.varint();
    if (tag === keyTag) key = reader.string();
    else if (tag === valueTag) value = jsonOf(reader.message());
    else reader.skip(tag);
  }
  return [key, value];
}

function jsonOf(reader: Reader): Json {
  let value: Json = null;
  while (reader.more) {
    const tag = reader.varint();
    if (tag === kinds.string) value = reader.string();
    else if (tag === kinds.struct) value = properties(reader.message());
    else if (tag === kinds.list) value = list(reader.message());
    else if (tag === kinds.number) value = reader.double();
    else if (tag === kinds.bool) value = reader.varint() !== 0;
    else reader.skip(tag);
  }
  return value;
}

function list(reader: Reader): readonly Json[] {
  const values: Json[] = [];
  while (reader.more) {
    const tag = reader.varint();
    if (tag === entry) values.push(jsonOf(reader.message()));
    else reader.skip(tag);
  }
  return values;
}

/** As JSON has it: `undefined` is left out of a map, and null in a list. */
export function toStructBytes(value: object): Buffer {
  const writer = new Writer();
  writer.properties(value as Properties);
  return writer.taken();
}

/** Writes from the end to the beginning: a part's length is known once it is there. */
class Writer {
  #bytes = Buffer.allocUnsafe(16_384);
  #at = this.#bytes.length;

  get #written(): number {
    return this.#bytes.length - this.#at;
  }

  /** A copy: what it was written in is larger. */
  taken(): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#at));
  }

  properties(value: Properties): void {
    for (const key of Object.keys(value).reverse()) {
      const each = value[key];
      if (each === undefined) continue;
      const before = this.#written;
      this.#within(valueTag, () => this.#value(each));
      this.#string(keyTag, key);
      this.#head(entry, before);
    }
  }

  #within(tag: number, write: () => void): void {
    const before = this.#written;
    write();
    this.#head(tag, before);
  }

  #value(value: Json): void {
    if (typeof value === "string") this.#string(kinds.string, value);
    else if (typeof value === "boolean") this.#small(kinds.bool, value ? 1 : 0);
    else if (typeof value === "number" && Number.isFinite(value)) this.#number(value);
    else if (Array.isArray(value)) this.#within(kinds.list, () => this.#list(value));
    else if (typeof value === "object" && value !== null) this.#within(kinds.struct, () => this.properties(value as Properties));
    else if (value === null || typeof value === "number") this.#small(kinds.null, 0);
    else throw new TypeError(`expected a value that JSON has, got a ${typeof value}`);
  }

  #list(values: readonly (Json | undefined)[]): void {
    for (const value of values.toReversed()) this.#within(entry, () => this.#value(value ?? null));
  }

  #string(tag: number, text: string): void {
    const [before, length] = [this.#written, Buffer.byteLength(text)];
    this.#room(length);
    this.#at -= length;
    this.#bytes.write(text, this.#at, length, "utf8");
    this.#head(tag, before);
  }

  #number(value: number): void {
    this.#room(9);
    this.#at -= 8;
    this.#bytes.writeDoubleLE(value, this.#at);
    this.#bytes[--this.#at] = kinds.number;
  }

  #small(tag: number, value: number): void {
    this.#room(2);
    this.#bytes[--this.#at] = value;
    this.#bytes[--this.#at] = tag;
  }

  /** In front of what was written since then. */
  #head(tag: number, before: number): void {
    const length = varint(this.#written - before);
    this.#room(length.length + 1);
    this.#at -= length.length;
    this.#bytes.set(length, this.#at);
    this.#bytes[--this.#at] = tag;
  }

  #room(length: number): void {
    if (this.#at >= length) return;
    const used = this.#bytes.subarray(this.#at);
    const larger = Buffer.allocUnsafe(2 * this.#bytes.length + length);
    const end = larger.length - used.length;
    larger.set(used, end);
    [this.#bytes, this.#at] = [larger, end];
  }
}

export function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}
