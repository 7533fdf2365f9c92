// fleet undelete: brings back what was deleted from a bucket of the fleet's, which keeps old versions for thirty days.

import { counted } from "../../spec/counted.ts";
import { UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";
import { confirm } from "../terminal.ts";

interface Options {
  readonly since?: string;
  readonly region?: string;
  readonly yes: boolean;
  readonly json: boolean;
}

export const undelete: Register = (program, done) =>
  program
    .command("undelete")
    .description("bring back objects that were deleted from a versioned bucket")
    .argument("<bucket>", "its name")
    .option("--since <time>", "only what was deleted from then on, such as 2026-12-01T09:00:00Z")
    .option("--region <region>", "where it is; by default AWS_REGION")
    .option("-y, --yes", "do not ask for confirmation", false)
    .option("--json", "[{key, versionId, deletedAt}] of what was brought back", false)
    .addHelpText("after", "\nExample:\n  fleet undelete images-input-1a2b3c4 --since 2026-12-01T09:00:00Z")
    .action((bucket: string, options: Options) => done(run(bucket, options)));

async function run(bucket: string, { since, region, yes, json }: Options): Promise<number> {
  const { hidden, undelete: bringBack } = await import("../aws/undelete.ts");
  const { placesOf } = await import("../aws/stacks.ts");
  const from = since === undefined ? undefined : timeOf(since);
  const [{ region: place = "" } = {}] = placesOf(region === undefined ? [] : [region], []);
  const marks = await hidden(place, bucket, from);
  if (marks.length > 0) await confirm(`undelete brings back ${counted(marks.length, "object")} in ${bucket}`, bucket, yes);
  const refused = await bringBack(place, bucket, marks);
  console.log(json ? JSON.stringify(marks, null, 2) : `${counted(marks.length - refused.length, "object")} back`);
  for (const each of refused) console.error(each);
  return refused.length > 0 ? 1 : 0;
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new UserError(`--since: expected a time such as \`2026-12-01T09:00:00Z\`, got \`${text}\``);
}
