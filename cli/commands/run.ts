// fleet run: a command on all servers at once, or on some.

import { type FleetServer, type FleetUp, fleetUp, maskOf } from "../../operations/fleet-up.ts";
import { type RunNotes, recorded } from "../../operations/history/history.ts";
import { OpenServers, type Outcome } from "../../operations/on-servers.ts";
import { RunRecord } from "../../operations/record.ts";
import { type Line, type Ran, runCommand } from "../../operations/run-command.ts";
import { select, selectionHelp } from "../../operations/select.ts";
import { sentenceOf } from "../../provisioners/engine/shell.ts";
import { changes, interrupted } from "../../pulumi/interruption.ts";
import { counted } from "../../spec/counted.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { behindDashes, stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { waiting } from "../progress.ts";
import { seconds } from "../seconds.ts";
import { labels } from "../server-lines.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { columns } from "../terminal.ts";

export const run: Register = (program, done) =>
  program
    .command("run")
    .description("run a command on all servers at once, or on some; its lines come behind the server's name")
    .argument("[servers...]", selectionHelp)
    .usage("[options] [servers...] -- <command...>")
    .option(...stackOption)
    .option("--sudo", "as root, not as the user of the stack file", false)
    .option("-u, --user <user>", "as this user, by a login shell of theirs")
    .option("--in-turn", "one server after the other; the first that fails is the last", false)
    .option("--timeout <seconds>", "ends it on a server that takes longer", seconds)
    .option("--json", "outcome and lines of each server as JSON, when all are done", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet run -- uptime
  fleet run nginx -- 'grep -c . /var/log/nginx/access.log'
  fleet run --sudo isu1,isu2 -- systemctl restart isuride-go
  fleet run --in-turn --sudo role:app -- systemctl restart app   one by one
  fleet run --json -- nproc

Exit codes: 0 where it ended with 0 on all servers, else 1. Ctrl-C ends it there, too.
What it printed stays in .fleet/runs/.`,
    )
    .action((words: string[], options: Options) => done(onThem(words, options)));

interface Options {
  readonly stack?: string;
  readonly sudo: boolean;
  readonly user?: string;
  readonly inTurn: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly json: boolean;
}

async function onThem(words: readonly string[], options: Options): Promise<number> {
  const { ours, behind = [] } = behindDashes(words);
  if (behind.length === 0)
    throw new UserError(
      `run: expected the command behind \`--\`, got none; next: ${typed()} run -- uptime, or ${typed()} run isu1 -- uptime`,
    );
  if (options.sudo && options.user !== undefined) throw new UserError("run: expected --sudo or --user, got both");
  const stack = options.stack ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const servers = select(fleet.servers, ours);
  return await recorded({ stack, what: "run" }, (notes) => {
    notes.mask = maskOf(fleet);
    notes.servers = servers.map(({ name }) => name);
    return ran(fleet, servers, behind.join(" "), options, notes);
  });
}

async function ran(
  { stack }: FleetUp,
  servers: readonly FleetServer[],
  command: string,
  options: Options,
  notes: RunNotes,
): Promise<number> {
  const what = { command, user: options.sudo ? "root" : options.user };
  const record = new RunRecord("run", stack);
  const lines: Line[] = [];
  const show = options.json ? (line: Line) => void lines.push(line) : printer(servers.map(({ name }) => name));
  const hear = (line: Line) => {
    record.line(line.server, line.text);
    show(line);
  };
  const open = new OpenServers();
  const left = new Set(servers.map(({ name }) => name));
  const begin = (some: typeof servers) =>
    open.each(some, (server, shell, signal) => runCommand(server, shell, what, { onLine: hear, signal }), {
      ...(options.timeout !== undefined && { timeout: options.timeout }),
      onOutcome: ({ server }) => left.delete(server),
    });
  changes();
  try {
    const all = async () => (options.inTurn ? await inTurn(servers, begin) : await begin(servers));
    const outcomes = await waiting(() => `run: waits for ${[...left].join(", ")}`, all);
    const told = outcomes.map(plain);
    notes.summary = sum(told);
    record.summary({ stack, ...what, servers: told });
    if (options.json)
      console.log(JSON.stringify({ stack, ...what, kept: record.folder, servers: told.map((each) => withLines(each, lines)) }, null, 2));
    else console.error(recap(told, record.shown));
    return told.every(({ code }) => code === 0) && told.length === servers.length ? 0 : 1;
  } finally {
    await open.close();
  }
}

async function inTurn<Server>(
  servers: readonly Server[],
  begin: (some: readonly Server[]) => Promise<readonly Outcome<Ran>[]>,
): Promise<readonly Outcome<Ran>[]> {
  const outcomes: Outcome<Ran>[] = [];
  for (const server of servers) {
    const [outcome] = await begin([server]);
    outcomes.push(outcome!);
    if (!("value" in outcome!) || outcome.value.code !== 0 || interrupted()) break;
  }
  return outcomes;
}

function printer(servers: readonly string[]): (line: Line) => void {
  const label = { stdout: labels(servers, process.stdout), stderr: labels(servers, process.stderr) };
  return ({ server, stream, text }) => process[stream].write(`${label[stream](server)} ${text}\n`);
}

interface Told {
  readonly server: string;
  readonly code?: number;
  readonly seconds?: number;
  readonly error?: string;
}

function plain(outcome: Outcome<Ran>): Told {
  const { server } = outcome;
  if ("value" in outcome) return { server, code: outcome.value.code, seconds: Math.round(outcome.value.seconds * 100) / 100 };
  const words = outcome.ended === "timeout" ? "not done in time, and ended" : outcome.ended ? "interrupted" : sentenceOf(outcome.error);
  return { server, error: words };
}

const withLines = (told: Told, lines: readonly Line[]) => {
  const of = (stream: Line["stream"]) =>
    lines.filter((each) => each.server === told.server && each.stream === stream).map(({ text }) => text);
  return { ...told, stdout: of("stdout"), stderr: of("stderr") };
};

function recap(told: readonly Told[], kept: string): string {
  const rows = told.map(({ server, code, seconds: took, error }) => [
    server,
    code === undefined ? "failed" : `exit ${code}`,
    error ?? `${took?.toFixed(1)} s`,
  ]);
  return `\n${columns(rows)}\n${sum(told)}; kept in ${kept}`;
}

/** `3 of 3 failed`: what a glance looks for. */
export function sum(told: readonly Pick<Told, "code">[]): string {
  const failed = told.filter(({ code }) => code !== 0).length;
  return failed === 0
    ? `${counted(told.length, "server")}, each with exit code 0`
    : `${failed} of ${counted(told.length, "server")} failed`;
}
