// fleet status: all servers on one screen.
import { InvalidArgumentError } from "commander";
import { createLogUpdate } from "log-update";
import { sharesOf } from "../../operations/balance/stack-share.ts";
import { type FleetServer, fleetUp } from "../../operations/fleet-up.ts";
import type { HistoryEntry } from "../../operations/history/entry.ts";
import { historyOf } from "../../operations/history/history.ts";
import { isRight } from "../../operations/look/found.ts";
import { driftOf, lookAt, type Seen } from "../../operations/look/look.ts";
import { ledger, type RunEntry, runsFolder } from "../../operations/measure/runs.ts";
import { OpenServers } from "../../operations/on-servers.ts";
import { select, selectionHelp } from "../../operations/select.ts";
import { sentenceOf } from "../../provisioners/engine/shell.ts";
import { sleep } from "../../provisioners/ssh/retry.ts";
import { untilInterrupted } from "../../pulumi/interruption.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { waiting } from "../progress.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { type Row, screen } from "../status-screen.ts";

export const status: Register = (program, done) =>
  program
    .command("status")
    .description("all servers on one screen: load, memory, disk, services, deployed commit, last bench, what differs from the last run")
    .argument("[servers...]", selectionHelp)
    .option(...stackOption)
    .option("-w, --watch [seconds]", "again and again, until Ctrl-C; every 2 seconds without a number", every)
    .option("--no-drift", "without a comparison of what is there with what the last run left")
    .option("--json", "as JSON; with --watch one object a line", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet status
  fleet status nginx --watch 5
  fleet status --json | jq '.servers[] | select(.error)'

Exit codes: 0; 1 where a server could not be looked at or a service does not run that the stack wants, or runs that it wants off.`,
    )
    .action((words: string[], options: Options) => done(show(words, options)));

interface Options {
  readonly stack?: string;
  /** Milliseconds; `true` for the default. */
  readonly watch?: number | true;
  readonly drift: boolean;
  readonly json: boolean;
}

function every(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0.5 && seconds <= 3600)) throw new InvalidArgumentError("expected seconds from 0.5 to 3600");
  return seconds * 1000;
}

/** Milliseconds between two comparisons, which cost the servers more than a look. */
const driftEvery = 30_000;

async function show(words: readonly string[], options: Options): Promise<number> {
  const stack = options.stack ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const servers = select(fleet.servers, words);
  const open = new OpenServers();
  const eyes = new Eyes(servers, open, options.drift);
  const last = async (): Promise<HistoryEntry | undefined> => (await historyOf(stack, 1).catch(() => []))[0];
  try {
    const one = async () => ({
      rows: withShares(await eyes.look(), stack),
      last: await last(),
      measured: ledger(runsFolder(stack)).at(-1),
      ...(fleet.expiresAt !== undefined && { expiresAt: fleet.expiresAt }),
    });
    const seen = await waiting(() => `looks at ${servers.map(({ name }) => name).join(", ")}`, one);
    if (options.watch === undefined) {
      console.log(options.json ? JSON.stringify(plain(stack, seen), null, 2) : screen(stack, seen.rows, seen.last, seen));
      return seen.rows.every(isWell) ? 0 : 1;
    }
    await watch(stack, seen, one, options);
    return 0;
  } finally {
    await open.close();
  }
}

interface Screenful {
  readonly rows: readonly Row[];
  readonly last: HistoryEntry | undefined;
  readonly expiresAt?: string;
  readonly measured: RunEntry | undefined;
}

async function watch(stack: string, first: Screenful, again: () => Promise<Screenful>, { watch: period, json }: Options): Promise<void> {
  const draw = process.stdout.isTTY ? createLogUpdate(process.stdout) : console.log;
  const { signal, done } = untilInterrupted();
  try {
    for (let seen = first; !signal.aborted; ) {
      if (json) console.log(JSON.stringify(plain(stack, seen)));
      else draw(screen(stack, seen.rows, seen.last, seen));
      await sleep(typeof period === "number" ? period : 2000, signal).catch(() => {});
      if (!signal.aborted) seen = await again();
    }
  } finally {
    done();
  }
}

/** As `drain` wrote them; a mistake in the stack file takes no look away. */
function withShares(rows: readonly Row[], stack: string): readonly Row[] {
  try {
    const shares = sharesOf(stack);
    return rows.map((row) => ({ ...row, share: shares[row.server.name] ?? 100 }));
  } catch {
    return rows;
  }
}

const isWell = ({ seen }: Row): boolean => seen?.services.every(isRight) ?? false;

const plain = (stack: string, { rows, last, expiresAt, measured }: Screenful) => ({
  stack,
  ...(expiresAt !== undefined && { expiresAt }),
  at: new Date().toISOString(),
  ...(last && { lastRun: { id: last.id, at: last.at, who: last.who, what: last.what, result: last.result } }),
  ...(measured && { lastBench: measured }),
  servers: rows.map(({ server, seen, error, drift, undone, share }) => ({
    server: server.name,
    address: server.connection.address,
    roles: server.roles,
    ...(share !== undefined && { share }),
    ...(error === undefined ? {} : { error }),
    ...seen,
    ...(drift && { drift }),
    undone,
  })),
});

/** Looks at all of them, and from time to time compares. */
class Eyes {
  readonly #servers: readonly FleetServer[];
  readonly #open: OpenServers;
  readonly #compares: boolean;
  #drift: { readonly at: number; readonly by: ReadonlyMap<string, readonly string[]> } | undefined;

  constructor(servers: readonly FleetServer[], open: OpenServers, compares: boolean) {
    this.#servers = servers;
    this.#open = open;
    this.#compares = compares;
  }

  async look(): Promise<readonly Row[]> {
    const compare = this.#compares && Date.now() - (this.#drift?.at ?? 0) > driftEvery;
    const outcomes = await this.#open.each<[Seen, readonly string[] | undefined]>(
      this.#servers,
      async (server, shell, signal) => {
        const seen = await lookAt(server, shell, signal);
        return [seen, compare ? await driftOf(server, seen, signal) : undefined];
      },
      { timeout: 60_000 },
    );
    if (compare) {
      const found = outcomes.flatMap((each) => ("value" in each && each.value[1] ? [[each.server, each.value[1]] as const] : []));
      this.#drift = { at: Date.now(), by: new Map(found) };
    }
    return outcomes.map((outcome, index): Row => {
      const server = this.#servers[index]!;
      const drift = this.#drift?.by.get(server.name);
      const { undone } = server;
      if ("value" in outcome) return { server, undone, seen: outcome.value[0], ...(drift && { drift }) };
      return { server, undone, error: sentenceOf(outcome.error) };
    });
  }
}
