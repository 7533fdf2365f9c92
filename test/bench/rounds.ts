// The rounds: in each, every contestant gets fresh hosts and does its three phases; what it left is looked at by somebody else.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "../../provisioners/engine/converge.ts";
import type { Connection } from "../../provisioners/engine/shell.ts";
import { Sessions } from "../../provisioners/ssh/session-pool.ts";
import { type Contestant, type Phase, phases, type Sample } from "./contestant.ts";
import { wantsOf } from "./fleet-wants.ts";
import { floor } from "./floor.ts";
import { Hosts, type HostsOptions } from "./hosts.ts";
import { roleWeb } from "./workload.ts";

export interface Measured {
  readonly contestant: string;
  readonly hosts: number;
  readonly phase: Phase;
  /** Empty where the cell was not run. */
  readonly samples: readonly Sample[];
  readonly skipped?: string;
}

interface RoundOptions {
  readonly options: HostsOptions;
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Rounds are interleaved: whatever else this computer does hits all contestants alike. */
export async function measure(count: number, contestants: readonly Contestant[], round: RoundOptions): Promise<Measured[]> {
  const samples = new Map<string, Sample[]>();
  const keep = (contestant: Contestant, phase: Phase, sample: Sample) => {
    const key = `${contestant.name} ${phase}`;
    samples.set(key, [...(samples.get(key) ?? []), sample]);
    round.log(`${count} hosts, ${contestant.name}, ${phase}: ${sample.seconds.toFixed(2)} s`);
  };
  for (let run = 0; run < round.runs; run++) {
    for (const contestant of contestants) {
      if (phases.every((phase) => contestant.skips(count, phase) !== undefined) || run >= contestant.runs(count, round.runs)) continue;
      await oneRound(count, contestant, round, keep);
    }
  }
  return contestants.flatMap((contestant) =>
    phases.map((phase): Measured => {
      const skipped = contestant.skips(count, phase);
      const told = { contestant: contestant.name, hosts: count, phase };
      return skipped === undefined
        ? { ...told, samples: samples.get(`${contestant.name} ${phase}`) ?? [] }
        : { ...told, samples: [], skipped };
    }),
  );
}

type Keep = (contestant: Contestant, phase: Phase, sample: Sample) => void;

async function oneRound(count: number, contestant: Contestant, { options, signal }: RoundOptions, keep: Keep): Promise<void> {
  signal.throwIfAborted();
  const hosts = await Hosts.start(count, options);
  try {
    await writeKnownHosts(hosts.connections, options);
    for (const phase of phases) {
      const revision = phase === "one file changed" ? 1 : 0;
      const job = { hosts: hosts.connections, phase, revision };
      const place = { directory: options.directory, signal };
      if (contestant.skips(count, phase) === undefined) keep(contestant, phase, await contestant.run(job, place));
      else await floor.run(job, place);
      if (contestant.judged ?? true) await verify(hosts.connections, revision, `${contestant.name}, ${phase}`);
    }
  } finally {
    contestant.end?.();
    await hosts.stop();
  }
}

async function writeKnownHosts(connections: readonly Connection[], { directory }: HostsOptions): Promise<void> {
  const key = (await readFile(join(directory, "host.pub"), "utf8")).trim();
  await writeFile(join(directory, "known_hosts"), connections.map(({ address, port }) => `[${address}]:${port} ${key}\n`).join(""));
}

/** The same judge for all: nothing is left to do on any host. */
async function verify(connections: readonly Connection[], revision: number, what: string): Promise<void> {
  const sessions = new Sessions();
  try {
    await Promise.all(
      connections.map(async (connection) => {
        const shell = await sessions.get(connection);
        const { report } = await inspect(shell, "role-web", wantsOf(roleWeb(revision), connection.name));
        const open = report.results.filter(({ outcome }) => outcome !== "unchanged");
        if (open.length > 0) throw new Error(`${what}: left undone on ${connection.name}: ${JSON.stringify(open.slice(0, 3))}`);
      }),
    );
  } finally {
    await sessions.closeAll();
  }
}
