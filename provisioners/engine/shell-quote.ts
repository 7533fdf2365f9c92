// Shell text is built here and nowhere else: interpolation quotes, a Secret shows only its mask.
import { counted } from "../../spec/counted.ts";

/** A value that must not appear in a log, a diff or an argument list. Ask for it with `reveal()`, at the last moment. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return "[secret]";
  }
  toJSON(): never {
    throw new TypeError("a Secret must not be serialised");
  }
}

/** Shell text with two faces: `text` runs (over standard input, never as an argument), `masked` is shown. */
export interface Command {
  readonly text: string;
  readonly masked: string;
}

export type Value = string | number | Secret | Command | readonly (string | number)[];

/** One argument, quoted for POSIX sh. The empty string stays an argument; NUL can't be passed and is refused. */
export function quote(value: string | number): string {
  const text = String(value);
  if (text.includes("\0")) throw new TypeError("a shell argument must not contain NUL");
  return /^[A-Za-z0-9_/.:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function face(value: Value, of: "text" | "masked"): string {
  if (value instanceof Secret) return of === "text" ? quote(value.reveal()) : "[secret]";
  if (Array.isArray(value)) return value.map(quote).join(" ");
  if (typeof value === "object") return (value as Command)[of];
  return quote(value as string | number);
}

/** Template tag for shell text: strings and numbers are quoted, lists become several arguments, Commands are spliced in as they are. */
export function sh(parts: TemplateStringsArray, ...values: readonly Value[]): Command {
  const build = (of: "text" | "masked") => String.raw({ raw: parts }, ...values.map((value) => face(value, of)));
  return { text: build("text"), masked: build("masked") };
}

/** Text that is a command already, and holds no secret: nothing in it is quoted. */
export const raw = (text: string): Command => ({ text, masked: text });

/** Commands one after the other, a line each. */
export function lines(commands: readonly Command[]): Command {
  return { text: commands.map(({ text }) => text).join("\n"), masked: commands.map(({ masked }) => masked).join("\n") };
}

/**
 * A command, of one line or several, that reads `content` on standard input. Bytes travel as base64 where a here-document would change them
 * (no final newline, NUL, or the delimiter inside). The mask shows the size alone.
 */
export function withInput(command: Command, content: string | Buffer | Secret): Command {
  const bytes = content instanceof Secret ? Buffer.from(content.reveal()) : Buffer.from(content);
  const text = bytes.toString("utf8");
  const delimiter = "FLEET_END_OF_INPUT";
  const plain = text.endsWith("\n") && !text.includes("\0") && !text.includes(delimiter) && Buffer.from(text).equals(bytes);
  return {
    text: plain
      ? `{ ${command.text}\n} <<'${delimiter}'\n${text}${delimiter}`
      : `base64 -d <<'${delimiter}' | {\n${bytes.toString("base64")}\n${delimiter}\n${command.text}\n}`,
    masked: `${command.masked} < (${counted(bytes.length, "byte")})`,
  };
}
