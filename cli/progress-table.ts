// One line a team. On a terminal that has room for all of them the lines change in place; elsewhere each is written once, when its team
// has come to an end.
import { stripVTControlCharacters } from "node:util";
import { styled } from "./terminal.ts";

export interface TeamLine {
  readonly stack: string;
  readonly state: "waits" | "running" | "done" | "failed";
  readonly text: string;
  readonly errors: readonly string[];
  /** File with all that was said. */
  readonly log?: string;
}

const colours = { waits: "dim", running: "cyan", done: "green", failed: "red" } as const;

type Output = Pick<NodeJS.WriteStream, "write"> & { readonly isTTY?: boolean; readonly rows?: number; readonly columns?: number };

export class Board {
  readonly #lines: Map<string, TeamLine>;
  readonly #out: Output;
  readonly #inPlace: boolean;
  #drawn = 0;

  constructor(stacks: readonly string[], out: Output) {
    this.#lines = new Map(stacks.map((stack) => [stack, { stack, state: "waits", text: "", errors: [] }]));
    this.#out = out;
    this.#inPlace = out.isTTY === true && stacks.length < (out.rows ?? 24);
    if (this.#inPlace) this.#draw();
  }

  update(line: TeamLine): void {
    this.#lines.set(line.stack, line);
    if (this.#inPlace) this.#draw();
  }

  end(line: TeamLine): TeamLine {
    this.update(line);
    if (!this.#inPlace) this.#out.write(`${this.#text(line)}\n`);
    return line;
  }

  close(): void {
    this.#drawn = 0;
  }

  #draw(): void {
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : "";
    const lines = [...this.#lines.values()].map((line) => `\u001b[2K${this.#text(line)}`);
    this.#out.write(`${up}${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }

  /** Cut to the width of the terminal: a line that wraps would be two. */
  #text({ stack, state, text }: TeamLine): string {
    const width = Math.max(...[...this.#lines.keys()].map((name) => name.length));
    const room = (this.#inPlace ? (this.#out.columns ?? 80) : 10_000) - width - "  running  ".length - 1;
    const said = stripVTControlCharacters(text).replace(/\s+/g, " ").slice(0, Math.max(0, room));
    return `${stack.padEnd(width)}  ${styled(colours[state], state.padEnd("running".length))}  ${said}`.trimEnd();
  }
}
