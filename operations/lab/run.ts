// A lab from one end to the other: servers looked at and made ready, the passes in turn, everything taken back.
import { randomBytes } from "node:crypto";
import { HostError, type LockingShell } from "../../provisioners/engine/shell.ts";
import { type Command, raw } from "../../provisioners/engine/shell-quote.ts";
import { gist } from "../../provisioners/ssh/output.ts";
import { UserError } from "../../spec/problem.ts";
import type { FleetServer } from "../fleet-up.ts";
import { Barrier } from "../measure/run/barrier.ts";
import { runHere } from "../measure/run/benchmark.ts";
import type { OpenServers, Outcome } from "../on-servers.ts";
import { begin, end, installed, leave } from "./aside.ts";
import { type DiskHow, diskJobs, diskPass, diskReady, diskSaid } from "./disk.ts";
import { hardwareOf, type Seen } from "./hardware.ts";
import type { Pass } from "./model.ts";
import { type OltpHow, oltpPass, oltpReady, oltpSaid, oltpSetting } from "./oltp.ts";
import { estimate, inTurn } from "./order.ts";
import { type WebHow, webCommand, webSaid, webUrl } from "./web.ts";

/** How it is done, by its kind. */
export type How = ({ readonly kind: "disk" } & DiskHow) | ({ readonly kind: "oltp" } & OltpHow) | ({ readonly kind: "web" } & WebHow);

/** One of what is compared. */
export interface Case {
  readonly server: FleetServer;
  /** `16 threads`, `innodb_flush_log_at_trx_commit=2`; empty where servers alone are compared. */
  readonly setting: string;
  /** Threads, connections, or requests in flight. */
  readonly width: number;
  /** A global of the database's. */
  readonly set?: { readonly name: string; readonly value: string };
}

export interface LabWish {
  readonly how: How;
  readonly cases: readonly Case[];
  readonly rounds: number;
  /** All servers at once; else one after the other, since practice machines share a computer. */
  readonly atOnce: boolean;
  /** Told what is being done. */
  readonly tell: (what: string) => void;
  /** Told each pass. */
  readonly onPass: (pass: Pass) => void;
  readonly onWait: (server: string, why: string) => void;
}

export interface LabDone {
  readonly passes: readonly Pass[];
  readonly remarks: readonly string[];
}

/** Of each server, before anything is asked or changed. Throws where one can't be reached. */
export async function lookedAt(open: OpenServers, servers: readonly FleetServer[], place: string): Promise<ReadonlyMap<string, Seen>> {
  const outcomes = await open.each(servers, (_, shell) => hardwareOf(shell, place));
  return new Map(outcomes.map((outcome) => [outcome.server, valueIn(outcome)]));
}

