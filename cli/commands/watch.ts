// fleet watch: compares all the time, and tells what differs as soon as it does.
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { type Command, InvalidArgumentError, Option } from "commander";
import { maskOf } from "../../operations/fleet-up.ts";
import { attemptsOf, keepAttempts } from "../../operations/watch/attempts.ts";
import { watchUser } from "../../operations/watch/member.ts";
import { line, sumLine, type WatchEvent } from "../../operations/watch/rules.ts";
import { Watch } from "../../operations/watch/watch.ts";
import { codeFile, project } from "../../provisioners/project.ts";
import { sleep } from "../../provisioners/ssh/retry.ts";
import { changes, interrupted, stopsWithUs, untilInterrupted } from "../../pulumi/interruption.ts";
import { isUserError, UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";
import { waiting } from "../progress.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { counted, styled } from "../terminal.ts";
import type { UnitOptions } from "../watch-unit.ts";
import { execute, post } from "../watch-ways.ts";

export const watch: Register = (program, done) => {
  const command = program
    .command("watch")
    .description("compare the servers with what the last up left, all the time, and tell at once what differs; --heal puts it right")
    .argument("[stack]", "the stack; default FLEET_STACK, else the only one that is up")
    .addOption(ways.every())
    .addOption(ways.heal())
    .addOption(ways.exec().env("FLEET_WATCH_EXEC"))
    .addOption(ways.webhook().env("FLEET_WATCH_WEBHOOK"))
    .option("--once", "one look, for cron: tells all that differs", false)
    .option("--json", "an event a line, as JSON", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet watch team-a
  fleet watch team-a --every 30s --heal
  fleet watch team-a --exec 'notify-send "$FLEET_TEXT"'
  fleet watch team-a --webhook https://chat.example.com/hooks/TOKEN
  fleet watch install team-a --heal      as a unit of systemd's, here or elsewhere
  */5 * * * * fleet watch team-a --once || mail -s drift ops    (in a crontab)

A line a difference: when, server, role, resource, what. Servers that go off and
come back are told; what somebody does who holds a server's lock (up, deploy,
drain, bench) is not. --heal leaves alone what an up would change beyond what the
last one left, and what came back three times.
Exit codes: 130 after Ctrl-C, which ends it with a sum; with --once 0, or 7 where
something differs or a server did not answer.`,
    )
    .action((stack: string | undefined, options: Options) => done(run(stack, options)));
  units(command, done);
};

const ways = {
  every: () => new Option("--every <time>", "from one look to the next: 30s, 2m (from 5s to 1h)").argParser(every).default(30_000, "30s"),
  heal: () => new Option("--heal", "put right what differs, by an up of it alone; three times, then it is somebody's wish").default(false),
  exec: () => new Option("--exec <command>", "runs here for what a look found: JSON on its standard input, the lines in $FLEET_TEXT"),
  webhook: () => new Option("--webhook <url>", "gets the same JSON by POST: stack, text, events"),
  on: () => new Option("--on <[user@]host:/folder>", "there, over ssh: a checkout of this project, set up, with the same backend"),
};

function units(command: Command, done: Parameters<Register>[1]): void {
  command
    .command("install")
    .configureHelp({ showGlobalOptions: false })
    .description("have systemd keep a watch, here or on a server of the operators', with a key and an account of its own on the servers")
    .argument("[stack]", "the stack; default FLEET_STACK, else the only one that is up")
    .addOption(ways.every())
    .addOption(ways.heal())
    .addOption(ways.exec().env("FLEET_WATCH_EXEC"))
    .addOption(ways.webhook().env("FLEET_WATCH_WEBHOOK"))
    .addOption(ways.on())
    .option("-y, --yes", "do not ask for confirmation", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet watch install team-a --heal --webhook https://chat.example.com/hooks/TOKEN
  fleet watch install team-a --on ops@ops1:/srv/our-servers

Root's unit is the computer's, another user's is that user's own. Passphrase and
webhook stand in .fleet/watch/, which only the project's owner reads.`,
    )
    .action((stack: string | undefined, options: UnitOptions) => done(loaded().then(({ install }) => install(stack, options))));
  command
    .command("uninstall")
    .configureHelp({ showGlobalOptions: false })
    .description("take a watch's unit, its key and its account on the servers away")
    .argument("[stack]", "the stack; default FLEET_STACK, else the only one that is up")
    .addOption(ways.on())
    .option("-y, --yes", "do not ask for confirmation", false)
    .addHelpText("after", "\nExamples:\n  fleet watch uninstall team-a\n  fleet watch uninstall team-a --on ops@ops1:/srv/our-servers")
    .action((stack: string | undefined, options: UnitOptions) => done(loaded().then(({ uninstall }) => uninstall(stack, options))));
}

