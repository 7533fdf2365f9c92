// One server's log as entries, from the bytes that its scripts print; and the place where reading stopped, to go on from there.
import { clean, lineLimit } from "../../provisioners/ssh/output.ts";
import type { FilePlace, Place } from "./script.ts";
import { offsetIn, timeIn } from "./times.ts";

export interface Entry {
  /** Milliseconds since 1970: by the server's clock, or when it came where the line says nothing. */
  readonly time: number;
  readonly server: string;
  /** `nginx.service`, `/var/log/nginx/access.log`, or who wrote it to the journal. */
  readonly source: string;
  readonly text: string;
  /** syslog's: 3 and less are errors, 4 a warning. */
  readonly priority?: number;
}

/** Kept of a line until its end comes: of a longer one, the beginning. */
const held = 256 * 1024;

export class LogReader {
  readonly #server: string;
  readonly #onEntry: (entry: Entry) => void;
  readonly #now: () => number;
  #rest: Buffer[] = [];
  #size = 0;
  #offset = 0;
  #cursor: string | undefined;
  #files: { path: string; inode: string; offset: number; last: number | undefined }[] = [];
  #following = false;
  /** What was asked for by name, and is not there: `unit x.service`. */
  readonly lacks: string[] = [];

  constructor(server: string, onEntry: (entry: Entry) => void, now = Date.now) {
    this.#server = server;
    this.#onEntry = onEntry;
    this.#now = now;
  }

  /** From here on, lines of files are beyond the places that the first script named. */
  follow(): Place {
    this.#following = true;
    this.#rest = [];
    this.#size = 0;
    return { cursor: this.#cursor, files: this.#files.map(({ path, inode, offset }): FilePlace => ({ path, inode, offset })) };
  }

  feed(bytes: Buffer): void {
    let from = 0;
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, from)) {
      this.#add(bytes.subarray(from, at));
      const line = Buffer.concat(this.#rest);
      const size = this.#size;
      this.#rest = [];
      this.#size = 0;
      this.#line(line.toString("utf8"), size);
      from = at + 1;
    }
    this.#add(bytes.subarray(from));
  }

  /** What tail says of a file on standard error: begun anew, or another one by now. */
  complaint(line: string): void {
    const told = /^tail: (.*?)'?:? (?:file truncated|has been replaced|has appeared)/.exec(line)?.[1]?.replace(/^'/, "");
    const file = this.#files.find(({ path }) => path === told);
    // Of the new one's number nothing is known: whoever goes on from here begins it anew.
    if (file) Object.assign(file, { offset: 0, inode: line.includes("truncated") ? file.inode : "" });
  }

  #add(bytes: Buffer): void {
    const kept = this.#rest.reduce((sum, each) => sum + each.length, 0);
    if (kept < held && bytes.length > 0) this.#rest.push(bytes.subarray(0, held - kept));
    this.#size += bytes.length;
  }

  #line(line: string, size: number): void {
    if (line.startsWith("{")) this.#journal(line);
    else if (line.startsWith("@")) this.#ours(line);
    else this.#ofFile(line, size);
  }

  #ofFile(line: string, size: number): void {
    const [, index, text = ""] = /^(\d+):([\s\S]*)$/.exec(line) ?? [];
    const file = index === undefined ? undefined : this.#files[Number(index)];
    if (!file) {
      this.#say(this.#now(), "?", line);
      return;
    }
    // Its label and colon are ours, its newline is the file's.
    if (this.#following) file.offset += size - index!.length;
    // What has no time of its own belongs to the line before it.
    file.last = timeIn(text, this.#offset) ?? file.last;
    this.#say(file.last ?? this.#now(), file.path, text);
  }

  #ours(line: string): void {
    if (line.startsWith("@Z")) this.#offset = offsetIn(line.slice(2));
    if (line.startsWith("@N")) this.lacks.push(clean(line.slice(2)));
    if (line.startsWith("@C")) this.#cursor ??= /"__CURSOR":"([^"]+)"/.exec(line)?.[1];
    const [inode, offset, path] = line.startsWith("@F") ? line.slice(2).split("\t") : [];
    if (path !== undefined) this.#files.push({ path, inode: inode!, offset: Number(offset), last: undefined });
  }

  #journal(line: string): void {
    const entry = fieldsOf(line);
    if (entry === undefined) {
      this.#say(this.#now(), "journal", line);
      return;
    }
    if (typeof entry.__CURSOR === "string") this.#cursor = entry.__CURSOR;
    const source = String(entry._SYSTEMD_UNIT ?? entry.SYSLOG_IDENTIFIER ?? "kernel");
    const writer = ["init.scope", "-"].includes(source) ? String(entry.SYSLOG_IDENTIFIER ?? source) : source;
    const priority = Number(entry.PRIORITY ?? 6);
    for (const text of messageOf(entry.MESSAGE).split("\n")) this.#say(Number(entry.__REALTIME_TIMESTAMP) / 1000, writer, text, priority);
  }

  #say(time: number, source: string, text: string, priority?: number): void {
    const whole = clean(text);
    const shown = whole.length > lineLimit ? `${whole.slice(0, lineLimit)}…` : whole;
    this.#onEntry({ time, server: this.#server, source: clean(source), text: shown, ...(priority !== undefined && { priority }) });
  }
}

/** Undefined where two writers' lines got into each other. */
function fieldsOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Text that is no UTF-8 comes as a list of bytes; what is too long, as nothing. */
function messageOf(message: unknown): string {
  if (typeof message === "string") return message;
  if (Array.isArray(message) && message.every((each) => typeof each === "number")) return Buffer.from(message).toString("utf8");
  return message === null ? "(a message too long to be shown)" : String(message ?? "");
}

/** The fleet's own logins and the system's housekeeping: of no interest to who looks for an application. */
const quiet =
  /^(?:ssh|sshd|systemd-logind|cron|dbus|user@\d+|session-.*|systemd-journald|systemd-hostnamed|systemd-timedated|polkit)(?:@.*)?\.(?:service|scope)$|^(?:sudo|runuser|su|sshd|CRON|systemd-logind)$/;

export const isHousekeeping = ({ source, text }: Entry): boolean =>
  quiet.test(source) || (source === "systemd" && /\b(?:session|User Manager|user-\d+|Slice)\b/i.test(text));
