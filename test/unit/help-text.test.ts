// What a person sees first: every command's help, as it is printed on a terminal of 80 columns, by whichever name the command was typed.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import type { Register } from "../../cli/command.ts";
import { grouped } from "../../cli/help.ts";
import { fitted, helpOutput } from "../../cli/help-text.ts";
import { launcher, typed } from "../../spec/typed.ts";

const root = join(import.meta.dirname, "../..");
const commands = join(root, "cli/commands");
const width = 80;

let said = "";
let name = "./fleet";
const program = new Command("fleet")
  .enablePositionalOptions()
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .configureOutput({ ...helpOutput, getOutHelpWidth: () => width, writeOut: (text) => (said += fitted(text, { name, width })) });

beforeAll(async () => {
  for (const file of readdirSync(commands).filter((each) => each.endsWith(".ts"))) {
    const exported = file.slice(0, -".ts".length).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    ((await import(/* @vite-ignore */ join(commands, file))) as Record<string, Register>)[exported]!(program, async () => {});
  }
  grouped(program);
});

const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)];

function helpOf(command: Command): string {
  said = "";
  command.outputHelp();
  return said;
}

describe("every command's help", () => {
  test.for(["fleet", "./fleet", "npx fleet"])("fits 80 columns, and is typed as %s is", (typedName) => {
    name = typedName;
    const faults = all(program).flatMap((command) =>
      helpOf(command)
        .split("\n")
        .filter((line) => line.length > width || (/^Usage: |^ {2}(?:\.\/|npx )?fleet [a-z]/.test(line) && !line.includes(`${name} `)))
        .map((line) => `${command.name()}: ${line}`),
    );
    expect(faults).toEqual([]);
  });

  test("keeps every word of it", () => {
    name = "fleet";
    for (const command of all(program)) {
      let plain = "";
      const shown = helpOf(command);
      command.configureOutput({ writeOut: (text) => (plain += text) });
      command.outputHelp();
      const words = (text: string) => text.replaceAll("\\\n", "\n").split(/\s+/).join(" ");
      expect(words(shown)).toBe(words(plain));
    }
  });
});

describe("before the set-up", () => {
  const unready = { ...process.env, XDG_CACHE_HOME: "/nonexistent" };
  const typedWith = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(join(root, "fleet"), words, { env: unready, encoding: "utf8" });
    return { status, stdout, todo: stderr.includes("the set-up of this checkout is not done") };
  };

  test("the launcher shows the same help as the command itself (UPDATE_GOLDEN=1 writes it)", () => {
    const { stdout } = spawnSync(join(root, "fleet"), ["--help"], { encoding: "utf8" });
    const file = join(root, "setup/help.txt");
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, stdout);
    expect(stdout).toContain("Usage: ./fleet");
    expect(readFileSync(file, "utf8")).toBe(stdout);
    for (const words of [[], ["--help"], ["-h"], ["help"]]) expect(typedWith(...words)).toEqual({ status: 0, stdout, todo: true });
  });

  test("a single command's help is shown too; anything else says what to type", () => {
    expect(typedWith("down", "--help")).toEqual({ status: 0, stdout: expect.stringMatching(/^### fleet down\n[^#]+--purge/), todo: true });
    expect(typedWith("help", "down").stdout).toContain("--purge");
    for (const words of [["down"], ["nothing", "--help"], ["up", "practice"]])
      expect(typedWith(...words)).toEqual({ status: 3, stdout: "", todo: true });
  });
});

describe("what a message tells people to type", () => {
  test("is written in one way everywhere", () => {
    const names = readdirSync(commands).map((file) => file.slice(0, -".ts".length));
    const told = new RegExp(`next: .*[^-"'./]fleet (?:${names.join("|")})\\b|[^(]\\./fleet [a-z]+ `);
    // These are files: what is typed where they lie.
    const files = ["cli/init/", "cli/commands/init.ts", "cli/watch-unit.ts"];
    const sources = ["cli", "operations", "components", "provisioners", "spec", "pulumi", "machines", "policy"].flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: "utf8" }).map((file) => join(room, file)),
    );
    const faults = sources
      .filter((file) => file.endsWith(".ts") && !files.some((each) => file.startsWith(each)))
      .flatMap((file) =>
        readFileSync(join(root, file), "utf8")
          .split("\n")
          .filter((line) => !/^\s*(?:\/\/|\*|\/\*\*)/.test(line) && told.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    expect(faults).toEqual([]);
  });

  const path = "/usr/local/bin:/usr/bin";

  test.for([
    [undefined, "./fleet"],
    ["./fleet", "./fleet"],
    ["fleet", "./fleet"],
    ["../servers/fleet", "../servers/fleet"],
    ["/srv/our servers/fleet", "'/srv/our servers/fleet'"],
    ["/usr/local/bin/fleet", "fleet"],
    ["/srv/x/node_modules/.bin/fleet", "npx fleet"],
  ] as const)("%s is %s", ([FLEET_TYPED, expected]) => expect(launcher({ FLEET_TYPED, PATH: path })).toBe(expected));

  test("names the folder that was named", () => {
    expect(typed({ FLEET_TYPED: "./fleet", FLEET_CWD_TYPED: "../our-servers" })).toBe("./fleet --cwd ../our-servers");
  });
});