/** It brings the up along. */
const loaded = () => import("../watch-unit.ts");

interface Options {
  /** Milliseconds. */
  readonly every: number;
  readonly heal: boolean;
  readonly exec?: string;
  readonly webhook?: string;
  readonly once: boolean;
  readonly json: boolean;
}

export function every(text: string): number {
  const [, number = "", unit = "s"] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text) ?? [];
  const milliseconds = Number(number || Number.NaN) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as "s" | "m" | "h"];
  if (!(milliseconds >= 5000 && milliseconds <= 3_600_000))
    throw new InvalidArgumentError("expected a time from 5s to 1h, such as 30s or 2m");
  return milliseconds;
}

async function run(named: string | undefined, options: Options): Promise<number> {
  if (options.webhook !== undefined && !/^https?:\/\/[^\s/]/.test(options.webhook))
    throw new UserError("watch: --webhook: expected http:// or https:// and a host");
  const stack = named ?? (await stackInMind());
  const heal = options.heal ? { attempts: attemptsOf(stack), up: (urns: readonly string[] | "all") => upOf(stack, urns) } : {};
  const key = (await import("../watch-unit.ts")).unitKey(stack);
  const login = key === undefined ? {} : { login: { user: watchUser, privateKey: key } };
  const over = await Watch.over({ stack, ...heal, ...login, around: (signal) => lookAround(stack, signal) });
  const { signal, done } = untilInterrupted();
  try {
    const begun = `${stack}: watches ${counted(over.servers.length, "server")}${options.once ? "" : `, every ${options.every / 1000} s; Ctrl-C ends it`}`;
    if (!options.json && !options.once) console.error(styled("dim", begun));
    await rounds(stack, over, options, signal);
    if (options.once) return over.isRight ? 0 : 7;
    end(over, options);
    return 0;
  } finally {
    done();
    await over.close();
  }
}

async function rounds(stack: string, over: Watch, options: Options, signal: AbortSignal): Promise<void> {
  const tell = new Teller(stack, options, () => maskOf(over.fleet));
  for (let first = true; !signal.aborted; first = false) {
    const from = Date.now();
    try {
      const look = () => over.round(signal, (events) => tell.all(events));
      await (first ? waiting(() => `looks at ${over.servers.map(({ name }) => name).join(", ")}`, look) : look());
      if (options.heal) keepAttempts(stack, over.memory.attempts);
      if (first && over.isRight && !signal.aborted && !options.json) console.log(`${stack}: all as it should be`);
    } catch (error) {
      if (interrupted()) return;
      if (!isUserError(error)) throw error;
      // Somebody took the stack down, or changed its passphrase: nothing is left that could be watched.
      end(over, options);
      throw error;
    }
    if (options.once) return;
    await sleep(Math.max(1000, options.every - (Date.now() - from)), signal).catch(() => {});
  }
}

function end(over: Watch, { json }: Options): void {
  if (json) console.log(JSON.stringify({ at: new Date().toISOString(), kind: "sum", ...over.sum }));
  else console.log(sumLine(over.sum, over.servers.length));
}

