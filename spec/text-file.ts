// A file that a user names, as text; or a sentence that says what is there instead.
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { UserError } from "./problem.ts";

/** Of what the system says, in words. */
const got: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "a folder",
  EACCES: "one that you may not read",
  EPERM: "one that you may not read",
  ELOOP: "links in a circle",
  ENOTDIR: "a path through a file",
  ENAMETOOLONG: "a name that is too long",
};

interface Wanted {
  /** What problems call it. @default the file */
  readonly name?: string;
  readonly what: string;
  /** Where it is not there. */
  readonly next?: string;
}

/** Standard input by its number, 0. Throws a UserError. */
export function textIn(file: string | number, { what, next, name = String(file === 0 ? "standard input" : file) }: Wanted): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const more = code === "ENOENT" && next !== undefined ? `; next: ${next}` : "";
    throw new UserError(`${name}: expected ${what}, got ${got[code] ?? message}${more}`);
  }
  if (isUtf8(bytes)) return bytes.toString("utf8");
  // No character of several bytes has a newline in it.
  const lines = bytes.toString("latin1").split("\n");
  const line = lines.findIndex((each) => !isUtf8(Buffer.from(each, "latin1"))) + 1;
  throw new UserError(`${name}:${line}: expected text in UTF-8, got other bytes; next: save it as UTF-8`);
}
