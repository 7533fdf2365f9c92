// fleet reap: stacks on AWS whose time is over. Says which; with --yes it takes them away, as a scheduled job does.

import { existing } from "../../pulumi/state.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { AwsStack } from "../aws/stacks.ts";
import type { Leftover } from "../aws/sweep.ts";
import type { Register } from "../command.ts";
import { takeDown } from "../destroy.ts";
import { regionOption } from "../regions.ts";
import { columns } from "../terminal.ts";

interface Options {
  readonly yes: boolean;
  readonly region: readonly string[];
  readonly json: boolean;
}

export const reap: Register = (program, done) =>
  program
    .command("reap")
    .description("find stacks on AWS past their expiresAt; --yes destroys them")
    .option("-y, --yes", "destroy them, and do not ask for confirmation", false)
    .addOption(regionOption("where the stacks are; there also for what no stack here knows"))
    .option("--json", "{expired: [{stack, team, expiresAt, region}], strays: […as fleet sweep], problems: […]}", false)
    .addHelpText("after", "\nExamples:\n  fleet reap\n  fleet reap --yes        as .github/workflows/reap.yml does every hour")
    .action((options: Options) => done(run(options)));

/** Past, and not `never`. */
const isOver = (until: string | undefined, now: number): boolean => until !== undefined && Date.parse(until) < now;

async function run({ yes, region, json }: Options): Promise<number> {
  const [{ readableAwsStacks }, { endsOf }] = await Promise.all([import("../aws/stacks.ts"), import("../aws/ends.ts")]);
  const now = Date.now();
  const { stacks, problems: broken } = readableAwsStacks();
  // Of the others nothing stands, or nothing that this backend knows of: no news, however often it is asked.
  const there = new Set(await existing(stacks.map(({ name }) => name)));
  const up = stacks.filter(({ name }) => there.has(name));
  const { ended, problems: untold } = await endsOf(up);
  const expired = ended.filter(({ end }) => isOver(end, now));
  const { strays, unseen } = await straysOf(region, { stacks, up }, now);
  const problems = [...broken, ...untold, ...unseen];
  if (json) console.log(JSON.stringify({ expired: expired.map(shown), strays, problems }, null, 2));
  else console.log([text(expired, strays, yes), ...problems].join("\n"));
  const code = yes ? await takeAway(expired) : 0;
  return Math.max(code, problems.length > 0 ? 1 : 0);
}

interface Ended extends AwsStack {
  readonly end: string | undefined;
}

/** One that fails must not keep the others alive, and in the bill. */
async function takeAway(expired: readonly AwsStack[]): Promise<number> {
  let worst = 0;
  for (const { name } of expired) {
    try {
      worst = Math.max(worst, await takeDown(name, { yes: true }));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      console.error(error.message);
      worst = Math.max(worst, 1);
    }
  }
  return worst;
}

const shown = ({ name, plan, target, end }: Ended) => ({
  stack: name,
  team: plan.spec.team,
  expiresAt: end,
  region: target.region,
});

interface Known {
  readonly stacks: readonly AwsStack[];
  readonly up: readonly AwsStack[];
}

/** Past their tag, of a stack that is not up from here: only named, since whoever has its state should take it down. */
async function straysOf(given: readonly string[], { stacks, up }: Known, now: number) {
  const { placesOf, someRegion } = await import("../aws/stacks.ts");
  const { sweep, together } = await import("../aws/sweep.ts");
  if (!someRegion(given, stacks)) return { strays: [], unseen: [] };
  const known = new Set(up.map(({ name }) => name));
  const { left, kept, unseen } = together(await Promise.all(placesOf(given, stacks).map((place) => sweep(place))));
  // What was kept on purpose costs too, and its tag says until when it was wanted.
  return { strays: [...left, ...kept].filter(({ stack, expiry }) => !known.has(stack) && isOver(expiry, now)), unseen };
}

function text(expired: readonly Ended[], strays: readonly Leftover[], yes: boolean): string {
  const rows = expired.map(({ name, plan, end }) => [name, plan.spec.team, `over since ${end}`]);
  const lines = rows.length > 0 ? [columns(rows), ...(yes ? [] : [`next: ${typed()} reap --yes`])] : ["no stack is past its expiresAt"];
  const others = strays.map(
    ({ kind, name, stack, expiry, command }) => `  ${kind} ${name} of ${stack}, over since ${expiry}\n      ${command}`,
  );
  return [...lines, ...(others.length > 0 ? ["of stacks that are not up from here:", ...others] : [])].join("\n");
}
