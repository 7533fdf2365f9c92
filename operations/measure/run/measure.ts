// A run from one end to the other: servers made ready, the benchmark between, everything put back and fetched, on all servers at once.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostError, type LockingShell } from "../../../provisioners/engine/shell.ts";
import { gist } from "../../../provisioners/ssh/output.ts";
import type { Profile } from "../../../spec/bench.ts";
import type { FleetServer } from "../../fleet-up.ts";
import { OpenServers, type Outcome } from "../../on-servers.ts";
import { sampler } from "../samples/sampler.ts";
import { type Apart, apartOn } from "./apart.ts";
import { Barrier } from "./barrier.ts";
import type { Benchmarked } from "./benchmark.ts";
import { type Clock, clockOn, clockText } from "./clock.ts";
import { fetchTar } from "./fetch.ts";
import { placeIn, type Surveyed } from "./place.ts";
import { collect, discard, prepare, silent, survey } from "./scripts.ts";

export interface MeasureOptions {
  readonly servers: readonly FleetServer[];
  /** Where each server's part goes: `<folder>/servers/isu1/`. */
  readonly folder: string;
  /** Without logs and samplers, and those that were on are switched off for good. */
  readonly final: boolean;
  /** Units that are restarted before. */
  readonly restart: readonly string[];
  readonly profile: Profile;
  /** Seconds after which servers put everything back by themselves. */
  readonly limit: number;
  /** What holds others back: `fleet bench team-a`. */
  readonly what: string;
  /** Told what is being done. */
  readonly tell: (phase: string) => void;
  readonly onWait: (server: string, why: string) => void;
  /** The run itself, once all servers are ready. */
  readonly middle: (open: OpenServers) => Promise<Benchmarked>;
}

export interface Measured extends Benchmarked {
  readonly remarks: Readonly<Record<string, readonly string[]>>;
}

/** Ends where a server can't be made ready: nothing is measured then, and all is put back. */
export async function measure(options: MeasureOptions): Promise<Measured> {
  const open = new OpenServers();
  const barrier = new Barrier(options.servers.length, () => options.middle(open));
  const remarks: Record<string, readonly string[]> = {};
  const one = async (server: FleetServer, shell: LockingShell, signal: AbortSignal) => {
    const place = await surveyed(shell);
    remarks[server.name] = place.remarks;
    await onServer(server, shell, place, { options, barrier, signal });
    remarks[server.name] = [...place.remarks, ...silentProfilers(join(options.folder, "servers", server.name))];
  };
  try {
    options.tell("makes the servers ready");
    const working = open.each(options.servers, one, {
      change: options.what,
      onWait: options.onWait,
      onOutcome: (outcome) => failed(outcome, barrier),
    });
    const outcomes = await working;
    for (const outcome of outcomes) if ("error" in outcome) throw outcome.error;
    return { ...(await barrier.over), remarks };
  } finally {
    await open.close();
  }
}

const failed = (outcome: Outcome<unknown>, barrier: Barrier<Benchmarked>): void => {
  if ("error" in outcome) barrier.fail(outcome.error);
};

interface Looked extends Surveyed {
  readonly apart: readonly Apart[];
  readonly clock: Clock | undefined;
}

async function surveyed(shell: LockingShell): Promise<Looked> {
  const { stdout } = await shell.run(survey);
  const place = placeIn(stdout.toString("utf8"));
  const clock = await clockOn(shell);
  return { ...place, remarks: [...place.remarks, ...[clockText(clock)].flatMap((each) => each ?? [])], clock, apart: await apartOn(shell) };
}

/** They were started and brought nothing: in a container perf may not, and a profiler may be too old for its language. */
function silentProfilers(folder: string): readonly string[] {
  const file = join(folder, "profiles", "said");
  if (!existsSync(file)) return [];
  const said = readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  return [
    `profilers ran and brought nothing${said.length > 0 ? `: ${gist(said.find((line) => /error|permi|fail/i.test(line)) ?? said.at(-1)!)}` : ""}`,
  ];
}

/** What was seen before the run, beside what is fetched after it. */
function keepLook(folder: string, { apart, clock }: Looked): void {
  for (const [name, value] of Object.entries({ apart, clock }))
    if (value !== undefined) writeFileSync(join(folder, `${name}.json`), JSON.stringify(value), { mode: 0o600 });
}

interface Around {
  readonly options: MeasureOptions;
  readonly barrier: Barrier<Benchmarked>;
  readonly signal: AbortSignal;
}

async function onServer(server: FleetServer, shell: LockingShell, place: Looked, { options, barrier, signal }: Around): Promise<void> {
  let done = false;
  try {
    const { final, restart, limit, profile } = options;
    const script = final
      ? silent(place, restart)
      : prepare(place, restart, { sampler: sampler(limit, { mysql: place.mysql !== undefined }), profile });
    const { code, stderr } = await shell.run(script, { signal });
    if (code !== 0) throw new HostError(server.name, "lost", `expected to be made ready for a run, got exit code ${code}: ${gist(stderr)}`);
    barrier.arrive();
    await Promise.race([barrier.over, aborted(signal)]);
    options.tell("fetches logs");
    const own = join(options.folder, "servers", server.name);
    await fetchTar(shell, collect(place, options.profile), own);
    keepLook(own, place);
    done = true;
  } catch (error) {
    barrier.fail(error as Error);
    throw error;
  } finally {
    // Whatever went wrong, and however: logging that stays on costs score.
    if (!done && !options.final) await shell.run(discard(place), { deadline: 20_000 }).catch(() => {});
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
