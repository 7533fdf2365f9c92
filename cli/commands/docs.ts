// fleet docs: the pages of docs/ and the parameters of the roles, in a terminal.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkout, rolesFolder } from "../../provisioners/project.ts";
import { exampleOf, type Parameter, parametersOf } from "../../provisioners/roles/document.ts";
import type { Role } from "../../provisioners/roles/role.ts";
import { brokenRoles, ownRoles, roles, useRolesIn } from "../../provisioners/roles/roles.ts";
import { brokenError } from "../../provisioners/roles/team-roles.ts";
import { didYouMean } from "../../spec/messages.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { Register } from "../command.ts";
import { columns, styled, wrapped } from "../terminal.ts";

export const docs: Register = (program, done) =>
  program
    .command("docs")
    .description("show a page of the documentation, or the parameters of a role")
    .argument("[topic]", "a page such as `stack-file`, a role such as `nginx`, or a parameter such as `nginx.sites`; default the list")
    .option("--json", "of a role: [{path, type, default, required, description}]", false)
    .addHelpText("after", "\nExamples:\n  fleet docs\n  fleet docs mysql\n  fleet docs nginx.sites | less")
    .action((topic: string | undefined, { json }: { json: boolean }) => done(run(topic, json)));

const folder = join(checkout, "docs");
const pages = (): readonly string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .map((file) => file.slice(0, -3))
    .sort();

function run(topic: string | undefined, json: boolean): number {
  useRolesIn(rolesFolder());
  console.log(topic === undefined ? contents() : documentation(topic, json));
  return 0;
}

function contents(): string {
  const titles = pages().map((page) => [page, /^# (.+)$/m.exec(readFileSync(join(folder, `${page}.md`), "utf8"))?.[1] ?? ""]);
  const rows = (of: readonly Role[]) => columns(of.map(({ name, summary }) => [name, summary]));
  const own = ownRoles().length > 0 ? ["", styled("bold", "your own roles"), rows(ownRoles())] : [];
  return [styled("bold", "pages"), columns(titles), "", styled("bold", "roles"), rows(roles), ...own].join("\n");
}

/** What `fleet docs TOPIC` prints. Throws a UserError for a topic that is not there. */
export function documentation(topic: string, json = false): string {
  useRolesIn(rolesFolder());
  if (pages().includes(topic)) return readFileSync(join(folder, `${topic}.md`), "utf8").trimEnd();
  const [name = "", ...path] = topic.split(".");
  const known = [...roles, ...ownRoles()];
  const broken = brokenRoles().find((each) => each.name === name);
  if (broken) throw brokenError(broken);
  const role = known.find((each) => each.name === name);
  const topics = [...pages(), ...known.map((each) => each.name)];
  if (!role) throw new UserError(`docs: expected a page or a role (${topics.join(", ")}), got \`${topic}\`${didYouMean(name, topics)}`);
  const all = parametersOf(role.params);
  const found = all.filter((parameter) => within(parameter.path, path.join(".")));
  if (found.length === 0 && path.length > 0)
    throw new UserError(`docs: expected a parameter of ${name}, got \`${path.join(".")}\`; next: ${typed()} docs ${name}`);
  if (json) return JSON.stringify(found, null, 2);
  const head = [styled("bold", name), role.summary, ""];
  const shown = path.length > 0 ? undefined : exampleOf(role);
  const example = shown === undefined ? [] : [styled("bold", "example"), shown];
  return [...head, ...found.map(entry), ...example].join("\n");
}

/** `sites` and what lies below it; nobody types the marks of lists and alternatives. */
function within(path: string, wanted: string): boolean {
  const plain = path.replaceAll(/\[[^\]]*\]/g, "").replaceAll(".<name>", "");
  return wanted === "" || plain === wanted || plain.startsWith(`${wanted}.`);
}

function entry({ path, type, description, default: value, required }: Parameter): string {
  const shape = [type.replaceAll("`", ""), ...(required ? ["required"] : []), ...(value === undefined ? [] : [`default ${value}`])].join(
    "; ",
  );
  return [styled("bold", path), wrapped(shape, "    "), wrapped(description, "    "), ""].join("\n");
}
