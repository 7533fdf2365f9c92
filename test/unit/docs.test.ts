// Generated pages are fresh, and the pages that people read name only what is there.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Register } from "../../cli/command.ts";
import { documentation } from "../../cli/commands/docs.ts";
import { commandsText } from "../../cli/commands-page.ts";
import { grouped } from "../../cli/help.ts";
import { parametersOf, rolesText } from "../../provisioners/roles/document.ts";
import { roles } from "../../provisioners/roles/roles.ts";
import * as scalars from "../../spec/scalars.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

test("docs/roles.md is what the roles' schemas say (UPDATE_GOLDEN=1 writes it)", () => {
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(join(root, "docs/roles.md"), rolesText());
  expect(read("docs/roles.md")).toBe(rolesText());
});

describe("docs/commands.md", () => {
  const program = new Command("fleet").enablePositionalOptions();
  const files = readdirSync(join(root, "cli/commands")).filter((file) => file.endsWith(".ts"));

  beforeAll(async () => {
    for (const file of files) {
      const name = file.slice(0, -".ts".length).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
      const register = ((await import(/* @vite-ignore */ join(root, "cli/commands", file))) as Record<string, Register>)[name];
      expect(register, `cli/commands/${file} exports ${name}`).toBeTypeOf("function");
      register!(program, async () => {});
    }
    grouped(program);
  });

  test("is what the commands say of themselves (UPDATE_GOLDEN=1 writes it)", () => {
    const text = commandsText(program, read("docs/exit-codes.md"));
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(join(root, "docs/commands.md"), text);
    expect(read("docs/commands.md")).toBe(text);
  });

  test("has each exit code that any command may end with, also where `--help` does not", () => {
    const every = [...read("docs/exit-codes.md").matchAll(/^\| (\d+) \| every command/gm)].map(([, code]) => code);
    const told = [...read("docs/commands.md").matchAll(/^\| (\d+) \| /gm)].map(([, code]) => code);
    expect(told).toEqual(every);
  });

  const all = (command: Command, path: string): readonly (readonly [string, Command])[] => [
    [path, command],
    ...command.commands.flatMap((each) => all(each, `${path} ${each.name()}`)),
  ];

  test("no help says of an option that it is off, or of a list that it is empty", () => {
    const told = all(program, "fleet").flatMap(([path, command]) => {
      const text = command.helpInformation().replaceAll(/\s+/g, " ");
      return /\(default: (?:false|true|\[\])\)/.test(text) ? [path] : [];
    });
    expect(told).toEqual([]);
  });

  test("who mistypes an option is sent to that command's own help", () => {
    for (const [path, command] of all(program, "fleet").slice(1)) {
      let said = "";
      command.exitOverride().configureOutput({ writeErr: (text) => (said += text), outputError: (text, write) => write(text) });
      expect(() => command.error("error: unknown option '--x'")).toThrow();
      expect(said).toContain(`(${path} --help shows what there is)`);
    }
  });

  test("has every command that ./fleet has, and says of every argument and option what it is", () => {
    const main = [...read("cli/main.ts").matchAll(/import\("\.\/commands\/([^"]+\.ts)"\)/g)].map(([, file]) => file);
    expect(files).toEqual([...main].sort());
    const bare = program.commands.flatMap((command) => [
      ...(command.description() ? [] : [command.name()]),
      ...command.options.filter(({ description }) => !description).map(({ flags }) => `${command.name()} ${flags}`),
      ...command.registeredArguments.filter(({ description }) => !description).map((argument) => `${command.name()} ${argument.name()}`),
    ]);
    expect(bare).toEqual([]);
  });
});

describe.for(roles.map(({ name, params }) => [name, parametersOf(params)] as const))("parameters of %s", ([, parameters]) => {
  /** What a shared scalar says of its grammar. */
  const grammars = new Set(
    Object.values(scalars).flatMap((each) => (each instanceof z.ZodType && each.description ? [each.description] : [])),
  );

  test("each says in words of its own what it is", () => {
    expect(parameters.filter(({ description }) => description === "" || grammars.has(description)).map(({ path }) => path)).toEqual([]);
  });

  test("none repeats its default in prose: the schema says it", () => {
    const repeating = parameters.filter(({ description, default: value }) => value !== undefined && /\bdefault[: ]/i.test(description));
    expect(repeating.map(({ path }) => path)).toEqual([]);
  });
});

test("parameters below lists, maps by name and alternatives are found", () => {
  const route = z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("proxy"), upstream: z.string() }),
    z.strictObject({ kind: z.literal("file"), root: z.string().default("/srv") }),
  ]);
  const schema = z.strictObject({ routes: z.array(route), users: z.record(z.string(), z.strictObject({ hosts: z.array(z.string()) })) });
  expect(parametersOf(schema).map(({ path }) => path)).toEqual([
    "routes",
    "routes[proxy].kind",
    "routes[proxy].upstream",
    "routes[file].kind",
    "routes[file].root",
    "users",
    "users.<name>.hosts",
  ]);
});

const pages = [
  "README.md",
  "README.ja.md",
  "CONTRIBUTING.md",
  "docs/stack-file.md",
  "docs/own-roles.md",
  "docs/commands.md",
  "docs/exit-codes.md",
  "docs/aws.md",
  "docs/performance.md",
  "docs/measuring.md",
];

test.for(pages)("%s links to files that are there", (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)]
    .map(([, target]) => target ?? "")
    .filter((target) => !target.includes("://"));
  expect(links.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
});

test.for(pages)("%s imports modules that are there", (page) => {
  const modules = [...read(page).matchAll(/^import .* from "(\.[^"]+)";$/gm)].map(([, path]) => path ?? "");
  expect(modules.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

describe("fleet docs", () => {
  test("shows a page, a role with its example, or what lies below a parameter", () => {
    expect(documentation("stack-file")).toBe(read("docs/stack-file.md").trimEnd());
    expect(documentation("redis")).toContain("eviction\n    `noeviction`".replaceAll("`", ""));
    expect(documentation("redis")).toContain("persistence: none");
    const paths = (JSON.parse(documentation("nginx.sites.routes", true)) as { path: string }[]).map(({ path }) => path);
    expect(paths).toContain("sites[].routes[proxy].upstream");
    expect(paths.every((path) => path.startsWith("sites[].routes"))).toBe(true);
  });

  test("says what there is where a topic is unknown", () => {
    expect(() => documentation("ngin")).toThrow(/docs: expected a page or a role \(.*nginx.*\), got `ngin`; did you mean `nginx`\?/);
    expect(() => documentation("nginx.site")).toThrow("docs: expected a parameter of nginx, got `site`; next: ./fleet docs nginx");
  });
});

test("the Japanese README names the commands of the English one, in its order", () => {
  const commandsOf = (page: string): readonly string[] =>
    [...read(page).matchAll(/^```\n([\s\S]*?)^```$/gm)]
      .flatMap(([, block]) => (block ?? "").split("\n"))
      .filter((line) => /^ *(\.\/fleet|pulumi|cp|export|eval|for|npm) /.test(line))
      .map((line) =>
        line
          .trim()
          .replace(/(?<=\S) {2,}.*$/, "")
          .replace(/^(npm \w+) .*$/, "$1"),
      );
  expect(commandsOf("README.ja.md")).toEqual(commandsOf("README.md"));
});
