// fleet finalize: before the run that counts, what belongs off is off, and what belongs on stays on over the restart.

import { type FleetServer, type FleetUp, fleetUp } from "../../operations/fleet-up.ts";
import { recorded } from "../../operations/history/history.ts";
import { OpenServers, type Outcome } from "../../operations/on-servers.ts";
import { lookBefore } from "../../operations/retest/facts.ts";
import { type Step, stepsOn, taking, undoing } from "../../operations/retest/finalize.ts";
import { select, selectionHelp } from "../../operations/select.ts";
import { changes } from "../../pulumi/interruption.ts";
import { typed } from "../../spec/typed.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { waiting } from "../progress.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { confirm } from "../terminal.ts";

export const finalize: Register = (program, done) =>
  program
    .command("finalize")
    .description(
      "before the run that counts: switch off what costs score (slow and general log, what a measured run left, agents that watch), and keep on what a " +
        "restart would end (services that are not enabled, SET GLOBAL, redis' data); shows, asks, does",
    )
    .argument("[servers...]", selectionHelp)
    .option(...stackOption)
    .option("--undo", "put back what it changed", false)
    .option("-y, --yes", "without a question", false)
    .option("--json", "what was done, as JSON", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet finalize             before the last run; then fleet bench --final, and fleet retest
  fleet finalize --undo      back to measuring; also before a fleet down, which knows nothing of it

An access log that a site of the team's writes is the stack's own: it is named by fleet retest --look.
Exit codes: 0 done, or nothing to do; 1 where a server refused.`,
    )
    .action((words: string[], options: Options) => done(run(words, options)));

interface Options {
  readonly stack?: string;
  readonly undo: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

interface Planned {
  readonly server: FleetServer;
  readonly steps: readonly Step[];
}

async function run(words: readonly string[], options: Options): Promise<number> {
  const stack = options.stack ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const servers = select(fleet.servers, words);
  const open = new OpenServers();
  try {
    if (options.undo) return await undo(fleet, servers, open, options);
    const looks = await waiting(
      () => `finalize: looks at ${stack}`,
      () =>
        open.each(servers, async (server, shell, signal) => ({
          server,
          steps: stepsOn(await lookBefore(shell, { signal, onAbort: "end" })),
        })),
    );
    const planned = looks.flatMap((look) => ("value" in look && look.value.steps.length > 0 ? [look.value] : []));
    const failed = failures(looks);
    if (!options.json)
      console.log(
        planned.length === 0
          ? "nothing that belongs off is on, and nothing that belongs on would end with a restart"
          : planned.map(plannedText).join("\n"),
      );
    const code = planned.length === 0 ? 0 : await take(fleet, planned, open, options);
    if (options.json)
      console.log(
        JSON.stringify(
          planned.map(({ server, steps }) => ({ server: server.name, steps: steps.map(({ text }) => text) })),
          null,
          2,
        ),
      );
    return failed ? 1 : code;
  } finally {
    await open.close();
  }
}

const plannedText = ({ server, steps }: Planned): string => steps.map(({ text }) => `${server.name}: ${text}`).join("\n");

async function take({ stack }: FleetUp, planned: readonly Planned[], open: OpenServers, { yes, json }: Options): Promise<number> {
  await confirm(`finalize does this on ${planned.map(({ server }) => server.name).join(", ")}`, stack, yes);
  return await recorded({ stack, what: "finalize" }, async (notes) => {
    changes();
    notes.servers = planned.map(({ server }) => server.name);
    notes.summary = planned.map(plannedText).join("; ").replaceAll("\n", "; ");
    const outcomes = await open.each(
      notes.servers.map((name) => planned.find(({ server }) => server.name === name)!.server),
      async ({ name }, shell) => {
        const { steps } = planned.find(({ server }) => server.name === name)!;
        const { code, stderr } = await shell.run(taking(steps));
        if (code !== 0) throw new Error(`${name}: expected it to be done, got exit code ${code}: ${stderr.trim().split("\n").at(-1)}`);
      },
      { change: "finalize", onWait: (server, why) => console.error(`${server}: ${why}`) },
    );
    if (failures(outcomes)) return 1;
    if (!json) console.log(`done; next: ${typed()} bench --final, then ${typed()} retest; ${typed()} finalize --undo takes it back`);
    return 0;
  });
}

async function undo({ stack }: FleetUp, servers: readonly FleetServer[], open: OpenServers, { json }: Options): Promise<number> {
  return await recorded({ stack, what: "finalize" }, async (notes) => {
    changes();
    notes.servers = servers.map(({ name }) => name);
    const outcomes = await open.each(
      servers,
      async ({ name }, shell) => {
        const { code, stdout, stderr } = await shell.run(undoing);
        if (code !== 0) throw new Error(`${name}: expected it to be put back, got exit code ${code}: ${stderr.trim().split("\n").at(-1)}`);
        return !stdout.toString("utf8").includes("nothing");
      },
      { change: "finalize --undo", onWait: (server, why) => console.error(`${server}: ${why}`) },
    );
    const back = outcomes.flatMap((each) => ("value" in each && each.value ? [each.server] : []));
    notes.summary = `put back: ${back.join(", ") || "nothing"}`;
    notes.nothing = back.length === 0;
    console.log(json ? JSON.stringify({ undone: back }, null, 2) : notes.summary);
    return failures(outcomes) ? 1 : 0;
  });
}

/** Says them. */
function failures(outcomes: readonly Outcome<unknown>[]): boolean {
  const errors = outcomes.flatMap((each) => ("error" in each ? [each.error.message] : []));
  for (const each of errors) console.error(each);
  return errors.length > 0;
}
