// fleet doctor: what is not well with this computer, the accounts and the servers, each with the command that mends it.

import { targetOf } from "../../components/targets/targets.ts";
import { accountFindings } from "../../operations/doctor/accounts.ts";
import { type Finding, findingsOf } from "../../operations/doctor/finding.ts";
import { hereFindings } from "../../operations/doctor/here.ts";
import { repositoryFinding } from "../../operations/doctor/repository.ts";
import { serverFindings } from "../../operations/doctor/server.ts";
import { type FleetServer, type FleetUp, fleetUp, NotUp } from "../../operations/fleet-up.ts";
import { recorded } from "../../operations/history/history.ts";
import { lookAt } from "../../operations/look/look.ts";
import { OpenServers } from "../../operations/on-servers.ts";
import { operator } from "../../operations/operator.ts";
import { select, selectionHelp } from "../../operations/select.ts";
import { forgotten } from "../../operations/unreachable.ts";
import { isUnreachable, type Shell, sentenceOf } from "../../provisioners/engine/shell.ts";
import { raw } from "../../provisioners/engine/shell-quote.ts";
import { planOf } from "../../provisioners/stack.ts";
import { changes } from "../../pulumi/interruption.ts";
import { counted } from "../../spec/counted.ts";
import { isUserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { stateText } from "../finding-state.ts";
import { waiting } from "../progress.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { hanging, styled } from "../terminal.ts";

export const doctor: Register = (program, done) =>
  program
    .command("doctor")
    .description("what is not well with this computer, the accounts and the servers, each with the command that mends it")
    .argument("[servers...]", selectionHelp)
    .option(...stackOption)
    .option("--fix", "mend what can be mended without losing anything: half-installed packages, a clock that nothing keeps", false)
    .option("-q, --quiet", "only what is not well", false)
    .option("--json", "the findings as JSON", false)
    .addHelpText(
      "after",
      "\nExamples:\n  fleet doctor\n  fleet doctor isu1 --fix\n  fleet doctor --json | jq '.[] | select(.state == \"failure\")'\n\nExit codes: 0 with warnings too, 1 where something is a failure.",
    )
    .action((words: string[], options: Options) => done(examine(words, options)));

interface Options {
  readonly stack?: string;
  readonly fix: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

async function examine(words: readonly string[], options: Options): Promise<number> {
  const stack = options.stack ?? (await stackInMind());
  const open = new OpenServers();
  try {
    const fleet = await up(stack);
    const servers = "servers" in fleet ? select(fleet.servers, words) : [];
    const before = await waiting(
      () => `doctor: looks at ${stack}`,
      () => allFindings(stack, fleet, servers, open),
    );
    const mendable = before.filter(({ fix, state }) => fix !== undefined && state !== "ok");
    if (!options.fix || mendable.length === 0) return told(before, options);
    await recorded({ stack, what: "doctor" }, async (notes) => {
      notes.servers = [...new Set(mendable.map(({ of }) => of))];
      notes.summary = mendable.map(({ of, what }) => `${of}: ${what}`).join(", ");
      return await mend(mendable, servers, open);
    });
    return told(await allFindings(stack, fleet, servers, open), options);
  } finally {
    await open.close();
  }
}

/** A stack that is not up has no servers to look at, and the rest all the same. */
async function up(stack: string): Promise<FleetUp | Gone> {
  try {
    return await fleetUp(stack);
  } catch (error) {
    if (!isUserError(error)) throw error;
    return { why: error.message, down: error instanceof NotUp };
  }
}

interface Gone {
  readonly why: string;
  /** Rather than out of reach. */
  readonly down: boolean;
}

export const goneFinding = (stack: string, { why, down }: Gone): Finding =>
  down ? findingsOf("servers").ok("stack", `${stack} is not up: no server to look at`) : findingsOf("servers").failure("stack", why);

async function allFindings(stack: string, fleet: FleetUp | Gone, servers: readonly FleetServer[], open: OpenServers) {
  const plan = planIfRight(stack);
  // Practice machines and servers that were handed out ask nobody.
  const admit = plan && targetOf(plan.spec).admit;
  const none = "why" in fleet ? [goneFinding(stack, fleet)] : [];
  const parts = await Promise.all([
    hereFindings(stack),
    accountFindings(stack, plan, { ...(plan && admit && { admit: () => admit(plan.spec) }), fetch }),
    ofServers(stack, servers, open),
  ]);
  return [...parts.flat(), ...none];
}

function planIfRight(stack: string) {
  try {
    return planOf(stack);
  } catch {
    return undefined;
  }
}

/** Whoever is off has no shell to look from. */
export const reachFinding = (name: string, error: Error, stack: string): Finding =>
  findingsOf(name).failure("reach", sentenceOf(error), {
    ...(isUnreachable(error)
      ? { advice: `it is off, or out of reach: start it; ${forgotten(stack, name)}` }
      : { mend: `${typed()} ssh ${name} -s ${stack}` }),
  });

async function ofServers(stack: string, servers: readonly FleetServer[], open: OpenServers): Promise<readonly Finding[]> {
  const look = async (server: FleetServer, shell: Shell, signal: AbortSignal) => {
    const seen = await lookAt(server, shell, signal, { thorough: true });
    return { seen, repository: await repositoryFinding(server, shell, signal, stack) };
  };
  const outcomes = await open.each(servers, look, { timeout: 90_000 });
  return outcomes.flatMap((outcome, index): readonly Finding[] => {
    const { name, undone } = servers[index]!;
    if ("value" in outcome) {
      const { seen, repository } = outcome.value;
      return [...serverFindings(seen, { stack, server: name, now: new Date(), undone, me: operator() }), ...repository];
    }
    return [reachFinding(name, outcome.error, stack)];
  });
}

async function mend(found: readonly Finding[], servers: readonly FleetServer[], open: OpenServers): Promise<number> {
  changes();
  const sick = servers.filter(({ name }) => found.some(({ of }) => of === name));
  const outcomes = await open.each(
    sick,
    async ({ name }, shell, signal) => {
      const failed: string[] = [];
      for (const { fix = "", what } of found.filter(({ of }) => of === name)) {
        console.error(`${name}: ${what}: ${fix}`);
        const { code, stderr } = await shell.run(raw(fix), { signal });
        if (code !== 0) failed.push(`${what}: exit code ${code}: ${stderr.trim().split("\n").at(-1)}`);
      }
      if (failed.length > 0) throw new Error(failed.join("; "));
    },
    { change: "doctor --fix" },
  );
  for (const outcome of outcomes) if ("error" in outcome) console.error(`${outcome.server}: ${outcome.error.message}`);
  return outcomes.every((outcome) => "value" in outcome) ? 0 : 1;
}

function told(found: readonly Finding[], { quiet, json }: Options): number {
  if (json) console.log(JSON.stringify(found.map(asJson), null, 2));
  else {
    const places = [...new Set(found.map(({ of }) => of))];
    const groups = places.flatMap((place) => {
      const shown = found.filter(({ of, state }) => of === place && !(quiet && state === "ok"));
      return shown.length === 0 ? [] : [[styled("bold", place), ...shown.map(findingText)].join("\n")];
    });
    console.log([...groups, sum(found)].join("\n\n"));
  }
  return found.some(({ state }) => state === "failure") ? 1 : 0;
}

/** A script reads `mend` as a command, or none. */
export const asJson = (finding: Finding) => ({ ...finding, mend: finding.mend ?? null });

/** Below the first word of a finding. */
const beneath = " ".repeat(11);

export function findingText({ state, what, text, mend: command, advice }: Finding): string {
  const line = `  ${stateText(state)}  ${what}: ${hanging(text, beneath)}`;
  const next = command ?? advice;
  return next === undefined || state === "ok" ? line : `${line}\n${beneath}next: ${next}`;
}

function sum(found: readonly Finding[]): string {
  const of = (state: Finding["state"]) => found.filter((each) => each.state === state);
  const safe = found.filter(({ state, fix }) => fix !== undefined && state !== "ok").length;
  const more = safe > 0 ? `; --fix mends ${safe} of them` : "";
  return `${counted(of("failure").length, "failure")}, ${counted(of("warning").length, "warning")}, ${of("ok").length} ok${more}`;
}
