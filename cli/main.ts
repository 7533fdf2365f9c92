// The `fleet` command. One file a command; the only place that exits.
import "./cwd.ts"; // First: it says where the project is.

import { Command, CommanderError } from "commander";
import { checkout, project } from "../provisioners/project.ts";
import { interrupted } from "../pulumi/interruption.ts";
import { isUserFacing, UserError } from "../spec/problem.ts";
import type { Register } from "./command.ts";
import { noProject } from "./cwd.ts";
import { grouped, versionText } from "./help.ts";
import { helpOutput } from "./help-text.ts";
import { interruptedCode, interruption, onSignals } from "./interruption.ts";
import { keyAhead } from "./quick/key-ahead.ts";

/** In the order of the help. Each is loaded where it is meant: a command that looks at nothing else must not wait for all of them. */
const commands: Readonly<Record<string, () => Promise<Register>>> = {
  adopt: async () => (await import("./commands/adopt.ts")).adopt,
  init: async () => (await import("./commands/init.ts")).init,
  up: async () => (await import("./commands/up.ts")).up,
  preview: async () => (await import("./commands/preview.ts")).preview,
  verify: async () => (await import("./commands/verify.ts")).verify,
  check: async () => (await import("./commands/check.ts")).check,
  ssh: async () => (await import("./commands/ssh.ts")).ssh,
  drain: async () => (await import("./commands/drain.ts")).drain,
  enable: async () => (await import("./commands/enable.ts")).enable,
  edit: async () => (await import("./commands/edit.ts")).edit,
  run: async () => (await import("./commands/run.ts")).run,
  logs: async () => (await import("./commands/logs.ts")).logs,
  deploy: async () => (await import("./commands/deploy.ts")).deploy,
  rollback: async () => (await import("./commands/rollback.ts")).rollback,
  split: async () => (await import("./commands/split.ts")).split,
  bench: async () => (await import("./commands/bench.ts")).bench,
  lab: async () => (await import("./commands/lab.ts")).lab,
  score: async () => (await import("./commands/score.ts")).score,
  finalize: async () => (await import("./commands/finalize.ts")).finalize,
  retest: async () => (await import("./commands/retest.ts")).retest,
  status: async () => (await import("./commands/status.ts")).status,
  page: async () => (await import("./commands/page.ts")).page,
  watch: async () => (await import("./commands/watch.ts")).watch,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  history: async () => (await import("./commands/history.ts")).history,
  diff: async () => (await import("./commands/diff.ts")).diff,
  down: async () => (await import("./commands/down.ts")).down,
  completion: async () => (await import("./commands/completion.ts")).completion,
  env: async () => (await import("./commands/env.ts")).env,
  setup: async () => (await import("./commands/setup.ts")).setup,
  docs: async () => (await import("./commands/docs.ts")).docs,
  schema: async () => (await import("./commands/schema.ts")).schema,
  types: async () => (await import("./commands/types.ts")).types,
  cost: async () => (await import("./commands/cost.ts")).cost,
  stop: async () => (await import("./commands/stop.ts")).stop,
  start: async () => (await import("./commands/start.ts")).start,
  image: async () => (await import("./commands/image.ts")).image,
  iam: async () => (await import("./commands/iam.ts")).iam,
  backend: async () => (await import("./commands/backend.ts")).backend,
  sweep: async () => (await import("./commands/sweep.ts")).sweep,
  reap: async () => (await import("./commands/reap.ts")).reap,
  undelete: async () => (await import("./commands/undelete.ts")).undelete,
};

/** These need no project; `init` is `backend init` too. */
const anywhere = ["init", "setup", "docs", "types"];

const program = new Command("fleet")
  .description("The servers of a contest team, from one stack file.")
  .option("--cwd <dir>", "folder with stacks/ and the state; default $FLEET_PROJECT, else the checkout, or where a package is called")
  .version(versionText(), "-V, --version")
  .configureHelp({ showGlobalOptions: true })
  .configureOutput(helpOutput)
  .enablePositionalOptions()
  .showSuggestionAfterError()
  .exitOverride()
  .addHelpText(
    "after",
    `
Examples:
  fleet up practice          three servers on this computer, with their roles
  fleet adopt team-a isu1=ADDRESS isu2=ADDRESS
                             a stack of servers that were handed out
  fleet preview team-a       what an up would change, line by line
  fleet verify team-a        whether the servers are as the stack file says
  fleet ssh isu1             a shell on a server
  fleet cost team-a          what a stack on AWS costs, before it is there
  fleet down practice        destroy those three again

Exit codes: 0 done, 1 failed, 2 wrong use or a problem in a stack file, 7 verify
found a difference, 130 interrupted (fleet docs exit-codes)

Pulumi's own commands work as well: eval "$(fleet env)"; pulumi up -s practice`,
  );

const done = async (code: number | Promise<number>): Promise<void> => {
  process.exitCode = await code;
};
keyAhead(process.argv.slice(2));
const wanted = process.argv[2] ?? "";
// Completion tells of all of them.
for (const name of wanted in commands && wanted !== "completion" ? [wanted] : Object.keys(commands))
  (await commands[name]!())(program, done);

// `fleet logs | head`: who has read enough is no mistake.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

grouped(program);
onSignals(process.argv.slice(2));
try {
  program.hook("preAction", (_, command) => {
    // The checkout is one.
    const sentence = anywhere.includes(command.name()) || project === checkout ? undefined : noProject(project);
    if (sentence !== undefined) throw new UserError(sentence);
  });
  await program.parseAsync();
} catch (error) {
  process.exitCode = failed(error);
}

// After the last word of whatever was under way.
if (interrupted()) {
  process.exitCode = interruptedCode;
  console.error(interruption(process.argv.slice(2)));
  // A server that does not answer is not waited for.
  process.exit();
}

/** A user's mistake is a sentence; anything else is our bug and keeps its stack. */
function failed(error: unknown): number {
  if (interrupted()) return interruptedCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (isUserFacing(error)) {
    console.error(error.message);
    return 2;
  }
  // AWS said no, or nobody told who asks.
  if (error instanceof Error && ("$metadata" in error || error.name === "CredentialsProviderError")) {
    const next = error.name === "CredentialsProviderError" ? "; next: export AWS_PROFILE=…, or aws sso login, and ask again" : "";
    console.error(`AWS: expected an answer, got ${error.name}: ${error.message}${next}`);
    return 2;
  }
  console.error(error);
  return 1;
}
