// The page over HTTP: four things to be had, all by GET, and nothing that anybody could change.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { UserError } from "../../spec/problem.ts";
import { bracketed, type House, judge, type Room } from "./door.ts";
import type { Hub, Reader } from "./hub.ts";
import { script } from "./script.ts";
import { sheet } from "./sheet.ts";

export interface Place {
  readonly address: string;
  readonly port: number;
  /** The port is nobody's wish: where it is taken, another one is. */
  readonly anyPort?: boolean;
  /** By which it is asked for, too: of a proxy, of a DNS that the team has. */
  readonly names?: readonly string[];
}

/** Of those that may read at once. */
const mostReaders = 100;
/** Bytes that may wait for a reader. */
const mostWaiting = 4 * 1024 * 1024;
/** Milliseconds between two signs of life. */
const beat = 15_000;

const always = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
} as const;

const isAny = (address: string): boolean => ["0.0.0.0", "::"].includes(address);
export const isLoopback = (address: string): boolean => address === "localhost" || address === "::1" || address.startsWith("127.");

/** By which names a page at this address is asked for. A name without a dot is nobody's to register. */
export function namesOf(address: string, more: readonly string[] = []): readonly string[] {
  const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((each) => each.address));
  const here = ["localhost", "127.0.0.1", "::1"];
  const by = isLoopback(address) ? [address, ...here] : isAny(address) ? [...own, ...here, hostname()] : [address, hostname()];
  return [...new Set([...by.map(bracketed), ...more])];
}

export class PageServer {
  readonly #server: Server;
  readonly #hub: Hub;
  readonly #page: () => string;
  #house: House = { token: "", names: [], cookie: "" };
  #beat: NodeJS.Timeout | undefined;

  /** @param page its whole text as it is now */
  constructor(hub: Hub, page: () => string) {
    this.#hub = hub;
    this.#page = page;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** @returns where it is: `http://127.0.0.1:4180` */
  async listen({ address, port, anyPort = false, names = [] }: Place, token: string): Promise<string> {
    try {
      await this.#listen(address, port);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE" || !anyPort)
        throw new UserError(`--listen ${address}:${port}: expected an address of this computer and a free port, got ${message}`);
      await this.#listen(address, 0);
    }
    const at = (this.#server.address() as AddressInfo).port;
    this.#house = { token, names: namesOf(address, names), cookie: `fleet-page-${at}` };
    this.#beat = setInterval(() => this.#hub.tell("beat", ""), beat);
    return `http://${isAny(address) ? hostname() : bracketed(address)}:${at}`;
  }

  #listen(address: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, address, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Readers are told, and try again by themselves. */
  async close(): Promise<void> {
    clearInterval(this.#beat);
    this.#hub.tell("end", "");
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // What was told goes out first.
    setTimeout(() => this.#server.closeAllConnections(), 100);
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "/", headers } = request;
    for (const [name, value] of Object.entries(always)) response.setHeader(name, value);
    const verdict = judge({ method, url, headers }, this.#house);
    if ("enter" in verdict) {
      const { cookie, token } = this.#house;
      response.setHeader("set-cookie", `${cookie}=${token}; HttpOnly; SameSite=Lax; Path=/`);
      response.writeHead(303, { location: "/" }).end();
    } else if ("status" in verdict) {
      response.writeHead(verdict.status, { "content-type": "text/plain; charset=utf-8" }).end(`${verdict.why}\n`);
    } else if (verdict.room === "events" && method === "GET") this.#events(request, response);
    else this.#text(verdict.room, response);
  }

  #text(room: Room, response: ServerResponse): void {
    const [type, text] =
      room === "script" ? ["text/javascript", script] : room === "style" ? ["text/css", sheet] : ["text/html", this.#page()];
    response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(text);
  }

  #events(request: IncomingMessage, response: ServerResponse): void {
    if (this.#hub.readers >= mostReaders) {
      response.writeHead(503, { "content-type": "text/plain", "retry-after": "30" }).end("expected fewer readers\n");
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" });
    response.write("retry: 2000\n\n");
    const reader: Reader = {
      send: (event, data) => {
        response.write(`event: ${event}\ndata: ${data}\n\n`);
        if (response.writableLength <= mostWaiting) return true;
        response.destroy();
        return false;
      },
    };
    response.on("error", () => {});
    request.on("close", () => this.#hub.leave(reader));
    this.#hub.join(reader);
  }
}
