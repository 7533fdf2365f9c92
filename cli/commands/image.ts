// fleet image: images of servers that are up, for others to start from: baked, listed, taken away.

import { Option } from "commander";
import { choice } from "../../spec/messages.ts";
import { UserError } from "../../spec/problem.ts";
import { TimeOrNever } from "../../spec/time.ts";
import { typed } from "../../spec/typed.ts";
import type { Baked } from "../aws/image/bake.ts";
import type { Listed } from "../aws/image/list.ts";
import type { Plan } from "../aws/image/plan.ts";
import type { AwsStack } from "../aws/stacks.ts";
import type { Register } from "../command.ts";
import { regionOption } from "../regions.ts";
import { columns, confirm } from "../terminal.ts";

interface BakeOptions {
  readonly name: string;
  readonly expires: string;
  readonly leaveOut: readonly string[];
  readonly keep: readonly string[];
  readonly yes: boolean;
  readonly json: boolean;
}
interface ListOptions {
  readonly region: readonly string[];
  readonly json: boolean;
}
interface RmOptions {
  readonly region: readonly string[];
  readonly force: boolean;
  readonly yes: boolean;
}

/** Days that an image is wanted where nobody says. */
const defaultDays = 30;

export const image: Register = (program, done) => {
  const group = program.command("image").description("images baked from a server on AWS, for servers and pools to start from");
  group
    .command("bake")
    .description("make an image of a server that is up: a copy of it is cleaned and imaged, and a server from the image is looked at")
    .argument("<stack>", "a stack on AWS that is up")
    .argument("<server>", "the server to bake: as its roles say, with no work on it that is nowhere else")
    .requiredOption("--name <name>", "of the image, such as web-2026-12; a stack file names it `image: debian-12/web-2026-12`")
    .option("--expires <time>", `until when it is wanted, or \`never\`: \`reap\` names what is over; default in ${defaultDays} days`)
    .addOption(
      new Option("--leave-out <path...>", "what of the server the image is to be without: a checkout, data").default([], "nothing"),
    )
    .addOption(new Option("--keep <path...>", "private keys that all servers from the image may share").default([], "none"))
    .option("-y, --yes", "without a question", false)
    .option("--json", "{image, name, base, region, roles, wants, expiry, untold: […]}; wants --yes", false)
    .addHelpText(
      "after",
      "\nThe server goes on running. Its copies let SSH in and nothing out, and go again however it ends.\n" +
        "\nExamples:\n  fleet image bake team-a isu1 --name web-2026-12\n" +
        "  fleet image bake team-a isu1 --name web --expires never --leave-out /home/isucon/webapp",
    )
    .action((stack: string, server: string, options: BakeOptions) => done(bake(stack, server, options)));
  group
    .command("list")
    .description("the images that were baked, and how a stack file names them")
    .addOption(regionOption("where the stacks are"))
    .option(
      "--json",
      "[{region, image, use, name, team, stack, server, roles, architecture, sizeGB, perMonth, users, wants, made, expiry}]",
      false,
    )
    .addHelpText("after", "\nExamples:\n  fleet image list\n  fleet image list --region ap-northeast-1 --json | jq -r '.[].use'")
    .action((options: ListOptions) => done(list(options)));
  group
    .command("rm")
    .description("take a baked image away, with its snapshots")
    .argument("<name>", "its name (web), its name in stack files (debian-12/web), or its AMI")
    .addOption(regionOption("where the stacks are"))
    .option("--force", "also one that servers run from or a stack file of this checkout names", false)
    .option("-y, --yes", "without a question", false)
    .addHelpText("after", "\nExamples:\n  fleet image rm web-2026-12\n  fleet image rm ami-0abc1234def567890 --yes")
    .action((name: string, options: RmOptions) => done(rm(name, options)));
};

function expiryOf(given: string | undefined): string {
  if (given === undefined) return new Date(Date.now() + defaultDays * 86_400_000).toISOString().replace(/\.\d+Z$/, "Z");
  const { success, data, error } = TimeOrNever.safeParse(given);
  if (success) return data;
  throw new UserError(`--expires: ${error.issues[0]?.message}, got \`${given}\``);
}

async function bake(asStack: string, server: string, options: BakeOptions): Promise<number> {
  const [{ awsStacks }, { bake: make }, { planBake }, { refuseOtherAccount }, { BakedName }] = await Promise.all([
    import("../aws/stacks.ts"),
    import("../aws/image/bake.ts"),
    import("../aws/image/plan.ts"),
    import("../../components/targets/aws/account.ts"),
    import("../../components/targets/aws/settings/grammar.ts"),
  ]);
  const asked = BakedName.safeParse(options.name);
  if (!asked.success) throw new UserError(`--name: ${asked.error.issues[0]?.message}, got \`${options.name}\``);
  for (const path of [...options.leaveOut, ...options.keep])
    if (!/^\/[^/]/.test(path) || path.split("/").includes(".."))
      throw new UserError(`${path}: expected a whole path below / such as /home/isucon/webapp`);
  const stack = awsStacks([asStack])[0]!;
  await refuseOtherAccount(stack.target);
  const leaveOut = options.leaveOut.map((path) => path.replace(/\/+$/, ""));
  const plan = await planBake({ stack, server, name: asked.data, expiry: expiryOf(options.expires), leaveOut, keep: options.keep });
  if (!options.json) console.log(await planText(plan));
  const { name } = plan;
  await confirm(`bake makes the image ${name} of ${server}`, name, options.yes);
  const baked = await make(plan);
  console.log(options.json ? JSON.stringify(baked, null, 2) : bakedText(baked));
  return 0;
}

