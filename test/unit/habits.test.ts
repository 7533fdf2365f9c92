// The files that people and their tools look for in a project: there, well-formed, and true of this one.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const workflows = readdirSync(join(root, ".github/workflows"));

test("the licence that package.json names is there, whole", () => {
  expect(JSON.parse(read("package.json")).license).toBe("Apache-2.0");
  expect(read("LICENSE")).toMatch(/Apache License\s+Version 2\.0, January 2004[\s\S]*END OF TERMS AND CONDITIONS/);
});

test("the change log begins with what is not released yet, each change under its kind", () => {
  const [, unreleased = ""] = /^# Changes\n\n## Unreleased\n\n(### [\s\S]*?)(?:\n## |$)/.exec(read("CHANGELOG.md")) ?? [];
  expect(unreleased.match(/^- /gm)?.length).toBeGreaterThan(0);
  expect([...unreleased.matchAll(/^#.*$/gm)].map(String)).toEqual(["### Added", "### Changed", "### Fixed", "### Security"]);
});

describe("workflows", () => {
  test.for(workflows)("%s runs actions by commit alone, each with its version beside it", (file) => {
    const lines = read(`.github/workflows/${file}`)
      .split("\n")
      .filter((line) => /^\s*(?:- )?uses:/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => !/uses: [a-z-]+\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  test("one action has one commit in all of them", () => {
    const used = workflows.flatMap((file) => [...read(`.github/workflows/${file}`).matchAll(/uses: (\S+)@(\S+)/g)]);
    const versions = new Map<string, Set<string>>();
    for (const [, action = "", commit = ""] of used) versions.set(action, (versions.get(action) ?? new Set()).add(commit));
    expect([...versions].filter(([, commits]) => commits.size > 1).map(([action]) => action)).toEqual([]);
  });

  test("pull requests are checked, with a right to read alone", () => {
    const { on, permissions, jobs } = parse(read(".github/workflows/check.yml"));
    expect(Object.keys(on)).toContain("pull_request");
    expect(permissions).toEqual({ contents: "read" });
    expect(jobs.check.steps.map(({ run }: { run?: string }) => run)).toContain("npm run check");
  });
});

test("forms, owners and updates are well-formed", () => {
  for (const file of readdirSync(join(root, ".github/ISSUE_TEMPLATE")))
    expect(parse(read(`.github/ISSUE_TEMPLATE/${file}`)), file).toBeTypeOf("object");
  expect(parse(read(".github/dependabot.yml")).updates).toHaveLength(2);
  expect(read(".github/CODEOWNERS")).toMatch(/^\*\s+@/m);
  expect(read("SECURITY.md")).toContain("Report a vulnerability");
});

test("editors bind the schema to stack files, and find it", () => {
  const { "yaml.schemas": schemas } = JSON.parse(read(".vscode/settings.json")) as {
    readonly "yaml.schemas": Readonly<Record<string, readonly string[]>>;
  };
  expect(Object.values(schemas).flat()).toContain("stacks/Pulumi.*.yaml");
  expect(Object.keys(schemas).filter((file) => !existsSync(join(root, file)))).toEqual([]);
  expect(read(".editorconfig")).toContain("indent_size = 2");
});

test("a commit's id has the same digits wherever one is shown", () => {
  const rooms = ["cli", "operations", "provisioners", "pulumi", "components"];
  const lines = rooms.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) =>
        read(`${room}/${file}`)
          .split("\n")
          .map((line) => `${room}/${file}: ${line.trim()}`),
      ),
  );
  const shown = lines.filter((line) => /format=.*%h\b|--short\b.*HEAD|"--short|--abbrev=|rev-parse.*--short/.test(line));
  expect(shown.length).toBeGreaterThan(6);
  expect(shown.filter((line) => !line.includes("{shortLength}"))).toEqual([]);
  expect(lines.filter((line) => /commit\??\.slice\(/.test(line) && !/shortLength|shortest/.test(line))).toEqual([]);
});
