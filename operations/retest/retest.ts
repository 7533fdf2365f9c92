// The restart of a contest, rehearsed: what is there, marks, a reboot of all in random order, and what came back.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { LockingShell } from "../../provisioners/engine/shell.ts";
import { throwIfInterrupted } from "../../pulumi/interruption.ts";
import type { MarkerSpec } from "../../spec/retest.ts";
import type { Finding } from "../doctor/finding.ts";
import { findingsOf } from "../doctor/finding.ts";
import { thisProcess } from "../doer.ts";
import type { FleetServer } from "../fleet-up.ts";
import { driftOf, lookAt } from "../look/look.ts";
import { OpenServers, type Outcome } from "../on-servers.ts";
import type { Alive } from "./alive.ts";
import { deadAfter } from "./alive.ts";
import { lookBefore } from "./facts.ts";
import { forgetRetest, type Kept, keepRetest } from "./kept.ts";
import { markText, type Planted, plant, plantedIn, readBack, remove } from "./markers.ts";
import { lookAlive, sendReboots, waitUntilBack } from "./reboot.ts";
import { faultsOn } from "./rules/rules.ts";
import { missing, type Note, take, write } from "./through.ts";
import type { Rebooted } from "./verdict.ts";

/** What lives only at run time; a server that can't be looked at is a failure. */
export async function faultsBefore(open: OpenServers, servers: readonly FleetServer[]): Promise<readonly Finding[]> {
  const outcomes = await open.each(servers, (_, shell, signal) => lookBefore(shell, { signal, onAbort: "end" }), { timeout: 90_000 });
  throwIfInterrupted();
  return outcomes.flatMap((outcome) => {
    if ("value" in outcome) return faultsOn(outcome.server, outcome.value);
    return [findingsOf(outcome.server).failure("reach", outcome.error.message.replace(`${outcome.server}: `, ""))];
  });
}

export interface RebootOptions {
  readonly stack: string;
  /** The note that is written through the application. */
  readonly marker?: MarkerSpec | undefined;
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

/**
 * All at once, in random order; those of `last` when the others are back. What was written is taken away again at the end; where it comes to none
 * (an interruption, a kill), `resumeAll` goes on from what is kept here.
 */
export async function rebootAll(servers: readonly FleetServer[], options: RebootOptions): Promise<readonly Rebooted[]> {
  const open = new OpenServers();
  const mark = randomBytes(6).toString("hex");
  const begun: Kept = { version: 1, at: new Date().toISOString(), mark, by: thisProcess(), before: [] };
  try {
    // Before the first mark: also a run that is killed now is known to have left some.
    keepRetest(options.stack, begun);
    const before = valuesOf(
      await open.each(servers, (server, shell, signal) => readied(server, shell, mark, signal), { change: "retest", timeout: 120_000 }),
    );
    const note = await written(open, servers, options.marker, mark);
    const seen = before.map(({ server, ...rest }) => plain({ server: server.name, ...rest }));
    keepRetest(options.stack, { ...begun, before: seen, ...(note && { note }) });
    const isLast = ({ server: { name } }: Before) => options.last.includes(name);
    const waves = [before.filter((each) => !isLast(each)), before.filter(isLast)].map((wave) => shuffled(wave));
    const all: Rebooted[] = [];
    for (const wave of waves) all.push(...(await rebootWave(open, wave, { ...options, mark })));
    const ended = await withNote(all, servers, options, note);
    await endRetest(servers, options, note);
    return ended;
  } finally {
    await open.close();
  }
}

/** Goes on where one was cut short: who has not rebooted since does so now, all are waited for and asked, and the marks go. */
export async function resumeAll(servers: readonly FleetServer[], kept: Kept, options: RebootOptions): Promise<readonly Rebooted[]> {
  keepRetest(options.stack, { ...kept, by: thisProcess() });
  const open = new OpenServers();
  try {
    const before = kept.before.flatMap(({ server: name, ...rest }): readonly Before[] => {
      const server = servers.find((each) => each.name === name);
      return server ? [{ server, ...rest }] : [];
    });
    const boots = await open.each(
      before.map(({ server }) => server),
      async (_, shell) => (await lookAlive(shell)).boot,
      { timeout: 60_000 },
    );
    const rebooted = before.filter((each, at) => {
      const outcome = boots[at]!;
      return !("value" in outcome) || outcome.value !== each.alive.boot;
    });
    const gone = Promise.all(rebooted.map((each) => afterReboot(each, kept.mark, options.limit, options.tell)));
    const rest = shuffled(before.filter((each) => !rebooted.includes(each)));
    const all = [...(await rebootWave(open, rest, { ...options, mark: kept.mark })), ...(await gone)];
    const ended = await withNote(all, servers, options, kept.note);
    await endRetest(servers, options, kept.note);
    return ended;
  } finally {
    await open.close();
  }
}

/** Takes away what a retest wrote, as far as servers can be reached; a next one takes the rest. */
export async function endRetest(
  servers: readonly FleetServer[],
  { stack, marker }: Pick<RebootOptions, "stack" | "marker">,
  note: Kept["note"],
): Promise<boolean> {
  const open = new OpenServers();
  try {
    const outcomes = await open.each(
      servers,
      async ({ name }, shell) => {
        await shell.run(remove(), { deadline: 30_000 });
        if (marker && note?.server === name) await take(shell, marker, note);
      },
      { timeout: 30_000 },
    );
    const all = outcomes.every((each) => "value" in each);
    if (all) forgetRetest(stack);
    return all;
  } finally {
    await open.close();
  }
}

const plain = <T>(value: T) => JSON.parse(JSON.stringify(value));

/** By which server the application is asked: the one that is said, else the first with nginx. */
const askedServer = (servers: readonly FleetServer[], { server }: MarkerSpec): FleetServer | undefined =>
  server === undefined ? (servers.find(({ roles }) => roles.includes("nginx")) ?? servers[0]) : servers.find(({ name }) => name === server);

async function written(
  open: OpenServers,
  servers: readonly FleetServer[],
  marker: MarkerSpec | undefined,
  mark: string,
): Promise<Kept["note"]> {
  const server = marker && askedServer(servers, marker);
  if (!marker || !server) return undefined;
  const [note] = valuesOf(await open.each([server], (_, shell) => write(shell, marker, mark), { timeout: 60_000 }));
  return { server: server.name, ...note! };
}

/** Milliseconds that an application has behind a database that is just back. */
const patience = 30_000;

/** With what became of the note, at the server that was asked: when all are back, since it may lie with another one. */
async function withNote(
  all: readonly Rebooted[],
  servers: readonly FleetServer[],
  { marker }: RebootOptions,
  note: Kept["note"],
): Promise<readonly Rebooted[]> {
  const server = servers.find(({ name }) => name === note?.server);
  if (!marker || !note || !server) return all;
  const open = new OpenServers();
  try {
    const [outcome] = await open.each([server], (_, shell) => untilThere(shell, marker, note), { timeout: patience + 30_000 });
    const lost = !outcome || "error" in outcome ? `note through the application: ${outcome?.error.message ?? "no answer"}` : outcome.value;
    return all.map((each) =>
      each.server === server.name ? { ...each, marks: each.marks + 1, lost: [...each.lost, ...(lost === undefined ? [] : [lost])] } : each,
    );
  } finally {
    await open.close();
  }
}

async function untilThere(shell: LockingShell, marker: MarkerSpec, note: Note): Promise<string | undefined> {
  for (const begun = performance.now(); ; ) {
    const lost = await missing(shell, marker, note);
    if (lost === undefined || performance.now() - begun > patience) return lost;
    await sleep(1000);
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
