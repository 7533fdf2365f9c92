// fleet completion: what a shell asks to complete commands, options, stacks and servers.
import { existsSync, readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { stackNames, stacksFolder } from "../../provisioners/project.ts";
import { isMap, valueAt } from "../../spec/path.ts";
import { UserError } from "../../spec/problem.ts";
import { fleetKey } from "../../spec/secrets.ts";
import { readYaml } from "../../spec/yaml-source.ts";
import type { Register } from "../command.ts";

const shells = {
  bash: `_fleet() { local IFS=$'\\n'; COMPREPLY=( $("\${COMP_WORDS[0]}" completion --words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) ); }
complete -o default -F _fleet fleet ./fleet`,
  zsh: `_fleet() { compadd -- \${(f)"$($words[1] completion --words -- \${words[2,CURRENT]} 2>/dev/null)"}; }
compdef _fleet fleet ./fleet`,
  fish: `complete -c fleet -f -a '(set -l words (commandline -opc); $words[1] completion --words -- $words[2..] (commandline -ct) 2>/dev/null)'`,
} as const;

export const completion: Register = (program, done) =>
  program
    .command("completion")
    .description("completion of commands, options, stacks and servers for a shell")
    .argument("[shell]", `the shell: ${Object.keys(shells).join(", ")}`)
    .addOption(new Option("--words", "what could stand for the last of the words behind --, a line each").hideHelp())
    .allowExcessArguments()
    .addHelpText(
      "after",
      `
Examples:
  source <(fleet completion bash)                             in ~/.bashrc
  source <(fleet completion zsh)                              in ~/.zshrc, after compinit
  fleet completion fish > ~/.config/fish/completions/fleet.fish`,
    )
    .action((shell: string | undefined, { words }: { words?: boolean }) => done(print(program, shell, words)));

function print(program: Command, shell: string | undefined, words: boolean | undefined): number {
  if (words) {
    console.log(candidates(program, process.argv.slice(process.argv.indexOf("--") + 1), place()).join("\n"));
    return 0;
  }
  const text = shells[shell as keyof typeof shells];
  if (text === undefined) throw new UserError(`completion: expected a shell (${Object.keys(shells).join(", ")}), got ${shell ?? "none"}`);
  console.log(text);
  return 0;
}

export interface Place {
  readonly stacks: readonly string[];
  /** By stack. */
  readonly servers: Readonly<Record<string, readonly string[]>>;
  /** By stack. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  /** FLEET_STACK. */
  readonly stack?: string | undefined;
}

/** By the stack files alone: a key press must not wait for a state. */
function place(): Place {
  const stacks = stackNames();
  const all = stacks.map((stack) => [stack, namesIn(stack)] as const);
  return {
    stacks,
    servers: Object.fromEntries(all.map(([stack, { servers }]) => [stack, servers])),
    roles: Object.fromEntries(all.map(([stack, { roles }]) => [stack, roles])),
    stack: process.env.FLEET_STACK,
  };
}

function namesIn(stack: string): { readonly servers: readonly string[]; readonly roles: readonly string[] } {
  const file = `${stacksFolder}/Pulumi.${stack}.yaml`;
  const servers = existsSync(file) ? valueAt(readYaml(readFileSync(file, "utf8")).value, ["config", fleetKey, "servers"]) : undefined;
  if (!isMap(servers)) return { servers: [], roles: [] };
  const roles = Object.values(servers).flatMap((each) => (isMap(each) && Array.isArray(each.roles) ? each.roles.map(String) : []));
  return { servers: Object.keys(servers), roles: [...new Set(roles)] };
}

/** Pure. `words`: behind `fleet`, the last one is being typed. */
export function candidates(program: Command, words: readonly string[], place: Place): readonly string[] {
  const { stacks, servers, roles, stack } = place;
  const typed = words.at(-1) ?? "";
  const fitting = (all: readonly string[]) => [...new Set(all)].filter((each) => each.startsWith(typed)).sort();
  if (words.includes("--", 1) && words.indexOf("--") < words.length - 1) return [];
  const command = program.commands.find((each) => each.name() === words[0]);
  if (!command || words.length < 2) return fitting(program.commands.map((each) => each.name()));
  // `backend init`: the words behind `backend` are a command's own.
  if (command.commands.length > 0) return candidates(command, words.slice(1), place);
  const before = words.at(-2) ?? "";
  if (["-s", "--stack"].includes(before)) return fitting(stacks);
  const said = words.findIndex((word) => ["-s", "--stack"].includes(word));
  const meant = said >= 0 ? words[said + 1] : (stack ?? (stacks.length === 1 ? stacks[0] : undefined));
  const option = command.options.find((each) => each.short === before || each.long === before);
  const named = (by: Place["servers"]) => (meant === undefined ? Object.values(by).flat() : (by[meant] ?? []));
  // A command for one server takes no role.
  const several = () => fitting([...named(servers), ...named(roles)]);
  if (option?.flags.endsWith("<servers>")) return several();
  if (option?.required) return option.argChoices ? fitting(option.argChoices) : [];
  if (typed.startsWith("-")) return fitting([...command.options.flatMap(({ long }) => long ?? []), "--help"]);
  const kind = command.registeredArguments[0]?.name() ?? "";
  if (/^stacks?$/.test(kind)) return fitting(stacks);
  if (kind === "server") return fitting(named(servers));
  if (kind === "servers") return several();
  return [];
}
