// fleet check: is a stack file right? Says everything that is wrong, a problem a line.

import { targetOf } from "../../components/targets/targets.ts";
import { refusePool } from "../../provisioners/boot-roles.ts";
import { problemsIn } from "../../provisioners/engine/problems.ts";
import { completeFacts, expandRole, type FleetPlan, replacements, rolesOf, type ServerPlan, unreadOn } from "../../provisioners/expand.ts";
import { brokenRoles } from "../../provisioners/roles/roles.ts";
import { planOf, stackNames } from "../../provisioners/stack.ts";
import { stateProblems } from "../../pulumi/known-names.ts";
import { type Problem, problemsText, UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { Register } from "../command.ts";
import { allowUnheard, noTableOption } from "../no-table.ts";
import { refreshSchema, schemaName } from "../schema-file.ts";
import { unheard } from "../unheard.ts";

export const check: Register = (program, done) =>
  program
    .command("check")
    .description("validate stack files: every problem at once, without touching anything")
    .argument("[stack...]", "stacks; default all of this checkout")
    .addOption(noTableOption())
    .option("--json", "the problems as JSON: [{at, path, reason}]", false)
    .addHelpText("after", "\nExamples:\n  fleet check practice\n  fleet check --json")
    .action((stacks: string[], { json, table }: { json: boolean; table: boolean }) => {
      allowUnheard(table);
      return done(run(stacks, json));
    });

async function run(named: readonly string[], json: boolean): Promise<number> {
  const stacks = named.length > 0 ? named : stackNames();
  if (refreshSchema() && !json) console.error(`${schemaName()}: written anew, as the roles are now`);
  // Whoever names a stack is told of the roles that it uses, where it uses them.
  const roles = named.length > 0 ? [] : brokenRoles().flatMap(({ problems }) => problems);
  const problems = [...roles, ...(await Promise.all(stacks.map(problemsOf))).flat()];
  if (json) console.log(JSON.stringify(problems, null, 2));
  else if (problems.length > 0) console.error(problemsText(problems));
  else console.log([...stacks.flatMap(notesOf), noProblems(stacks)].join("\n"));
  return problems.length > 0 ? 2 : 0;
}

const noProblems = (stacks: readonly string[]): string =>
  stacks.length > 0 ? `${stacks.join(", ")}: no problems` : `no stack file yet; next: copy one of stacks/samples/, or ${typed()} init`;

/** What is right, and still worth a word: a file of the team's in the place of something of a role's. */
function notesOf(stack: string): readonly string[] {
  const plan = planOf(stack);
  const replaced = plan.servers.flatMap((server) => {
    const facts = completeFacts(server.declared);
    return facts ? replacements(plan, server, facts) : unreadOn(server);
  });
  return [...unheard(plan).warnings, ...replaced];
}

async function problemsOf(stack: string): Promise<readonly Problem[]> {
  let plan: FleetPlan | undefined;
  const problems = told(stack, () => {
    plan = planOf(stack);
    refuseWork(plan);
    return plan.servers.flatMap((server) => roleProblems(plan!, server));
  });
  return [...(plan ? [...unheard(plan).problems, ...(await stateProblems(plan))] : []), ...problems];
}

function roleProblems(plan: FleetPlan, server: ServerPlan): readonly Problem[] {
  const facts = completeFacts(server.declared);
  if (!facts) return [];
  const at = fileOf(plan.stack);
  return rolesOf(server).flatMap((role) =>
    told(plan.stack, () =>
      problemsIn(expandRole(plan, server, role, facts), plan.guard).map(({ path, reason }) => ({
        at,
        path: `servers.${server.name} ${role} ${path}`,
        reason,
      })),
    ),
  );
}

const fileOf = (stack: string): string => `stacks/Pulumi.${stack}.yaml`;

/** A role that can't say what it wants has a problem; the others are asked all the same. */
function told(stack: string, problems: () => readonly Problem[]): readonly Problem[] {
  try {
    return problems();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (error.problems.length > 0) return error.problems;
    const file = fileOf(stack);
    const [place = "", at = file] = /^(?:.*\/)?(stacks\/[^:/]+\.yaml(?::\d+)*): /.exec(error.message) ?? [];
    // Its place is said once.
    const said = at === file || at.startsWith(`${file}:`) ? place : "";
    const reason = error.message.slice(said.length);
    const named = reason.startsWith(`${stack}: `) ? reason.slice(stack.length + 2) : reason;
    return [{ at: said === "" ? file : at, path: "stack", reason: named }];
  }
}

/** Throws a UserError for what the target would refuse, and for what a pool can't become by itself. */
function refuseWork(plan: FleetPlan): void {
  const target = targetOf(plan.spec);
  target.refuse?.(plan.spec, plan.stack);
  for (const pool of target.pools?.(plan.spec) ?? []) refusePool(plan, pool);
}
