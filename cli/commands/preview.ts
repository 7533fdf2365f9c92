// fleet preview: what an up would change, down to the line of a file on a server. For one stack at a terminal, for many as a table, for a
// pull request as both.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { Option } from "commander";
import pLimit from "p-limit";
import { checkout, stacksFolder } from "../../provisioners/project.ts";
import { UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";
import { allowUnheard, noTableOption } from "../no-table.ts";
import { markdown } from "../preview/markdown.ts";
import { exitCodeOf, nothingToChange, operations, type StackPreview } from "../preview/model.ts";
import { text } from "../preview/text.ts";
import { allRight, engineOption } from "../quick/quick.ts";
import { remarkLines } from "../remarks.ts";
import { chosen, manyOptions, meantBy } from "../select-stacks.ts";
import { several } from "../several.ts";
import { columns, styled } from "../terminal.ts";

interface Options {
  readonly markdown?: string;
  readonly json: boolean;
  readonly offline: boolean;
  readonly base?: string;
  readonly parallel: number;
  readonly engine: boolean;
  readonly full: boolean;
  readonly note: readonly string[];
  /** Only what stands around the servers, without a look at them: for a watch. */
  readonly around: boolean;
}

export const preview: Register = (program, done) =>
  program
    .command("preview")
    .description("show what an up would change, against what is on the servers now")
    .argument("[stacks...]", "stacks of this checkout, or patterns such as 'team-*' and '!team-x'; default FLEET_STACK, else all")
    .option("--markdown <file>", "write it for a pull request; what GitHub takes no more in one comment goes to <file>.2, <file>.3 …")
    .option("--json", "print it as JSON, for other forges", false)
    .option("--offline", "from stack files alone: no server, no state and no passphrase; needs --base", false)
    .option("--base <commit>", "with --offline: what to compare with, such as origin/main")
    .addOption(manyOptions.parallel())
    .addOption(engineOption())
    .addOption(noTableOption())
    .addOption(new Option("--around", "only what stands around the servers, without a look at them").default(false).hideHelp())
    .option("--full", "show new files in full, not only how many lines they have", false)
    .option("--note <text>", "a sentence above the table; may be given more than once", several, [])
    .addHelpText(
      "after",
      "\nExamples:\n  fleet preview team-a\n  fleet preview 'team-*' --markdown preview.md\n  fleet preview --offline --base origin/main --markdown preview.md",
    )
    .action((stacks: string[], options: Options & { readonly table: boolean }) => {
      allowUnheard(options.table);
      return done(run(meantBy(stacks), options));
    });

async function run(patterns: readonly string[], options: Options): Promise<number> {
  if (options.offline) return show(await offline(patterns, options), { ...options, note: [...options.note, offlineNote] });
  if (options.base !== undefined) throw new UserError("--base: expected --offline beside it; a preview compares with the servers");
  const stacks = chosen(patterns);
  const limit = pLimit(options.parallel);
  const previews = await Promise.all(stacks.map((stack) => limit(() => told(stack, stacks.length, options))));
  return show(previews, options);
}

/** Of many, in a log: each as it is done. A terminal shows what is being looked at. */
async function told(stack: string, of: number, options: Pick<Options, "engine" | "around">): Promise<StackPreview> {
  const began = Date.now();
  const right = options.around ? undefined : await allRight(stack, options);
  const preview = right
    ? nothingToChange(stack, right.team, remarkLines(right.reports))
    : await (await import("../preview/by-engine.ts")).previewByEngine(stack, { around: options.around });
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  if (of > 1 && !process.stderr.isTTY) console.error(`${stack}: ${preview.failure === undefined ? "previewed" : "failed"}, ${seconds} s`);
  return preview;
}

const offlineNote =
  "Made without secrets and without a look at any server, from the files of both states of this change: what drifted on servers does not show, " +
  "and the counts are of servers and roles.";

async function offline(patterns: readonly string[], { base }: Options): Promise<readonly StackPreview[]> {
  if (base === undefined) throw new UserError("--offline: expected --base with the commit to compare with; next: --base origin/main");
  // Only now: it brings the prices of AWS along.
  const { expanderOf, previewFiles, withCheckout } = await import("../preview/files.ts");
  const head = await expanderOf(checkout, stacksFolder);
  return await withCheckout(base, async (root, stacks) => {
    const before = await expanderOf(root, stacks);
    const all = [...new Set([...before.stackNames(), ...head.stackNames()])].sort();
    return previewFiles(before, head, chosen(patterns, all));
  });
}

function show(previews: readonly StackPreview[], { markdown: file, json, note, full }: Options): number {
  if (file !== undefined) writeComments(file, markdown(previews, { notes: note }));
  if (json) console.log(JSON.stringify({ notes: note, stacks: previews }, null, 2));
  else console.log(previews.length === 1 && file === undefined ? text(previews[0]!, { full }) : overview(previews));
  return exitCodeOf(previews);
}

/** What an earlier, longer preview left behind goes: a workflow sends every file that there is. */
function writeComments(file: string, comments: readonly string[]): void {
  const nameOf = (index: number) => (index === 0 ? file : `${file}.${index + 1}`);
  for (const [index, comment] of comments.entries()) writeFileSync(nameOf(index), comment);
  for (let index = comments.length; existsSync(nameOf(index)); index++) rmSync(nameOf(index));
}

function overview(previews: readonly StackPreview[]): string {
  const rows = previews.map(({ team, counts, failure, servers }) => {
    const silent = servers.filter(({ unreachable }) => unreachable !== undefined).map(({ name }) => name);
    const said = failure?.split("\n")[0] ?? (silent.length > 0 ? `could not be reached: ${silent.join(", ")}` : "");
    return [styled(failure === undefined ? "bold" : "red", team), ...operations.map((each) => String(counts[each])), said];
  });
  return columns([["team", ...operations, ""], ...rows]);
}
