// docs/commands.md: every command with its arguments, options, examples and exit codes, as commander knows them.
import { isAbsolute } from "node:path";
import type { Command, Option } from "commander";
import { groups } from "./help.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
/** A first word that is to be typed as it stands keeps its case. */
const sentence = (text: string): string =>
  `${/^[a-z]+[ ,;:.]/.test(text) ? `${text[0]!.toUpperCase()}${text.slice(1)}` : text}${/[.:)?!]$/.test(text) ? "" : "."}`;

/** `--json`'s false and an empty list are no news, and a path of this computer's is nobody else's. */
function defaultOf({ defaultValue, defaultValueDescription }: Pick<Option, "defaultValue" | "defaultValueDescription">): string {
  if (defaultValueDescription !== undefined) return defaultValueDescription;
  if (defaultValue === undefined || typeof defaultValue === "boolean" || (Array.isArray(defaultValue) && defaultValue.length === 0))
    return "";
  return isAbsolute(String(defaultValue)) ? "" : `\`${String(defaultValue)}\``;
}

function rowsOf(command: Command): readonly string[] {
  const given = command.registeredArguments.map((argument) => [
    ((name) => (argument.required ? `<${name}>` : `[${name}]`))(`${argument.name()}${argument.variadic ? "..." : ""}`),
    sentence(argument.description),
    defaultOf(argument as unknown as Option),
  ]);
  const options = command.options
    .filter(({ hidden }) => !hidden)
    .map((option) => [option.flags, sentence([option.description, choicesOf(option)].filter(Boolean).join("; ")), defaultOf(option)]);
  const rows = [...given, ...options].map(([name = "", what = "", value = ""]) => `| \`${cell(name)}\` | ${cell(what)} | ${cell(value)} |`);
  return rows.length > 0 ? ["| | what it is | default |", "| --- | --- | --- |", ...rows, ""] : [];
}

const choicesOf = ({ argChoices }: Option): string => (argChoices ? `one of ${argChoices.map((each) => `\`${each}\``).join(", ")}` : "");

/** What a command's help has after its options: examples, and what else is worth a word. */
function afterword(command: Command): string {
  let all = "";
  command.configureOutput({ writeOut: (text) => (all += text), getOutHelpWidth: () => 100, getOutHasColors: () => false });
  command.outputHelp();
  const plain = command.helpInformation();
  return all.slice(all.indexOf(plain) + plain.length).trim();
}

interface ExitCode {
  readonly code: string;
  readonly of: string;
  readonly says: string;
}

/** The table of docs/exit-codes.md. */
const exitCodesIn = (page: string): readonly ExitCode[] =>
  [...page.matchAll(/^\| (\d+) \| (.+?) \| (.+) \|$/gm)].map(([, code = "", of = "", says = ""]) => ({ code, of, says }));

function section(command: Command, parents: readonly string[], codes: readonly ExitCode[]): readonly string[] {
  const name = [...parents, command.name()].join(" ");
  const own = codes.filter(({ of }) => of.includes(`\`${command.name()}\``));
  const said = afterword(command);
  return [
    `### ${name}`,
    "",
    sentence(command.description()),
    "",
    "```",
    `${[...parents, command.name()].join(" ")} ${command.usage()}`.trim(),
    "```",
    "",
    ...rowsOf(command),
    ...(said ? ["```", said, "```", ""] : []),
    ...own.flatMap(({ code, says }) => [`Exit code ${code}: ${says}.`, ""]),
    ...command.commands.flatMap((each) => section(each, [...parents, command.name()], codes)),
  ];
}

/** @param program with all commands; @param exitCodes docs/exit-codes.md */
export function commandsText(program: Command, exitCodes: string): string {
  const codes = exitCodesIn(exitCodes);
  const every = codes.filter(({ of }) => of.startsWith("every command"));
  const order = Object.values(groups).flat();
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  const sorted = [...program.commands].sort((a, b) => place(a.name()) - place(b.name()) || (a.name() < b.name() ? -1 : 1));
  const titles = [...new Set(sorted.map((command) => command.helpGroup()))];
  const chapters = titles.flatMap((title) => [
    `## ${title.replace(/:$/, "")}`,
    "",
    ...sorted.filter((command) => command.helpGroup() === title).flatMap((command) => section(command, ["fleet"], codes)),
  ]);
  const head = [
    "# Commands",
    "",
    "Generated from the commands (`cli/commands/`): do not edit. `fleet COMMAND --help` says the same in a terminal. Before a command stand",
    "`--cwd DIR`, the folder that it is for, and `--version`.",
    "",
    "| exit code | what it says, of every command |",
    "| --- | --- |",
    ...every.map(({ code, says }) => `| ${code} | ${says} |`),
    "",
    "More of them is in [exit-codes.md](exit-codes.md).",
    "",
  ];
  return `${[...head, ...chapters].join("\n").trimEnd()}\n`;
}
