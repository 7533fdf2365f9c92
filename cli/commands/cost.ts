// fleet cost: what stacks on AWS cost an hour and until they end, from the checked-in prices; with --quota, whether the account has room.
import type { Bill } from "../../components/targets/aws/cost.ts";
import { UserError } from "../../spec/problem.ts";
import type { AwsStack } from "../aws/stacks.ts";
import type { Register } from "../command.ts";
import { columns, styled } from "../terminal.ts";

interface Options {
  readonly hours?: string;
  readonly quota: boolean;
  readonly json: boolean;
}

interface Costed extends Bill {
  readonly stack: string;
  readonly region: string;
  /** Hours that `forEvent` counts; null where no end is known. */
  readonly hours: number | null;
  readonly notes: readonly string[];
  /** A sentence for each quota that is too small; null where the account was not asked. */
  readonly shortages: readonly string[] | null;
}

export const cost: Register = (program, done) =>
  program
    .command("cost")
    .description("what stacks on AWS cost: by the hour, and until they expire")
    .argument("[stack...]", "stacks; default all of this checkout that are on AWS")
    .option("--hours <hours>", "length of the event; by default from now to the stack's expiresAt, 24 where it says none")
    .option(
      "--quota",
      "also ask the account whether it has room, and AWS whether the types are to be had there; exit code 1 where not",
      false,
    )
    .option("--json", "{date, currency, stacks: [{stack, team, region, perHour, forEvent, hours, unknown, notes, shortages}]}", false)
    .addHelpText(
      "after",
      "\nExamples:\n  fleet cost team-a\n  fleet cost --hours 8\n  fleet cost team-a --quota --json\n  fleet cost --quota              every stack of this checkout, against its account",
    )
    .action((stacks: string[], options: Options) => done(run(stacks, options)));

async function run(names: readonly string[], { hours, quota, json }: Options): Promise<number> {
  const { awsStacks } = await import("../aws/stacks.ts");
  const { priceList } = await import("../../components/targets/aws/facts/types.ts");
  const length = hours === undefined ? undefined : numberOf(hours);
  const stacks = awsStacks(names);
  const short = quota ? await roomFor(stacks) : new Map<string, readonly string[]>();
  const bills = await Promise.all(stacks.map((stack) => billOfStack(stack, length, short.get(placeOf(stack)) ?? null)));
  console.log(
    json ? JSON.stringify({ date: priceList.date, currency: priceList.currency, stacks: bills }, null, 2) : table(bills, priceList),
  );
  return bills.some(({ shortages }) => shortages !== null && shortages.length > 0) ? 1 : 0;
}

function numberOf(text: string): number {
  const hours = Number(text);
  if (text.trim() !== "" && Number.isFinite(hours) && hours >= 0) return hours;
  throw new UserError(`--hours: expected a number of hours such as \`8\`, got \`${text}\``);
}

async function billOfStack(
  { name, plan, target, shape }: AwsStack,
  given: number | undefined,
  shortages: Costed["shortages"],
): Promise<Costed> {
  const { billOf, costLines } = await import("../../components/targets/aws/cost.ts");
  const { costed } = await import("../../components/targets/aws/shape.ts");
  const { hoursLeft } = await import("../../components/targets/aws/expiry.ts");
  const { team } = plan.spec;
  const lines = costLines(team, target.region, costed(shape));
  const hours = given ?? hoursLeft(target, new Date());
  const notes = [...new Set(lines.map(({ note }) => note).filter((note) => note !== "" && note !== "no price known"))];
  return { stack: name, region: target.region, ...billOf(team, lines, hours), hours: hours ?? null, notes, shortages };
}

/** A region of an account. */
const placeOf = ({ target: { region, assumeRole = "" } }: AwsStack): string => `${region} ${assumeRole}`;

/** All stacks of a region of an account count against its quotas together. By place. */
async function roomFor(stacks: readonly AwsStack[]): Promise<Map<string, readonly string[]>> {
  const [{ accountFor, offersOf }, { notOffered }, { shortages }, { wanted }] = await Promise.all([
    import("../aws/account.ts"),
    import("../../components/targets/aws/offers.ts"),
    import("../../components/targets/aws/quota.ts"),
    import("../../components/targets/aws/shape.ts"),
  ]);
  const room = new Map<string, readonly string[]>();
  for (const place of new Set(stacks.map(placeOf))) {
    const here = stacks.filter((each) => placeOf(each) === place);
    const servers = here.flatMap(({ shape }) => wanted(shape));
    const vpcs = here.filter(({ target }) => target.vpc === "own").length;
    const types = servers.map(({ type }) => type);
    const [account, offers] = await Promise.all([
      accountFor(here[0]!.target, servers, vpcs),
      types.length > 0 ? offersOf(here[0]!.target, types) : [],
    ]);
    // Named servers stand in one zone; pools go where there are some.
    const missing = here.flatMap(({ target: { zoneId }, shape }) => [
      ...notOffered({ types: shape.servers.map(({ type }) => type.type), zoneId }, offers),
      ...notOffered({ types: shape.pools.flatMap((pool) => pool.types.map(({ type }) => type)), zoneId: undefined }, offers),
    ]);
    room.set(place, [...shortages(servers, vpcs, account), ...new Set(missing)]);
  }
  return room;
}

function table(bills: readonly Costed[], { currency, date }: { readonly currency: string; readonly date: string }): string {
  if (bills.length === 0) return "no stack of this checkout is on AWS";
  const rows = bills.map(({ team, stack, perHour, forEvent, hours, unknown, notes }) => [
    team,
    stack,
    perHour.toFixed(4),
    forEvent === null ? "no end known" : `${forEvent.toFixed(2)} for ${hours?.toFixed(1)} h`,
    [...(unknown.length > 0 ? [`without ${unknown.join(", ")}`] : []), ...notes].join("; "),
  ]);
  const sum = bills.reduce((total, { perHour }) => total + perHour, 0);
  const head = ["team", "stack", `${currency}/h`, "until the end", ""].map((each) => styled("bold", each));
  const short = [...new Set(bills.flatMap(({ shortages }) => shortages ?? []))];
  return [
    columns([head, ...rows, ["", "together", sum.toFixed(4), "", ""]]),
    styled("dim", `prices of ${date}, on demand; traffic, requests and snapshots come on top`),
    ...short.map((each) => styled("red", each)),
  ].join("\n");
}
