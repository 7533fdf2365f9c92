// The slow query log of MySQL and MariaDB, statement by statement.

export interface SlowQuery {
  /** As the client sent it, without the semicolon at its end. */
  readonly text: string;
  readonly seconds: number;
  readonly lockSeconds: number;
  readonly rowsSent: number;
  readonly rowsExamined: number;
  /** Of the connection, where the log says it. */
  readonly database?: string;
}

const header = /^(?:[Tt][Cc][Pp] [Pp]ort: |[/A-Z].*(?:mysqld|mariadbd)[^,]*, Version|Time\s+Id\s+Command)/;
const settings = /^SET (?:last_insert_id|insert_id|timestamp)[^;]*;$/i;
/** Before them, as the log writes it; behind them it is what somebody asked. */
const inDatabase = /^use [^;]+;$/;

const figure = (line: string, name: string): number | undefined => {
  const at = line.indexOf(`${name}: `);
  return at < 0 ? undefined : Number.parseFloat(line.slice(at + name.length + 2));
};

/** Takes lines, and hands over each statement once the next one begins. */
export class SlowLogParser {
  readonly #take: (query: SlowQuery) => void;
  #figures: { seconds?: number; lockSeconds?: number; rowsSent?: number; rowsExamined?: number } = {};
  #database: string | undefined;
  #text: string[] = [];
  #open = false;
  #set = false;

  constructor(take: (query: SlowQuery) => void) {
    this.#take = take;
  }

  line(line: string): void {
    if (line.startsWith("#") && this.#heads(line)) return;
    if (header.test(line)) return;
    if (this.#text.length === 0 && this.#sets(line)) return;
    if (this.#open) this.#text.push(line);
  }

  #sets(line: string): boolean {
    if (!this.#set && inDatabase.test(line)) {
      this.#database = line.slice(4, -1).replaceAll("`", "");
      return true;
    }
    if (!settings.test(line)) return false;
    this.#set = true;
    return true;
  }

  end(): void {
    const text = this.#text.join("\n").replace(/;\s*$/, "");
    const { seconds, lockSeconds = 0, rowsSent = 0, rowsExamined = 0 } = this.#figures;
    const database = this.#database;
    if (this.#open && text !== "" && seconds !== undefined)
      this.#take({ text, seconds, lockSeconds, rowsSent, rowsExamined, ...(database !== undefined && { database }) });
    this.#figures = {};
    this.#text = [];
    this.#open = false;
    this.#set = false;
  }

  /** @returns whether it is a line of the log's own, and not a comment in a statement */
  #heads(line: string): boolean {
    // A statement may hold lines with `#`: the log's own come behind one that has ended.
    const within = this.#text.length > 0 && !this.#text.at(-1)!.endsWith(";");
    const begins = line.startsWith("# Time: ") || line.startsWith("# User@Host: ");
    if (within && !begins) return false;
    if (begins && this.#text.length > 0) this.end();
    if (line.startsWith("# administrator command: ")) {
      this.#text.push(line.slice(2));
      this.#open = true;
      return true;
    }
    this.#properties(line);
    return true;
  }

  #properties(line: string): void {
    const seconds = figure(line, "Query_time");
    if (seconds !== undefined) {
      this.#figures.seconds = seconds;
      this.#open = true;
    }
    for (const [key, name] of [
      ["lockSeconds", "Lock_time"],
      ["rowsSent", "Rows_sent"],
      ["rowsExamined", "Rows_examined"],
    ] as const) {
      const value = figure(line, name);
      if (value !== undefined) this.#figures[key] = value;
    }
    const schema = /Schema: (\S+)/.exec(line)?.[1];
    if (schema !== undefined && !schema.endsWith(":")) this.#database = schema;
  }
}
