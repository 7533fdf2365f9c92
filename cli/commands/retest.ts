// fleet retest: the restart of a contest, with a verdict before the organiser's.

import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Finding } from "../../operations/doctor/finding.ts";
import { type FleetServer, type FleetUp, fleetUp, maskedIn, maskOf } from "../../operations/fleet-up.ts";
import { recorded } from "../../operations/history/history.ts";
import { OpenServers } from "../../operations/on-servers.ts";
import { RunRecord } from "../../operations/record.ts";
import { type Kept, keptRetest, refuseWhileAtWork } from "../../operations/retest/kept.ts";
import { pageOf } from "../../operations/retest/page.ts";
import { endRetest, faultsBefore, type RebootOptions, rebootAll, resumeAll } from "../../operations/retest/retest.ts";
import { isGoodEnough, type Retest, tries, verdictOf } from "../../operations/retest/verdict.ts";
import { select, selectionHelp } from "../../operations/select.ts";
import { planOf } from "../../provisioners/stack.ts";
import { changes } from "../../pulumi/interruption.ts";
import { counted } from "../../spec/counted.ts";
import { isUserError } from "../../spec/problem.ts";
import type { MarkerSpec } from "../../spec/retest.ts";
import { typed } from "../../spec/typed.ts";
import { stackOption } from "../behind-dashes.ts";
import { benchOf } from "../bench-wish.ts";
import type { Register } from "../command.ts";
import { stateText } from "../finding-state.ts";
import { measuredRun } from "../measured-run.ts";
import { waiting } from "../progress.ts";
import { seconds } from "../seconds.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { confirm, styled } from "../terminal.ts";

