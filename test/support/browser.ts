// A real browser without a window, spoken to in its own protocol: what it makes of a page, and how that looks.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Debian's, or a Chrome that somebody has. */
const browserProgram = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

interface Reply {
  readonly id?: number;
  readonly sessionId?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: unknown;
}

const until = async <T>(find: () => T | undefined, what: string): Promise<T> => {
  for (let tries = 0; tries < 1800; tries++) {
    const found = find();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error(`expected ${what} within three minutes`);
};

export class Browser {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #count = 0;
  /** What the protocol told by itself: `Page.javascriptDialogOpening`, `Log.entryAdded` … */
  readonly told: Reply[] = [];

  private constructor(child: ChildProcess, folder: string, socket: WebSocket) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.id === undefined) this.told.push(reply);
      else this.#waiting.get(reply.id)?.(reply);
    });
  }

  static async start(): Promise<Browser> {
    if (!browserProgram) throw new Error("expected chromium; next: apt-get install chromium");
    const folder = mkdtempSync(join(tmpdir(), "browser-"));
    // A sandbox of its own is not to be had as root in a container; it sees this test's page alone.
    const words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"];
    const child = spawn(browserProgram, [...words, "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"], {
      stdio: "ignore",
    });
    const file = join(folder, "DevToolsActivePort");
    const [port, path] = await until(() => {
      const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
      return lines.length > 1 ? lines : undefined;
    }, "a browser that listens");
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return new Browser(child, folder, socket);
  }

  async ask<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = ++this.#count;
    const reply = await new Promise<Reply>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }));
    });
    this.#waiting.delete(id);
    if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result as T;
  }

  /** A tab, of so many pixels. */
  async tab(url: string, width = 1280, height = 900): Promise<Tab> {
    const { targetId } = await this.ask<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.ask<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
    const tab = new Tab(this, sessionId);
    await tab.ask("Page.enable");
    await tab.ask("Log.enable");
    await tab.ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await tab.ask("Page.navigate", { url });
    return tab;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#socket.close();
    this.#child.kill("SIGTERM");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

export class Tab {
  readonly #browser: Browser;
  readonly #session: string;

  constructor(browser: Browser, session: string) {
    this.#browser = browser;
    this.#session = session;
  }

  ask<T>(method: string, params: object = {}): Promise<T> {
    return this.#browser.ask<T>(method, params, this.#session);
  }

  /** What an expression of the page's own JavaScript is; promises are waited for. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.ask<{ result: { value: T }; exceptionDetails?: { text: string } }>("Runtime.evaluate", {
      ...{ expression, awaitPromise: true, returnByValue: true },
    });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value;
  }

  text = (): Promise<string> => this.value<string>("document.body?.innerText ?? ''");

  /** PNG of the whole page. */
  async picture(): Promise<Buffer> {
    const { data } = await this.ask<{ data: string }>("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from(data, "base64");
  }
}
