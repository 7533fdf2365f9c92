// fleet reap: stacks on AWS whose time is over. Says which; with --yes it takes them away, as a scheduled job does.
import type { AwsStack } from "../aws/stacks.ts";
import type { Leftover } from "../aws/sweep.ts";
import type { Register } from "../command.ts";
import { exists } from "../state.ts";
import { takeDown } from "../take-down.ts";
import { columns } from "../terminal.ts";

interface Options {
  readonly yes: boolean;
  readonly region: readonly string[];
  readonly json: boolean;
}

export const reap: Register = (program, done) =>
  program
    .command("reap")
    .description("find stacks on AWS past their expiresAt; --yes takes them away")
    .option("-y, --yes", "take them away, without a question", false)
    .option("--region <region...>", "where to look for what no stack here knows; by default where the stacks are", [])
    .option("--json", "{expired: [{stack, team, expiresAt, region}], strays: […as fleet sweep]}", false)
    .addHelpText("after", "\nExamples:\n  fleet reap\n  fleet reap --yes        as .github/workflows/reap.yml does every hour")
    .action((options: Options) => done(run(options)));

/** Past, and not `never`. */
const isOver = (until: string | undefined, now: number): boolean => until !== undefined && Date.parse(until) < now;

async function run({ yes, region, json }: Options): Promise<number> {
  const { awsStacks } = await import("../aws/stacks.ts");
  const now = Date.now();
  const stacks = awsStacks([]);
  const expired = stacks.filter(({ name, target }) => isOver(target.expiresAt, now) && exists(name));
  const strays = await straysOf(region, stacks, now);
  if (json) console.log(JSON.stringify({ expired: expired.map(shown), strays }, null, 2));
  else console.log(text(expired, strays, yes));
  if (!yes) return 0;
  let worst = 0;
  // One that fails must not keep the others alive, and in the bill.
  for (const { name } of expired) worst = Math.max(worst, await takeDown(name));
  return worst;
}

const shown = ({ name, plan, target }: AwsStack) => ({
  stack: name,
  team: plan.spec.team,
  expiresAt: target.expiresAt,
  region: target.region,
});

/** Past their tag, of a stack that is not here: only named, since whoever knows the stack should take it down. */
async function straysOf(given: readonly string[], stacks: readonly AwsStack[], now: number): Promise<readonly Leftover[]> {
  const { regionsOf } = await import("../aws/stacks.ts");
  const { sweep } = await import("../aws/sweep.ts");
  if (given.length === 0 && stacks.length === 0 && process.env.AWS_REGION === undefined) return [];
  const known = new Set(stacks.map(({ name }) => name));
  const swept = await Promise.all(regionsOf(given, stacks).map((region) => sweep(region)));
  return swept.flatMap(({ left }) => left).filter(({ stack, expiry }) => !known.has(stack) && isOver(expiry, now));
}

function text(expired: readonly AwsStack[], strays: readonly Leftover[], yes: boolean): string {
  const rows = expired.map(({ name, plan, target }) => [name, plan.spec.team, `over since ${target.expiresAt}`]);
  const lines = rows.length > 0 ? [columns(rows), ...(yes ? [] : ["next: fleet reap --yes"])] : ["no stack is past its expiresAt"];
  const others = strays.map(
    ({ kind, name, stack, expiry, command }) => `  ${kind} ${name} of ${stack}, over since ${expiry}\n      ${command}`,
  );
  return [...lines, ...(others.length > 0 ? ["of stacks that are not here:", ...others] : [])].join("\n");
}
