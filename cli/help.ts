// How `fleet --help` is laid out, and what `fleet --version` says.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, Help, type Option } from "commander";
import { checkout } from "../provisioners/project.ts";

/** In the order in which people meet them; a command that stands in none of them comes last. */
export const groups: Readonly<Record<string, readonly string[]>> = {
  "Servers:": ["init", "adopt", "up", "preview", "verify", "check", "down"],
  "On them:": [
    "ssh",
    "run",
    "logs",
    "status",
    "page",
    "watch",
    "doctor",
    "drain",
    "enable",
    "edit",
    "deploy",
    "rollback",
    "split",
    "bench",
    "score",
    "lab",
    "finalize",
    "retest",
    "history",
    "diff",
  ],
  "On AWS:": ["cost", "types", "stop", "start", "image", "iam", "backend", "sweep", "reap", "undelete"],
  "Beside them:": ["setup", "docs", "schema", "env", "completion"],
};

/** That an option is off, or a list empty, unless somebody says otherwise, is no news. */
export function optionDescription(this: Help, option: Option): string {
  const { defaultValue: value, defaultValueDescription: said } = option;
  const isNews = said !== undefined || (typeof value !== "boolean" && !(Array.isArray(value) && value.length === 0));
  const shown = isNews ? option : Object.assign(Object.create(option) as Option, { defaultValue: undefined });
  return Help.prototype.optionDescription.call(this, shown);
}

/** What is the same of all commands, and of those below them. */
function alike(command: Command, parents: string): void {
  const name = `${parents}${command.name()}`;
  command.showHelpAfterError(`(${name} --help shows what there is)`);
  // In a list of commands each is its name: what it takes is told by its own help.
  command.configureHelp({ ...command.configureHelp(), optionDescription, subcommandTerm: (each) => each.name() });
  for (const each of command.commands) alike(each, `${name} `);
}

export function grouped(program: Command): void {
  alike(program, "");
  const groupOf = (name: string) => Object.keys(groups).find((group) => groups[group]!.includes(name)) ?? "More:";
  for (const command of program.commands) command.helpGroup(groupOf(command.name()));
}

/** The product's version. */
export const version = (): string =>
  (JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { readonly version: string }).version;

/** And of the Node that runs it. */
export const versionText = (): string => `contest-fleet ${version()}, Node ${process.versions.node}`;
