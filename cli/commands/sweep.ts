// fleet sweep: what the fleet has left in an AWS account. Only looks: each leftover comes with the command that takes it away.
import type { Register } from "../command.ts";
import { regionOption } from "../regions.ts";

interface Options {
  readonly team?: string;
  readonly region: readonly string[];
  readonly json: boolean;
}

export const sweep: Register = (program, done) =>
  program
    .command("sweep")
    .description(
      "look through an AWS account for what the fleet left there; exit code 1 where that is more than snapshots and baked images kept on purpose",
    )
    .argument("[stack]", "of this stack; default of all")
    .option("--team <team>", "of this team's stacks")
    .addOption(regionOption("where the stacks are"))
    .option("--json", "{left: [{region, kind, id, name, team, stack, expiry, command}], kept: […the same], unseen: […]}", false)
    .addHelpText("after", "\nExamples:\n  fleet sweep team-a\n  fleet sweep --team team-a --json\n  fleet sweep --region ap-northeast-1")
    .action((stack: string | undefined, options: Options) => done(run(stack, options)));

async function run(stack: string | undefined, { team, region, json }: Options): Promise<number> {
  const { awsStacks, placesOf } = await import("../aws/stacks.ts");
  const { sweep: look, sweptCode, sweptText, together } = await import("../aws/sweep.ts");
  const stacks = region.length > 0 ? [] : awsStacks(stack === undefined ? [] : [stack]);
  const swept = together(await Promise.all(placesOf(region, stacks).map((each) => look(each, { stack, team }))));
  console.log(json ? JSON.stringify(swept, null, 2) : sweptText(swept));
  return sweptCode(swept);
}
