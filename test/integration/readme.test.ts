// The README's commands, typed in a fresh clone by somebody whose home is empty: page and product can't part. Up to the point where servers
// would be needed.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkout } from "../../provisioners/stack.ts";

const readme = readFileSync(join(checkout, "README.md"), "utf8");
const place = mkdtempSync(join(tmpdir(), "fleet-readme-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** What git would hand over, as it is now. Its packages are those of this checkout. */
function clone(name: string): string {
  const folder = join(place, name);
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: checkout, encoding: "utf8" });
  for (const file of files.split("\0").filter((each) => each !== "" && !each.startsWith("test/"))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(checkout, file), join(folder, file));
  }
  symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** The commands of the chapter's first block, without what needs servers or an account. */
function typed(chapter: string): readonly string[] {
  const [, block = ""] = /```\n([\s\S]*?)```/.exec(readme.slice(readme.indexOf(chapter))) ?? [];
  const lines = block.split("\n").map((line) => line.replace(/ +#.*$/, "").trim());
  return lines.filter((line) => line !== "" && !/^\.\/fleet (?:preview|up|verify|down|ssh)\b|--quota/.test(line));
}

/** By one shell; Pulumi's questions for secrets are answered. */
function type(folder: string, lines: readonly string[]) {
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  const answering = 'pulumi() { printf "of the organiser\\n" | command pulumi "$@"; }';
  const { status, stdout, stderr } = spawnSync("sh", ["-c", ["set -e", answering, ...lines].join("\n")], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache") },
  });
  return { code: status, said: `${stdout}${stderr}`, stdout };
}

test("the first step of the day works as typed: a stack, its secrets, and a stack file without a problem", () => {
  const lines = typed("**1. Write the stack file.**");
  expect(lines.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
    "cp stacks/samples/Pulumi.handed-out.yaml",
    "export PULUMI_CONFIG_PASSPHRASE=…",
    'eval "$(./fleet',
    "pulumi stack",
    "for server",
    "./fleet check",
  ]);
  const { code, said } = type(clone("day"), lines);
  expect(code, said).toBe(0);
  expect(said).toContain("team-a: no problems");
});

test("without the passwords, check says what to type for each, and that is all there is to do", () => {
  const folder = clone("asked");
  const lines = typed("**1. Write the stack file.**").filter((line) => !line.startsWith("for "));
  const { code, said } = type(folder, lines);
  expect(code, said).toBe(2);
  const commands = [...said.matchAll(/; next: (pulumi config set .*)$/gm)].map(([, command = ""]) => command);
  expect(commands).toHaveLength(3);
  const entered = lines.slice(1, 3);
  const again = type(folder, [...entered, ...commands, "./fleet check team-a"]);
  expect(again.code, again.said).toBe(0);
});

test("the way to AWS works as typed, as far as no account is asked", () => {
  const lines = typed("## On AWS");
  expect(lines).toContain("pulumi stack init team-a");
  const { code, said } = type(clone("aws"), lines);
  expect(code, said).toBe(0);
  expect(said).toContain("team-a: no problems");
});

test("a shell gets what Pulumi needs whatever is wrong with a stack file, or with files that it lays over", () => {
  const folder = clone("env");
  mkdirSync(join(folder, "stacks/files/web7"), { recursive: true });
  const { code, said } = type(folder, ["echo 'config: {' >> stacks/Pulumi.practice.yaml", 'eval "$(./fleet env)"', "pulumi stack ls"]);
  expect(code, said).toBe(0);
});
