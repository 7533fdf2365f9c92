// The restart of a contest, rehearsed: what is there, marks, a reboot of all in random order, and what came back.
import { randomBytes } from "node:crypto";
import type { LockingShell } from "../../provisioners/engine/shell.ts";
import type { Finding } from "../doctor/finding.ts";
import { findingsOf } from "../doctor/finding.ts";
import type { FleetServer } from "../fleet-up.ts";
import { driftOf, lookAt } from "../look/look.ts";
import { OpenServers, type Outcome } from "../on-servers.ts";
import type { Alive } from "./alive.ts";
import { deadAfter } from "./alive.ts";
import { lookBefore } from "./facts.ts";
import { markText, type Planted, plant, plantedIn, readBack, remove } from "./markers.ts";
import { lookAlive, sendReboots, waitUntilBack } from "./reboot.ts";
import { faultsOn } from "./rules/rules.ts";
import type { Rebooted } from "./verdict.ts";

/** What lives only at run time; a server that can't be looked at is a failure. */
export async function faultsBefore(open: OpenServers, servers: readonly FleetServer[]): Promise<readonly Finding[]> {
  const outcomes = await open.each(servers, (_, shell, signal) => lookBefore(shell, { signal, onAbort: "end" }), { timeout: 90_000 });
  return outcomes.flatMap((outcome) => {
    if ("value" in outcome) return faultsOn(outcome.server, outcome.value);
    return [findingsOf(outcome.server).failure("reach", outcome.error.message.replace(`${outcome.server}: `, ""))];
  });
}

export interface RebootOptions {
  /** Servers whose reboot begins when all others are back. */
  readonly last: readonly string[];
  /** Seconds for a server to come back. */
  readonly limit: number;
  readonly tell: (server: string, what: string) => void;
}

interface Before {
  readonly server: FleetServer;
  readonly alive: Alive;
  readonly drift: readonly string[];
  readonly planted: readonly Planted[];
}

/** All at once, in random order; those of `last` when the others are back. Marks are taken away again, whatever happens. */
export async function rebootAll(servers: readonly FleetServer[], options: RebootOptions): Promise<readonly Rebooted[]> {
  const open = new OpenServers();
  const mark = randomBytes(6).toString("hex");
  try {
    const before = valuesOf(
      await open.each(servers, (server, shell, signal) => readied(server, shell, mark, signal), { change: "retest", timeout: 120_000 }),
    );
    const isLast = ({ server: { name } }: Before) => options.last.includes(name);
    const waves = [before.filter((each) => !isLast(each)), before.filter(isLast)].map((wave) => shuffled(wave));
    const all: Rebooted[] = [];
    for (const wave of waves) all.push(...(await rebootWave(open, wave, { ...options, mark })));
    return all;
  } finally {
    await open.close();
    await takenAway(servers);
  }
}

async function readied(server: FleetServer, shell: LockingShell, mark: string, signal: AbortSignal): Promise<Before> {
  // First: it takes away what an earlier retest left, which is no difference that a reboot makes.
  const { stdout } = await shell.run(plant(mark), { signal });
  const alive = await lookAlive(shell);
  const drift = await driftNow(server, shell, signal);
  return { server, alive, drift, planted: plantedIn(stdout.toString("utf8")) };
}

const driftNow = async (server: FleetServer, shell: LockingShell, signal: AbortSignal): Promise<readonly string[]> =>
  await driftOf(server, await lookAt(server, shell, signal), signal);

/** Throws the first error: nothing is rebooted where one server could not be made ready. */
const valuesOf = <T>(outcomes: readonly Outcome<T>[]): readonly T[] =>
  outcomes.map((outcome) => {
    if ("value" in outcome) return outcome.value;
    throw outcome.error;
  });

/** Fisher and Yates. */
export function shuffled<T>(all: readonly T[], random: () => number = Math.random): readonly T[] {
  const mixed = [...all];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [mixed[at], mixed[other]] = [mixed[other]!, mixed[at]!];
  }
  return mixed;
}

async function rebootWave(
  open: OpenServers,
  wave: readonly Before[],
  { mark, limit, tell }: RebootOptions & { readonly mark: string },
): Promise<readonly Rebooted[]> {
  const told = await sendReboots(
    open,
    wave.map(({ server }) => server),
  );
  return await Promise.all(
    wave.map(async (each, at) => {
      const { name } = each.server;
      const outcome = told[at]!;
      if ("error" in outcome) return { ...unasked(each), error: `could not be told to reboot: ${outcome.error.message}` };
      tell(name, "reboots");
      return await afterReboot(each, mark, limit, tell);
    }),
  );
}

const unasked = ({ server, planted }: Before): Rebooted => ({ server: server.name, dead: [], drift: [], marks: planted.length, lost: [] });

async function afterReboot(each: Before, mark: string, limit: number, tell: RebootOptions["tell"]): Promise<Rebooted> {
  const { server, alive: before, drift, planted } = each;
  const { alive, seconds, error } = await waitUntilBack(server, before, limit);
  const nothing = unasked(each);
  if (alive === undefined || seconds === undefined) {
    tell(server.name, `not back after ${limit} s`);
    return { ...nothing, error: `did not come back within ${limit} s${error === undefined ? "" : `: ${error}`}` };
  }
  tell(server.name, `back after ${seconds.toFixed(1)} s`);
  const open = new OpenServers();
  try {
    const [outcome] = await open.each(
      [server],
      async (_, shell, signal) => {
        const { stdout } = await shell.run(readBack(mark, planted), { signal });
        const there = new Set(plantedIn(stdout.toString("utf8")).map(markText));
        const lost = planted.map(markText).filter((each) => !there.has(each));
        return { lost, drift: (await driftNow(server, shell, signal)).filter((each) => !drift.includes(each)) };
      },
      { timeout: 120_000 },
    );
    if (!outcome || "error" in outcome) return { ...nothing, seconds, error: outcome?.error.message ?? "no answer" };
    return { ...nothing, seconds, dead: deadAfter(before, alive), ...outcome.value };
  } finally {
    await open.close();
  }
}

/** As far as servers can be reached; the next retest takes the rest. */
async function takenAway(servers: readonly FleetServer[]): Promise<void> {
  const open = new OpenServers();
  try {
    await open.each(servers, async (_, shell) => void (await shell.run(remove(), { deadline: 30_000 })), { timeout: 30_000 });
  } finally {
    await open.close();
  }
}
