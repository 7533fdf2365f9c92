// fleet backend: where a team keeps its state; the bucket for it, made as it should be.

import { counted } from "../../spec/counted.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { Seen } from "../aws/backend/bucket.ts";
import type { Contents } from "../aws/backend/contents.ts";
import type { Register } from "../command.ts";
import { phase } from "../phase.ts";
import { columns, confirm, styled } from "../terminal.ts";

interface InitOptions {
  readonly region?: string;
  readonly team?: string;
  readonly yes: boolean;
  readonly json: boolean;
}

export const backend: Register = (program, done) => {
  const group = program.command("backend").description("where a team keeps its state: its bucket on S3, made and looked at");
  group
    .command("init")
    .description("make the bucket for a team's state: private, encrypted, versioned, locked; a bucket that is there gets what it lacks")
    .argument("[bucket]", "its name; default `fleet-state-ACCOUNT-REGION`")
    .option("--region <region>", "where it is; default AWS_REGION")
    .option("--team <team>", "a bucket for one team alone: `TEAM-fleet-state-ACCOUNT-REGION`")
    .option("-y, --yes", "without a question", false)
    .option("--json", "{bucket, region, account, url, made, settings: [{name, why, right}]}; implies --yes", false)
    .addHelpText(
      "after",
      "\nExamples:\n  fleet backend init --region ap-northeast-1\n  fleet backend init event-state --region ap-northeast-1 --yes\n" +
        '  export PULUMI_BACKEND_URL="$(fleet backend init --region ap-northeast-1 --json | jq -r .url)"',
    )
    .action((bucket: string | undefined, options: InitOptions) => done(init(bucket, options)));
  group
    .command("show")
    .description(
      "where the state is, whether its bucket is as it should be, what is in it, and who holds a lock; 1 where a setting is missing",
    )
    .option(
      "--json",
      "{url, bucket, region, account, settings, stacks: [{project, stack, bytes, changed}], locks: [{stack, by, since}]}",
      false,
    )
    .addHelpText("after", "\nExamples:\n  fleet backend show\n  fleet backend show --json | jq .locks")
    .action((options: { json: boolean }) => done(show(options)));
};

function regionOf(named: string | undefined): string {
  const region = named ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (!region)
    throw new UserError("--region: expected a region such as `ap-northeast-1`, got none, and no AWS_REGION; next: add --region REGION");
  return region;
}

async function init(named: string | undefined, { region: given, team, yes, json }: InitOptions): Promise<number> {
  if (named !== undefined && team !== undefined)
    throw new UserError("--team: expected no name of a bucket beside it; remove one of the two");
  const region = regionOf(given);
  const [bucket, { urlOf }] = await Promise.all([import("../aws/backend/bucket.ts"), import("../aws/backend/contents.ts")]);
  const client = bucket.clientIn(region);
  const account = await bucket.accountOf(client);
  const name = named ?? bucket.defaultBucket(account, region, team);
  bucket.refuseName(name);
  const seen = await bucket.look(client, { bucket: name, region, account });
  const missing = seen.settings.filter(({ right }) => !right).length;
  if (!json) console.log(seenText(seen));
  if (missing > 0) {
    const what = seen.there
      ? `init changes ${counted(missing, "setting")} of ${name}`
      : `init makes the bucket ${name} in the account ${account}`;
    await confirm(what, "yes", yes || json);
    await phase(`makes ${name}`, (tell) => bucket.make(client, seen, tell));
  }
  const now = missing > 0 ? await bucket.look(client, seen) : seen;
  if (json)
    console.log(
      JSON.stringify({ bucket: name, region, account, url: urlOf(name, region), made: !seen.there, settings: now.settings }, null, 2),
    );
  else console.log(next(now, urlOf(name, region)));
  return now.settings.every(({ right }) => right) ? 0 : 1;
}

function seenText({ bucket, region, account, there, settings }: Seen): string {
  const sign = (right: boolean) => (right ? styled("green", "ok") : styled("yellow", there ? "missing" : "to be made"));
  return [
    `${styled("bold", bucket)} in ${region}, of the account ${account}${there ? "" : ": not there yet"}`,
    columns(settings.map(({ name, why, right }) => [`  ${name}`, sign(right), why])),
  ].join("\n");
}

function next({ bucket, region, account, settings }: Seen, url: string): string {
  const wrong = settings.filter(({ right }) => !right).map(({ name }) => name);
  if (wrong.length > 0)
    return `${bucket}: expected all settings after they were made, got none for ${wrong.join(", ")}; next: ${typed()} backend init again`;
  return [
    `${bucket} is as it should be; less than 0.01 USD a month. Next, everybody of the team:`,
    `  export PULUMI_BACKEND_URL='${url}'`,
    "and their rights to it:",
    `  ${typed()} iam --region ${region} --account ${account} --state ${bucket} --out rights`,
  ].join("\n");
}

async function show({ json }: { readonly json: boolean }): Promise<number> {
  const url = process.env.PULUMI_BACKEND_URL;
  if (!url?.startsWith("s3://")) return elsewhere(url, json);
  const [{ accountOf, look }, { contents }, { bucketIn }] = await Promise.all([
    import("../aws/backend/bucket.ts"),
    import("../aws/backend/contents.ts"),
    import("../../operations/history/s3-url.ts"),
  ]);
  const place = bucketIn(url);
  const region = regionOf(new URL(url).searchParams.get("region") ?? undefined);
  const account = await accountOf(place.client);
  const seen = await look(place.client, { bucket: place.bucket, region, account });
  if (!seen.there) throw new UserError(`PULUMI_BACKEND_URL: expected a bucket, got none by the name ${place.bucket}; next: ${again(seen)}`);
  const inside = await contents(place);
  const { there: _there, ...told } = seen;
  console.log(
    json ? JSON.stringify({ url, ...told, ...inside }, null, 2) : [seenText(seen), contentsText(inside), ...mend(seen)].join("\n"),
  );
  return seen.settings.every(({ right }) => right) ? 0 : 1;
}

const again = ({ bucket, region }: Seen): string => `${typed()} backend init ${bucket} --region ${region}`;
const mend = (seen: Seen): readonly string[] => (seen.settings.every(({ right }) => right) ? [] : [`next: ${again(seen)}`]);

function contentsText({ stacks, locks }: Contents): string {
  const rows = stacks.map(({ project, stack, bytes, changed }) => [`  ${stack}`, project, `${Math.ceil(bytes / 1024)} KiB`, changed]);
  return [
    stacks.length === 0 ? "no stack in it yet" : `${counted(stacks.length, "stack")}:`,
    ...(rows.length > 0 ? [columns(rows)] : []),
    ...locks.map(
      ({ stack, by, since }) =>
        `${stack}: locked by ${by} since ${since}; where that run is over: eval "$(${typed()} env ${stack})"; pulumi cancel --yes -s ${stack}`,
    ),
  ].join("\n");
}

/** A folder, or a service of somebody's: nothing for us to look at. */
function elsewhere(url: string | undefined, json: boolean): number {
  const plain = url?.replace(/\?.*$/, "");
  if (json) console.log(JSON.stringify({ url: plain ?? null, settings: [], stacks: [], locks: [] }, null, 2));
  else if (plain === undefined)
    console.log(
      `the state is in .fleet/ of this project, on this computer alone (no PULUMI_BACKEND_URL); a team shares one: ${typed()} backend init --region REGION`,
    );
  else console.log(`the state is at ${plain}, which is no bucket on S3: nothing to look at here`);
  return 0;
}