/** Minutes that each of the two helpers may take: two snapshots, two boots. */
const helperHours = 0.25;

async function planText({ stack, server, name, base, instance, expiry, secrets, leaveOut, left }: Plan): Promise<string> {
  const [{ snapshotPerGBMonth, typePrice }, { countOf }] = await Promise.all([
    import("../../components/targets/aws/cost.ts"),
    import("../aws/image/ec2.ts"),
  ]);
  const { region } = stack.target;
  const type = instance.InstanceType ?? "";
  const { perHour, note } = typePrice(type, region);
  const helpers = perHour === null ? "no price known" : `about ${(perHour * helperHours * 2).toFixed(2)} USD${note && `, ${note}`}`;
  const sizeGB = stack.shape.servers.find((each) => each.name === server)?.rootGB ?? 0;
  const month = (sizeGB * snapshotPerGBMonth).toFixed(2);
  const without = [...secrets.files.map((path) => `${path} (a secret: the next up writes it)`), ...leaveOut];
  return [
    `${name}: of ${server} (${instance.InstanceId}, ${type}, ${base}) of ${stack.name}`,
    `  on the way  two servers more, a quarter of an hour each: ${helpers}`,
    `  then        a snapshot of at most ${sizeGB} GB: at most ${month} USD a month, ${expiry === "never" ? "for ever" : `wanted until ${expiry}`}`,
    "  without     keys and passwords of people, host keys, machine id, cloud-init's state, logs, what the fleet remembers",
    ...without.map((path) => `              ${path}`),
    ...(countOf(left) > 0 ? [`  first       takes away what a bake of yours left behind (${countOf(left)} things)`] : []),
  ].join("\n");
}

function bakedText({ image: ami, name, base, untold }: Baked): string {
  return [
    `${name} is baked and tested: ${ami}`,
    ...(untold.length > 0 ? ["what a server that is cut off from the network could not show:", ...untold.map((each) => `  ${each}`)] : []),
    `next: \`image: ${base}/${name}\` in the stack file, of the target, a server or a pool`,
  ].join("\n");
}

async function found(given: readonly string[]): Promise<{ readonly stacks: readonly AwsStack[]; readonly images: readonly Placed[] }> {
  const [{ readableAwsStacks, placesOf }, { bakedIn }] = await Promise.all([import("../aws/stacks.ts"), import("../aws/image/list.ts")]);
  const { stacks } = readableAwsStacks();
  const places = placesOf(given, stacks);
  const images = await Promise.all(places.map(async (place) => (await bakedIn(place)).map((each) => ({ ...each, place }))));
  return { stacks, images: [...new Map(images.flat().map((each) => [each.image, each])).values()] };
}
type Placed = Listed & { readonly place: Parameters<typeof import("../aws/image/list.ts").bakedIn>[0] };

async function list({ region, json }: ListOptions): Promise<number> {
  const [known, { usersOf }] = await Promise.all([found(region), import("../aws/image/list.ts")]);
  const images = await Promise.all(
    known.images.map(async ({ place, ...each }) => ({ ...each, users: await usersOf(place, each, known.stacks) })),
  );
  if (json) {
    console.log(JSON.stringify(images, null, 2));
    return 0;
  }
  const over = (expiry: string) => (Date.parse(expiry) < Date.now() ? "over since" : "until");
  const rows = images.map(({ use, image: ami, region: where, architecture, sizeGB, perMonth, team, roles, expiry, users }) => [
    ...[use, ami, where, architecture, `${sizeGB} GB`, `${perMonth.toFixed(2)} USD a month at most`, team],
    ...[expiry === "never" ? "for ever" : `${over(expiry)} ${expiry}`, users.length > 0 ? "in use" : "unused", roles.join(" ")],
  ]);
  console.log(rows.length > 0 ? columns(rows) : `no image; next: ${typed()} image bake STACK SERVER --name NAME`);
  return 0;
}

async function rm(given: string, { region, force, yes }: RmOptions): Promise<number> {
  const { stacks, images } = await found(region);
  const meant = images.filter((each) => [each.name, each.use, each.image].includes(given));
  if (meant.length === 0)
    throw new UserError(
      `${given}: expected an image that was baked${choice(
        given,
        images.map((each) => each.name),
      )}`,
    );
  if (meant.length > 1)
    throw new UserError(`${given}: expected one image, got ${meant.map((each) => `${each.image} in ${each.region}`).join(", ")}`);
  const [{ place, ...one }] = meant as [Placed];
  const { name } = one;
  const { remove, usersOf } = await import("../aws/image/list.ts");
  const users = await usersOf(place, one, stacks);
  if (users.length > 0 && !force)
    throw new UserError(
      `${given}: expected an image that nobody needs, got: ${users.join("; ")}; next: --force, or another image for those`,
    );
  await confirm(`rm takes ${one.use} (${one.image}) away`, name, yes);
  await remove(place, one);
  console.log(`${name}: ${one.image} and its snapshots are gone`);
  return 0;
}
