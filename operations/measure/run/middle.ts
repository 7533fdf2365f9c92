// Which benchmark is meant, and how it is started: a command here or on a server, a load of our own, or a person elsewhere.
import type { BenchSpec } from "../../../spec/bench.ts";
import { Load } from "../../../spec/bench.ts";
import { UserError } from "../../../spec/problem.ts";
import { secondsOf } from "../../../spec/scalars.ts";
import type { FleetServer, FleetUp } from "../../fleet-up.ts";
import type { OpenServers } from "../../on-servers.ts";
import { runCommand } from "../../run-command.ts";
import { addressed, type Benchmarked, benchmarked, type Hear, runHere } from "./benchmark.ts";
import { loadCommand, needsWrk } from "./load.ts";
import { look, Traffic, type Watched, watchedIn } from "./traffic.ts";

export interface Around {
  readonly hear: Hear;
  /** What a person saw, where nothing here prints it. */
  readonly score: number | undefined;
  /** Asks a person for the score of a benchmark that was waited for; undefined for none. */
  readonly ask: () => Promise<number | undefined>;
}

type Middle = (open: OpenServers, servers: readonly FleetServer[]) => Promise<Benchmarked>;

/** Throws a UserError, before anything is touched, where the benchmark can't be run. */
export function middleFor(spec: BenchSpec, fleet: FleetUp, around: Around): Middle {
  if (spec.wait) return waited(spec, around);
  if (spec.command === undefined) return load(spec, fleet, around.hear);
  const addresses = Object.fromEntries(fleet.servers.map(({ name, connection }) => [name, connection.address]));
  const command = addressed(spec.command, addresses);
  const { on } = spec;
  if (on === undefined) return async () => await benchmarked((hear) => runHere(command, spec, hear), spec, around);
  const server = fleet.servers.find(({ name }) => name === on);
  if (!server)
    throw new UserError(`bench.on: expected a server that is up (${fleet.servers.map(({ name }) => name).join(", ")}), got \`${on}\``);
  return async (open) => await benchmarked((hear) => onServer(open, server, command, spec, hear), spec, around);
}

async function onServer(open: OpenServers, server: FleetServer, command: string, spec: BenchSpec, hear: Hear): Promise<number> {
  const [outcome] = await open.each(
    [server],
    (each, shell, signal) =>
      runCommand(
        each,
        shell,
        { command, ...(spec.user !== undefined && { user: spec.user }) },
        { onLine: ({ text }) => hear(text), signal },
      ),
    { timeout: secondsOf(spec.timeout) * 1000 },
  );
  if (outcome && "value" in outcome) return outcome.value.code;
  if (outcome?.ended !== "timeout") throw outcome!.error;
  hear(`FAIL: not done within ${spec.timeout}, and ended`);
  return 1;
}

function load(spec: BenchSpec, { servers }: FleetUp, hear: Hear): Middle {
  const wish = spec.load ?? Load.parse({});
  const server = wish.server === undefined ? servers[0]! : servers.find(({ name }) => name === wish.server);
  if (!server)
    throw new UserError(
      `bench.load.server: expected a server that is up (${servers.map(({ name }) => name).join(", ")}), got \`${wish.server}\``,
    );
  needsWrk();
  return async () => {
    const { command, clean } = loadCommand(wish, wish.url ?? `http://${server.connection.address}`);
    try {
      return await benchmarked((each) => runHere(command, spec, each), {}, { hear });
    } finally {
      clean();
    }
  };
}

/** Milliseconds between looks. */
const interval = 1000;

function waited({ initialize, quiet, timeout }: BenchSpec, { hear, score, ask }: Around): Middle {
  return async (open, servers) => {
    hear(
      `the servers are ready: start the benchmark (${initialize}, or many requests, begin the measurement; ${quiet} without any end it)`,
    );
    const traffic = new Traffic(secondsOf(quiet));
    const until = Date.now() / 1000 + secondsOf(timeout) + 3600;
    for (let over = false; !over; ) {
      const had = traffic.began;
      over = traffic.take(Date.now() / 1000, await looks(open, servers, look(initialize, had !== undefined)));
      if (had === undefined && traffic.began !== undefined) hear("it has begun");
      if (Date.now() / 1000 > (traffic.began === undefined ? until : traffic.began + secondsOf(timeout))) break;
      if (!over) await new Promise((resolve) => setTimeout(resolve, interval));
    }
    const began = traffic.began;
    if (began === undefined) throw new UserError("bench: expected a benchmark to begin within an hour, got no request");
    hear(`it has ended, after ${Math.round(traffic.ended - began)} s`);
    const seen = score ?? (await ask());
    return {
      began,
      ended: traffic.ended,
      output: "",
      messages: [],
      passed: seen !== undefined,
      ...(seen !== undefined && { score: seen }),
    };
  };
}

async function looks(
  open: OpenServers,
  servers: readonly FleetServer[],
  script: ReturnType<typeof look>,
): Promise<Readonly<Record<string, Watched>>> {
  const outcomes = await open.each(servers, async (_, shell) => watchedIn((await shell.run(script)).stdout.toString()));
  const found: Record<string, Watched> = {};
  for (const outcome of outcomes) {
    if ("error" in outcome) throw outcome.error;
    if (outcome.value) found[outcome.server] = outcome.value;
  }
  return found;
}
