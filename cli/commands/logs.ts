// fleet logs: journals and files of all servers, merged by time.
import { basename, dirname } from "node:path";
import { styleText } from "node:util";
import { InvalidArgumentError } from "commander";
import { fleetUp } from "../../operations/fleet-up.ts";
import { Logs } from "../../operations/logs/logs.ts";
import { type Entry, isHousekeeping } from "../../operations/logs/reader.ts";
import { sinceIn } from "../../operations/logs/times.ts";
import { select, selectionHelp } from "../../operations/select.ts";
import { interrupted } from "../../pulumi/interruption.ts";
import { UserError } from "../../spec/problem.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { waiting } from "../progress.ts";
import { labels } from "../server-lines.ts";
import { stackInMind } from "../stack-in-mind.ts";

const several = (text: string, before: readonly string[]): readonly string[] => [...before, ...text.split(",")];

export const logs: Register = (program, done) =>
  program
    .command("logs")
    .description("the journals and log files of all servers, merged by time")
    .argument("[servers...]", selectionHelp)
    .option(...stackOption)
    .option("-f, --follow", "go on with what is written, until Ctrl-C; connections that break are opened again", false)
    .option("-u, --unit <unit>", "of these units alone, as journalctl's -u; may be given more than once", several, [])
    .option("-r, --role <role>", "the services and log files of a role, on the servers that have it", several, [])
    .option("--file <path>", "a file on the servers, or a pattern", several, [])
    .option("-g, --grep <pattern>", "lines that this JavaScript regular expression finds", pattern)
    .option("--since <time>", "10m, 2h, 14:05, 2026-11-29 14:05", since)
    .option("-n, --lines <number>", "of each source, of what was written before; default 10 with --follow, else 100", count)
    .option("--all", "also logins and the system's housekeeping", false)
    .option("--json", "an entry a line, as JSON", false)
    .addHelpText(
      "after",
      `
Without --unit, --role and --file: the whole journal, and the log files of the servers' roles.

Examples:
  fleet logs -f
  fleet logs -f --role nginx --grep ' 5\\d\\d '
  fleet logs isu1 --unit isuride-go --since 10m
  fleet logs --file /home/isucon/webapp/go/*.log -n 50
  fleet logs --since 14:05 --json > round-3.jsonl

Exit codes: 0, 1 where a server could not be asked or none has a unit or file that was named, 130 after
Ctrl-C.`,
    )
    .action((words: string[], options: Options) => done(show(words, options)));

interface Options {
  readonly stack?: string;
  readonly follow: boolean;
  readonly unit: readonly string[];
  readonly role: readonly string[];
  readonly file: readonly string[];
  readonly grep?: RegExp;
  readonly since?: number;
  readonly lines?: number;
  readonly all: boolean;
  readonly json: boolean;
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, "u");
  } catch (error) {
    throw new InvalidArgumentError(`expected a regular expression: ${(error as Error).message}`);
  }
}

function since(text: string): number {
  const seconds = sinceIn(text);
  if (seconds === undefined) throw new InvalidArgumentError("expected a time: 10m, 2h, 14:05, 2026-11-29 14:05");
  return seconds;
}

function count(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("expected a number of lines");
  return Number(text);
}

async function show(words: readonly string[], options: Options): Promise<number> {
  const { unit, role, file, grep, follow, json } = options;
  const fleet = await fleetUp(options.stack ?? (await stackInMind()));
  const chosen = select(fleet.servers, words);
  const servers =
    role.length === 0
      ? chosen
      : select(
          chosen,
          role.map((name) => `role:${name}`),
        );
  if (file.some((path) => !path.startsWith("/"))) throw new UserError("--file: expected a path from / on, on the servers");
  const whole = options.all || unit.length + file.length > 0;
  const say = json ? jsonLine : printer(servers.map(({ name }) => name));
  const read = new Logs(servers, {
    wish: { units: unit, roles: role, files: file },
    back: { lines: options.lines ?? (follow ? 10 : 100), since: options.since },
    keep: (entry) => (whole || !isHousekeeping(entry)) && (grep === undefined || grep.test(entry.text)),
    onEntry: say,
    onWord: (server, word) => console.error(`${server}: ${word}`),
  });
  try {
    const { unasked, nowhere, empty } = await waiting(
      () => `logs: asks ${servers.map(({ name }) => name).join(", ")}`,
      () => read.back(),
    );
    if (follow && !empty && !interrupted()) await read.follow();
    return unasked.length + nowhere.length > 0 ? 1 : 0;
  } finally {
    await read.close();
  }
}

const jsonLine = ({ time, ...entry }: Entry): void =>
  void process.stdout.write(`${JSON.stringify({ time: new Date(time).toISOString(), ...entry })}\n`);

/** `nginx`, `nginx/access.log` */
const shortly = (source: string): string =>
  source.startsWith("/") ? `${basename(dirname(source))}/${basename(source)}` : source.replace(/\.service$/, "");

const clock = (time: number): string => {
  const date = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(Math.floor(date.getMilliseconds())).padStart(3, "0")}`;
};

function printer(servers: readonly string[]): (entry: Entry) => void {
  const label = labels(servers, process.stdout);
  const stream = { stream: process.stdout, validateStream: true };
  return ({ time, server, source, text, priority = 6 }) => {
    const line = priority <= 3 ? styleText("red", text, stream) : priority === 4 ? styleText("yellow", text, stream) : text;
    process.stdout.write(
      `${styleText("dim", clock(time), stream)} ${label(server)} ${styleText("dim", `${shortly(source)}:`, stream)} ${line}\n`,
    );
  };
}
