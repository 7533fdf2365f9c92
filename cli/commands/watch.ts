// fleet watch: compares all the time, and tells what differs as soon as it does.
import { type Command, InvalidArgumentError, Option } from "commander";
import { maskOf } from "../../operations/fleet-up.ts";
import { attemptsOf, keepAttempts } from "../../operations/watch/attempts.ts";
import { watchUser } from "../../operations/watch/member.ts";
import { sumLine } from "../../operations/watch/rules.ts";
import { Watch } from "../../operations/watch/watch.ts";
import { sleep } from "../../provisioners/ssh/retry.ts";
import { interrupted, untilInterrupted } from "../../pulumi/interruption.ts";
import { counted } from "../../spec/counted.ts";
import { isUserError } from "../../spec/problem.ts";
import { stackArgument } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { waiting } from "../progress.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { styled } from "../terminal.ts";
import { lookAround, upOf } from "../watch-runs.ts";
import { Teller } from "../watch-teller.ts";
import type { UnitOptions } from "../watch-unit.ts";
import { refuseNoUrl } from "../watch-ways.ts";

export const watch: Register = (program, done) => {
  const command = wished(program.command("watch"))
    .description("compare the servers with what the last up left, all the time, and tell at once what differs; --heal puts it right")
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

A line a difference: when, server, role, resource, what. Servers that go off and come back are told; what somebody does who holds a server's lock (up, deploy, drain, bench) is not. --heal leaves alone what an up would change beyond what the last one left, and what came back three times.
Exit codes: 130 after Ctrl-C, which ends it with a sum; with --once 0, or 7 where something differs or a server did not answer.`,
    )
    .action((stack: string | undefined, options: Options) => done(run(stack, options)));
  units(command, done);
};

/** What is watched, and how: here, or by a unit. */
const wished = (command: Command): Command =>
  command
    .argument(...stackArgument)
    .addOption(new Option("--every <time>", "from one look to the next: 30s, 2m (from 5s to 1h)").argParser(every).default(30_000, "30s"))
    .option("--heal", "put right what differs, by an up of it alone; three times, then it is somebody's wish", false)
    .addOption(
      new Option("--exec <command>", "runs here for what a look found: JSON on its standard input, the lines in $FLEET_TEXT").env(
        "FLEET_WATCH_EXEC",
      ),
    )
    .addOption(new Option("--webhook <url>", "gets the same JSON by POST: stack, text, events").env("FLEET_WATCH_WEBHOOK"));

const onOption = ["--on <[user@]host:/folder>", "there, over ssh: a checkout of this project, set up, with the same backend"] as const;

function units(command: Command, done: Parameters<Register>[1]): void {
  wished(command.command("install"))
    .configureHelp({ showGlobalOptions: false })
    .description("have systemd keep a watch, here or on a server of the operators', with a key and an account of its own on the servers")
    .option(...onOption)
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
    .argument(...stackArgument)
    .option(...onOption)
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
  refuseNoUrl(options.webhook);
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
