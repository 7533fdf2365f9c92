// fleet init: a team's own folder, which depends on the product instead of being a copy of it.
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";
import { dependencyFor } from "../init/dependency.ts";
import { folderFiles } from "../init/folder.ts";
import { depend, gitInit, install, write } from "../init/make.ts";
import { schemaOf } from "../schema-file.ts";
import { columns } from "../terminal.ts";

interface Options {
  readonly install: boolean;
}

export const init: Register = (program, done) =>
  program
    .command("init")
    .description("make a folder of your own: stack files, roles, files and state in it, this product as its package")
    .argument("[dir]", "the folder; it may hold things already, which stay", ".")
    .option("--no-install", "leave `npm install` to you")
    .addHelpText("after", "\nExamples:\n  fleet init our-servers\n  npx fleet init .")
    .action((dir: string, options: Options) => done(run(dir, options)));

async function run(dir: string, { install: wanted }: Options): Promise<number> {
  const folder = resolve(dir);
  if (existsSync(folder) && !statSync(folder).isDirectory()) throw new UserError(`${dir}: expected a folder, or nothing, got a file`);
  mkdirSync(folder, { recursive: true });
  const dependency = dependencyFor(folder);
  const before = existsSync(join(folder, "package.json"));
  const made = [...write(folder, folderFiles(dependency)), ...write(folder, [schemaOf(folder)])];
  if (before && depend(folder, dependency)) made.push("package.json (the dependency alone)");
  const said = [made.length > 0 ? `${dir}: made ${made.join(", ")}` : `${dir}: all there already`];
  const git = await gitInit(folder);
  if (git) said.push(git);
  const failed = wanted ? await install(folder) : undefined;
  if (failed !== undefined) said.push(`npm install: ${failed}`);
  console.log([...said, "", next(dir, wanted && failed === undefined)].join("\n"));
  return failed === undefined ? 0 : 1;
}

/** What to type, in their order. */
function next(dir: string, installed: boolean): string {
  const rows = [
    ...(resolve(dir) === process.cwd() ? [] : [[`cd ${dir}`, ""]]),
    ...(installed ? [] : [["npm install", "the packages"]]),
    ["./fleet check", "is each stack file right?"],
    ["./fleet docs stack-file", "what a stack file says"],
  ];
  return [
    "next:",
    ...columns(rows)
      .split("\n")
      .map((line) => `  ${line.trimEnd()}`),
  ].join("\n");
}
