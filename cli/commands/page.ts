// fleet page: the servers, and what becomes of them, in the browsers of the whole team.
import { InvalidArgumentError } from "commander";
import { type FleetServer, fleetUp } from "../../operations/fleet-up.ts";
import { type Chosen, fileChosen } from "../../operations/page/gaze.ts";
import { Page } from "../../operations/page/page.ts";
import { isLoopback, type Place } from "../../operations/page/server.ts";
import { tokenOf } from "../../operations/page/token.ts";
import { select, selectionHelp } from "../../operations/select.ts";
import { untilInterrupted } from "../../pulumi/interruption.ts";
import { UserError } from "../../spec/problem.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { seconds } from "../seconds.ts";
import { several } from "../several.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { styled } from "../terminal.ts";

export const page: Register = (program, done) =>
  program
    .command("page")
    .description("a page for the whole team: servers live, runs, deploys, measurements, what differs; until Ctrl-C")
    .argument("[servers...]", selectionHelp)
    .option(...stackOption)
    .option(
      "--listen <address>",
      "address, or address:port; what is not loopback is the team's network to trust: it is plain HTTP",
      place,
      {
        ...{ address: "127.0.0.1", port: defaultPort, anyPort: true },
      },
    )
    .option("--name <host>", "by which the page is asked for, too (of a proxy); may be given more than once", several, [])
    .option("-c, --command <command>", "its output on all servers; may be given more than once", several, [])
    .option("-f, --file <path>", "the end of a file on all servers; may be given more than once", several, [])
    .option("--sudo", "commands and files as root, not as the user of the stack file", false)
    .option("--every <seconds>", "between two runs of those commands; default 10", seconds)
    .option("--new-token", "links that were given away end", false)
    .option("--json", "where it is, as JSON on one line", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet page
  fleet page --listen 192.0.2.7                   for the others of the team, on their network
  fleet page -c 'uptime' -c 'df -h /' --every 30
  fleet page --sudo -f /var/log/nginx/error.log -f /etc/nginx/nginx.conf
  ssh -L 4180:127.0.0.1:4180 ada-laptop           what another one of the team types, else

Servers are looked at once for all readers, and not at all while nobody reads. Whoever has the link may read: nothing can be changed by it.
Exit codes: 2 where it can't listen, 130 after Ctrl-C.`,
    )
    .action((words: string[], options: Options) => done(show(words, options)));

const defaultPort = 4180;

interface Options {
  readonly stack?: string;
  readonly listen: Place;
  readonly name: readonly string[];
  readonly command: readonly string[];
  readonly file: readonly string[];
  readonly sudo: boolean;
  /** Milliseconds. */
  readonly every?: number;
  readonly newToken: boolean;
  readonly json: boolean;
}

function place(text: string): Place {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined || Number(port ?? 1) > 65_535)
    throw new InvalidArgumentError("expected an address of this computer: 192.0.2.7, 192.0.2.7:8080 or [::1]:8080");
  return { address, port: Number(port ?? defaultPort), anyPort: port === undefined };
}

async function show(words: readonly string[], options: Options): Promise<number> {
  const stack = options.stack ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const servers = select(fleet.servers, words);
  const token = tokenOf(stack, options.newToken);
  const shown = new Page({
    ...{ fleet, words, token, chosen: chosenIn(options) },
    ...{ every: 3_000, outputEvery: options.every ?? 10_000 },
    place: { ...options.listen, names: options.name },
    onProblem: (problem) => console.error(`page: ${problem}`),
  });
  const { signal, done } = untilInterrupted();
  try {
    const url = await shown.listen();
    if (options.json) console.log(JSON.stringify({ stack, url, link: `${url}/?token=${token}` }));
    else console.log(told(stack, servers, url, token, options.listen));
    await shown.run(signal);
    return 0;
  } finally {
    done();
  }
}

function chosenIn({ command, file, sudo }: Options): readonly Chosen[] {
  const all = [...command.map((each) => ({ title: each, command: each })), ...file.map(fileChosen)];
  const twice = all.find(({ title }, index) => all.findIndex((other) => other.title === title) !== index);
  if (twice) throw new UserError(`${twice.title}: expected it once, got it twice`);
  return all.map((each) => (sudo ? { ...each, user: "root" } : each));
}

function told(stack: string, servers: readonly FleetServer[], url: string, token: string, { address }: Place): string {
  const who = isLoopback(address)
    ? "From this computer alone; for the others of the team --listen ADDRESS, or their ssh -L."
    : "Plain HTTP: whoever has the link, or listens on that network, may read.";
  return `${stack}: ${servers.map(({ name }) => name).join(", ")} are shown at\n\n  ${styled("bold", `${url}/?token=${token}`)}\n\n${who} Ctrl-C ends it.`;
}
