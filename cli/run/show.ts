// Shows a run while it goes: on a terminal a line a server in place, with the changes above it; elsewhere a line a change.
import { stripVTControlCharacters } from "node:util";
import { createLogUpdate } from "log-update";
import { styled } from "../terminal.ts";
import type { Line, ServerLine, Story } from "./story.ts";

export type Output = NodeJS.WriteStream;

const colours = { waits: "dim", running: "cyan", done: "green", failed: "red" } as const;
/** Whatever a server says, it must not steer the terminal. */
const harmless = (text: string): string => stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "·");

const written = ({ kind, text }: Line): string => {
  const said = harmless(text);
  if (kind === "failure") return styled("red", said);
  return kind === "note" ? styled("dim", said) : said;
};

export class Screen {
  readonly #out: Output;
  #live: ReturnType<typeof createLogUpdate> | undefined;
  readonly #since = Date.now();

  constructor(out: Output, servers: number) {
    this.#out = out;
    // More servers than lines: nobody could read them in place.
    if (out.isTTY && servers < (out.rows ?? 24) - 2) this.#live = createLogUpdate(out);
  }

  /** Lines that stay. */
  print(lines: readonly Line[]): void {
    if (lines.length === 0) return;
    this.#live?.clear();
    for (const line of lines) this.#out.write(`${written(line)}\n`);
  }

  draw({ servers }: Pick<Story, "servers">): void {
    if (!this.#live) return;
    const width = Math.max(...servers.map(({ name }) => name.length));
    const seconds = `${Math.round((Date.now() - this.#since) / 1000)} s`;
    this.#live(servers.map((server) => serverLine(server, width, seconds, this.#out.columns ?? 80)).join("\n"));
  }

  /** Gives the terminal back as it was, also where the run was stopped. Nothing is drawn any more. */
  end(): void {
    this.#live?.done();
    this.#live = undefined;
  }
}

/** `isu1  running  3 changes, 4 s  nginx: file[/etc/nginx/nginx.conf]: content …`, cut to the terminal's width. */
function serverLine({ name, state, doing, changes }: ServerLine, width: number, seconds: string, room: number): string {
  const far = [...(changes > 0 ? [`${changes} changed`] : []), ...(state === "running" ? [seconds] : [])].join(", ");
  const head = `${name.padEnd(width)}  ${state.padEnd(7)}  `;
  const said = harmless([far, doing].filter(Boolean).join("  ")).replace(/\s+/g, " ");
  return `${name.padEnd(width)}  ${styled(colours[state], state.padEnd(7))}  ${said.slice(0, Math.max(0, room - head.length - 1))}`.trimEnd();
}