export const retest: Register = (program, done) =>
  program
    .command("retest")
    .description("rehearse the restart: name what lives only at run time, reboot all servers, say whether everything came back")
    .argument("[servers...]", selectionHelp)
    .option(...stackOption)
    .option("--look", "only what lives at run time alone; reboot nothing", false)
    .option("--anyway", "reboot also where something was found that will not survive it", false)
    .option("--bench", "a run of the benchmark before and up to three after it, which must reach 75 % of its score", false)
    .option("--resume", "go on with a retest that was cut short: wait for its servers, read its marks back, say the verdict", false)
    .option("--clean", "only take away what a retest that was cut short left on the servers", false)
    .option("--database-last", "reboot servers with a database when the others are back", false)
    .option("--timeout <seconds>", "for a server to come back; 300 without", seconds)
    .option("-y, --yes", "without a question", false)
    .option("--json", "verdict, reasons and all that was found, as JSON", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet retest --look             what a reboot would lose, a line each, with what mends it
  fleet retest                    the same, then a reboot of all, in random order
  fleet retest --bench --yes      with the benchmark on both sides, as an organiser does it
  fleet retest --database-last    the order in which applications wait for their database
  fleet retest --resume           after a Ctrl-C, or a lost connection

Files, a row and a key are written before, read back after, and taken away again; through the application too where the stack file says how (retest.marker). The page stays in .fleet/runs/.
Exit codes: 0 passed (with --look: nothing was found that is lost), 1 failed: the reasons are said.`,
    )
    .action((words: string[], options: Options) => done(run(words, options)));

interface Options {
  readonly stack?: string;
  readonly look: boolean;
  readonly anyway: boolean;
  readonly bench: boolean;
  readonly databaseLast: boolean;
  readonly resume: boolean;
  readonly clean: boolean;
  readonly timeout?: number;
  readonly yes: boolean;
  readonly json: boolean;
}

async function run(words: readonly string[], options: Options): Promise<number> {
  const stack = options.stack ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const servers = select(fleet.servers, words);
  const marker = markerOf(stack);
  if (options.resume || options.clean) return await goOn(fleet, marker, options);
  await endHalfDone(fleet, marker);
  const faults = masked(await lookedFor(stack, servers), fleet);
  const lost = faults.filter(({ state }) => state === "failure").length;
  if (!options.json) console.log(faultsText(faults, servers.length));
  if (options.look || (lost > 0 && !options.anyway)) {
    if (!options.look) console.error(`nothing was rebooted; next: mend ${lost === 1 ? "it" : "them"}, or ${typed()} retest --anyway`);
    return told({ stack, faults }, options);
  }
  await confirm(`retest reboots ${servers.map(({ name }) => name).join(", ")}`, stack, options.yes);
  return await recorded({ stack, what: "retest" }, async (notes) => {
    changes();
    notes.servers = servers.map(({ name }) => name);
    const retested = masked(await rehearsed(fleet, servers, faults, { ...options, marker }), fleet);
    const { passed, reasons } = verdictOf(retested);
    notes.summary = passed ? "passed" : `failed: ${reasons[0]}`;
    return told(retested, options);
  });
}

/** A command line, or a setting, may hold a secret of the stack's: none is shown or kept. */
function masked<T>(told: T, fleet: FleetUp): T {
  return maskedIn(told, maskOf(fleet));
}

async function lookedFor(stack: string, servers: readonly FleetServer[]): Promise<readonly Finding[]> {
  const open = new OpenServers();
  try {
    return await waiting(
      () => `retest: looks at ${stack}`,
      () => faultsBefore(open, servers),
    );
  } finally {
    await open.close();
  }
}

async function rehearsed(
  fleet: FleetUp,
  servers: readonly FleetServer[],
  faults: readonly Finding[],
  options: Options & { readonly marker: MarkerSpec | undefined },
): Promise<Retest> {
  const spec = options.bench ? await benchOf(fleet, options) : undefined;
  const score = async (note: string): Promise<number | undefined> => {
    const { report } = await measuredRun({ fleet, spec: spec!, final: true, note, quiet: options.json });
    const got = report.entry.passed ? report.entry.score : undefined;
    console.error(`${note}: ${got ?? "failed"}`);
    return got;
  };
  const before = spec && (await score("before the retest"));
  const last = options.databaseLast ? servers.filter(({ roles }) => roles.includes("mysql")).map(({ name }) => name) : [];
  const rebooted = await waiting(
    () => "retest: waits for the servers",
    () => rebootAll(servers, { ...rebooting(fleet.stack, options.marker, options), last }),
  );
  const after: (number | undefined)[] = [];
  if (before !== undefined && rebooted.every(({ seconds: back }) => back !== undefined))
    while (after.length < tries && !after.some((each) => isGoodEnough(before, each))) after.push(await score("after the retest's reboot"));
  return { stack: fleet.stack, faults, rebooted, ...(spec && { scores: { ...(before !== undefined && { before }), after } }) };
}

const rebooting = (stack: string, marker: MarkerSpec | undefined, { timeout }: Pick<Options, "timeout">): RebootOptions => ({
  ...{ stack, marker, last: [] },
  limit: (timeout ?? 300_000) / 1000,
  tell: (server, what) => console.error(`${server}: ${what}`),
});

/** A stack file with a mistake takes no retest away. */
function markerOf(stack: string): MarkerSpec | undefined {
  try {
    return planOf(stack).spec.retest?.marker;
  } catch (error) {
    if (!isUserError(error)) throw error;
    console.error(`nothing is written through the application: ${error.message.split("\n")[0]}`);
    return undefined;
  }
}

/** What one that was cut short wrote is taken away; that there will be no verdict of it is said. */
async function endHalfDone({ stack, servers }: FleetUp, marker: MarkerSpec | undefined): Promise<void> {
  const kept = keptRetest(stack);
  if (!kept) return;
  refuseWhileAtWork(stack, kept);
  console.error(
    `the retest of ${kept.at} was cut short: what it wrote is taken away (${typed()} retest --resume would have gone on with it)`,
  );
  await endRetest(servers, { stack, marker }, kept.note);
}

async function goOn(fleet: FleetUp, marker: MarkerSpec | undefined, options: Options): Promise<number> {
  const { stack, servers } = fleet;
  const kept = keptRetest(stack);
  if (!kept) {
    console.log(`${stack}: no retest was cut short here`);
    return 0;
  }
  refuseWhileAtWork(stack, kept);
  if (options.clean || kept.before.length === 0) return await cleaned(fleet, marker, kept);
  return await recorded({ stack, what: "retest" }, async (notes) => {
    changes();
    notes.servers = kept.before.map(({ server }) => server);
    const rebooted = await waiting(
      () => "retest: waits for the servers",
      () => resumeAll(servers, kept, rebooting(stack, marker, options)),
    );
    const retested = masked<Retest>({ stack, faults: [], rebooted }, fleet);
    const { passed, reasons } = verdictOf(retested);
    notes.summary = passed ? "passed" : `failed: ${reasons[0]}`;
    return told(retested, options);
  });
}

async function cleaned({ stack, servers }: FleetUp, marker: MarkerSpec | undefined, { at, note, before }: Kept): Promise<number> {
  if (before.length === 0) console.error(`the retest of ${at} was cut short before anything was rebooted`);
  const all = await endRetest(servers, { stack, marker }, note);
  console.log(
    `${stack}: ${all ? `what the retest of ${at} wrote is taken away` : "not every server could be reached; next: the same again"}`,
  );
  return all ? 0 : 1;
}

function faultsText(faults: readonly Finding[], servers: number): string {
  const lines = faults.map(({ state, of, what, text, mend }) => {
    const line = `${of}  ${stateText(state)}  ${what}: ${text}`;
    return mend === undefined ? line : `${line}\n${" ".repeat(of.length + 11)}next: ${mend}`;
  });
  const of = (state: Finding["state"]) => faults.filter((each) => each.state === state).length;
  const sum =
    faults.length === 0 ? "nothing lives at run time alone" : `${counted(of("failure"), "failure")}, ${counted(of("warning"), "warning")}`;
  return [...lines, `${counted(servers, "server")} looked at: ${sum}`].join("\n");
}

function told(retested: Retest, { json, look }: Options): number {
  const verdict = verdictOf(retested);
  const record = new RunRecord("retest", retested.stack);
  const page = join(record.folder, "retest.md");
  writeFileSync(page, pageOf(retested, new Date()), { mode: 0o600 });
  record.summary({ ...verdict, ...retested });
  if (json) console.log(JSON.stringify({ ...verdict, ...retested }, null, 2));
  else if (retested.rebooted) {
    const word = verdict.passed ? styled("green", "passed") : styled("red", "failed");
    console.log([`retest: ${word}`, ...verdict.reasons.map((each) => `  ${each}`)].join("\n"));
  }
  const shown = relative(process.cwd(), page);
  if (!json && !look) console.error(`${shown.startsWith("..") ? page : shown} has it all`);
  return verdict.passed ? 0 : 1;
}