function valueIn<T>(outcome: Outcome<T>): T {
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

/** A folder on a server, with the first of these that is there. */
export async function placeOn(open: OpenServers, server: FleetServer): Promise<string> {
  const [outcome] = await open.each([server], async (_, shell) => {
    const { stdout } = await shell.run(raw("if [ -d /var/lib/mysql ]; then echo /var/lib/mysql; else echo /var/tmp; fi"));
    return stdout.toString("utf8").trim();
  });
  return valueIn(outcome!);
}

const programs: Readonly<Record<How["kind"], readonly string[]>> = { disk: ["fio"], oltp: ["sysbench"], web: [] };
/** Milliseconds: a table of half the memory is written first. */
const forever = 2 ** 31 - 1;
/** Seconds that making data and fetching packages may take. */
const spare = 7200;
/** Of an end that somebody waits for at a terminal. */
const patience = 6;

/** Ends where a server can't be made ready: nothing is measured then, and all is taken back. */
export async function runLab(open: OpenServers, wish: LabWish): Promise<LabDone> {
  const servers = [...new Set(wish.cases.map(({ server }) => server))];
  const barrier = new Barrier(servers.length, () => passesOf(open, wish));
  const limit = spare + estimate(wish.cases.length * wish.rounds * jobsOf(wish.how), wish.how);
  const remarks: string[] = [];
  const one = async (server: FleetServer, shell: LockingShell, signal: AbortSignal) => {
    const must = (script: Command, what: string) => mustRun(server, shell, script, { what, signal });
    let done = false;
    try {
      await must(begin(limit), "to be made ready for a lab");
      for (const program of programs[wish.how.kind]) {
        wish.tell(`installs ${program} on ${server.name}`);
        await must(installed(program), `${program}, or its package`);
      }
      wish.tell(wish.how.kind === "oltp" ? `makes the tables on ${server.name}` : `makes ${server.name} ready`);
      const ready = readyFor(wish.how);
      if (ready) await must(ready, wish.how.kind === "oltp" ? "tables in its database" : "a folder to write in");
      barrier.arrive();
      await barrier.over;
      done = true;
    } catch (error) {
      barrier.fail(error as Error);
      throw error;
    } finally {
      wish.tell(`takes back what was put onto ${server.name}`);
      remarks.push(...(await takenBack(server, shell, done)));
    }
  };
  const outcomes = await open.each(servers, one, {
    change: `fleet lab ${wish.how.kind}`,
    onWait: wish.onWait,
    onOutcome: (outcome) => "error" in outcome && barrier.fail(outcome.error),
  });
  outcomes.forEach(valueIn);
  return { passes: (await barrier.over).passes, remarks: [...(await barrier.over).remarks, ...remarks] };
}

/** What could not be taken back, a sentence each. */
async function takenBack(server: FleetServer, shell: LockingShell, done: boolean): Promise<readonly string[]> {
  if (!done) {
    await shell.run(leave(patience), { deadline: (patience + 10) * 1000 }).catch(() => {});
    return [];
  }
  const { stdout } = await shell.run(end, { deadline: forever });
  return stdout
    .toString("utf8")
    .split("\n")
    .filter((line) => line.startsWith("not taken back: "))
    .map((line) => `${server.name}: ${line}; the next lab tries again`);
}

interface Must {
  readonly what: string;
  readonly signal: AbortSignal;
}

async function mustRun(server: FleetServer, shell: LockingShell, script: Command, { what, signal }: Must): Promise<string> {
  const { code, stdout, stderr } = await shell.run(script, { deadline: forever, signal, onAbort: "end" });
  signal.throwIfAborted();
  if (code !== 0) throw new UserError(`${server.name}: expected ${what}, got exit code ${code}: ${gist(stderr)}`);
  return stdout.toString("utf8");
}

function readyFor(how: How): Command | undefined {
  if (how.kind === "disk") return diskReady(how);
  return how.kind === "oltp" ? oltpReady(how, randomBytes(4).toString("hex"), randomBytes(18).toString("base64url")) : undefined;
}

export const jobsOf = ({ kind }: Pick<How, "kind">): number => (kind === "disk" ? diskJobs.length : 1);

/** In turn; servers beside each other where they share nothing. */
async function passesOf(open: OpenServers, wish: LabWish): Promise<LabDone> {
  const passes: Pass[] = [];
  const remarks = new Set<string>();
  const line = async (cases: readonly Case[]) => {
    for (const { each, round } of inTurn(cases, wish.rounds))
      for (const pass of await passOf(open, wish, { ...each, round, remark: (text) => remarks.add(text) })) {
        passes.push(pass);
        wish.onPass(pass);
      }
  };
  if (wish.atOnce) await Promise.all([...Map.groupBy(wish.cases, ({ server }) => server).values()].map(line));
  else await line(wish.cases);
  return { passes, remarks: [...remarks] };
}

interface Turn extends Case {
  readonly round: number;
  readonly remark: (text: string) => void;
}

async function passOf(open: OpenServers, { how, tell }: LabWish, turn: Turn): Promise<readonly Pass[]> {
  const { server, setting, round, width, set } = turn;
  const own = { server: server.name, setting, round };
  const told = (job: string) => tell(`${server.name}${setting === "" ? "" : `, ${setting}`}: ${job}, round ${round}`);
  const on = async (script: Command, what: string): Promise<string> => {
    const [outcome] = await open.each([server], (_, shell, signal) => mustRun(server, shell, script, { what, signal }));
    return valueIn(outcome!);
  };
  if (how.kind === "web") {
    told("GET");
    return [{ ...own, job: "requests", ...(await webRan(how, server, width)) }];
  }
  if (how.kind === "oltp") {
    told(how.workload);
    if (set) await on(oltpSetting(set.name, set.value), `${set.name} to be set while it runs`);
    return [{ ...own, job: how.workload, ...oltpSaid(await on(oltpPass(how, width), "sysbench to run")) }];
  }
  const done: Pass[] = [];
  for (const job of diskJobs) {
    told(job.name);
    const { cached, ...figures } = diskSaid(await on(diskPass(job, { ...how, depth: width }), "fio to run"), job);
    if (cached) turn.remark(`${server.name}: the file system below ${how.place} knows no direct way: these are figures of its page cache`);
    done.push({ ...own, job: job.name, ...figures });
  }
  return done;
}

async function webRan(how: WebHow, server: FleetServer, connections: number): Promise<ReturnType<typeof webSaid>> {
  const { command, clean } = webCommand({ ...how, url: webUrl(how, server.connection.address) }, connections);
  let said = "";
  try {
    const timeout = `${how.time + how.ramp + 60}s` as const;
    const code = await runHere(command, { timeout }, (line) => {
      said += `${line}\n`;
    });
    if (code !== 0) throw new HostError(server.name, "unreachable", `expected wrk to run, got exit code ${code}: ${gist(said)}`);
    return webSaid(said, connections);
  } finally {
    clean();
  }
}