/** Lines a server of one look that a terminal and a chat room get; JSON has all. */
const linesAtOnce = 20;

class Teller {
  readonly #stack: string;
  readonly #options: Options;
  readonly #mask: () => (text: string) => string;
  /** What could not be told is said once, until it can be again. */
  #failed = "";

  constructor(stack: string, options: Options, mask: () => (text: string) => string) {
    this.#stack = stack;
    this.#options = options;
    this.#mask = mask;
  }

  async all(events: readonly WatchEvent[]): Promise<void> {
    if (events.length === 0) return;
    const { exec, webhook, json } = this.#options;
    const mask = this.#mask();
    const at = new Date();
    const plain = events.map((each) => ({ at: at.toISOString(), stack: this.#stack, ...each, what: mask(each.what) }));
    const lines = few(plain);
    if (json) for (const each of plain) console.log(JSON.stringify(each));
    else for (const { text, kind } of lines) console.log(`${styled("dim", clock(at))} ${styled(colours[kind], text)}`);
    const told = { stack: this.#stack, text: lines.map(({ text }) => text).join("\n"), events: plain };
    const ways = [...(exec === undefined ? [] : [execute(exec, told)]), ...(webhook === undefined ? [] : [post(webhook, told)])];
    const failed = (await Promise.allSettled(ways))
      .flatMap((each) => (each.status === "rejected" ? [(each.reason as Error).message] : []))
      .join("; ");
    if (failed !== "" && failed !== this.#failed) console.error(`watch: ${failed}`);
    this.#failed = failed;
  }
}

const colours = {
  drift: "yellow",
  right: "green",
  off: "red",
  back: "green",
  busy: "dim",
  healed: "green",
  left: "red",
  problem: "red",
} as const;
const clock = (at: Date): string => at.toTimeString().slice(0, 8);

interface Shown {
  readonly kind: WatchEvent["kind"];
  readonly text: string;
}

function few(events: readonly WatchEvent[]): readonly Shown[] {
  return [...Map.groupBy(events, ({ server }) => server)].flatMap(([server, of]): readonly Shown[] => {
    const shown = of.slice(0, linesAtOnce).map((each) => ({ kind: each.kind, text: line(each) }));
    const more = of.length - shown.length;
    return more > 0 ? [...shown, { kind: "drift", text: `${server}: and ${more} more; ./fleet verify tells all` }] : shown;
  });
}

/** In a process of its own as well: a look a minute, for days. */
async function lookAround(stack: string, signal: AbortSignal): Promise<string> {
  const args = [codeFile("cli/main"), "preview", stack, "--around", "--json"];
  const options = { cwd: project, env: { ...process.env, NO_COLOR: "1" }, signal, maxBuffer: 64 * 1024 * 1024, timeout: aroundTime };
  try {
    return (await promisify(execFile)(process.execPath, args, options)).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    // It says why there is no preview in its own words.
    if (stdout.startsWith("{")) return stdout;
    throw new Error(stderr.trim().split("\n").at(-1) || (error as Error).message);
  }
}

/** Milliseconds for a look at AWS. */
const aroundTime = 300_000;
/** Characters of what an up says that are kept. */
const tail = 1500;

/** A fleet of its own: what a run needs in memory goes with it. */
async function upOf(stack: string, urns: readonly string[] | "all"): Promise<{ readonly code: number; readonly said: string }> {
  changes();
  const targets = urns === "all" ? [] : urns.flatMap((urn) => ["--target", urn]);
  const child = spawn(process.execPath, [...process.execArgv, codeFile("cli/main"), "up", stack, "--yes", ...targets], {
    cwd: project,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  stopsWithUs(child, "SIGINT");
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-tail);
    });
  const code = await new Promise<number>((resolve) => {
    child.on("error", () => resolve(1));
    child.on("close", (status) => resolve(status ?? 130));
  });
  return { code, said: said.trim() };
}
