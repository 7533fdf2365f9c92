// Every case is a stack file with the problems it must give, a line each, in a file of the same name: test/cases/stacks/.
// UPDATE_GOLDEN=1 writes what comes out; read the diff.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { problemsText, UserError } from "../../spec/problem.ts";
import { parseStack, readStack } from "../../spec/read.ts";
import { choices } from "../support/stack-roles.ts";

const folder = join(import.meta.dirname, "../cases/stacks");
const cases = readdirSync(folder)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => file.slice(0, -".yaml".length));

function problemsOf(text: string, file: string): string {
  try {
    parseStack(text, file, choices);
    return "";
  } catch (error) {
    if (error instanceof UserError) return `${problemsText(error.problems)}\n`;
    throw error;
  }
}

describe("stack files and their problems", () => {
  test("there are right and wrong ones", () => {
    expect(cases.filter((name) => name.startsWith("right-")).length).toBeGreaterThan(2);
    expect(cases.length).toBeGreaterThan(40);
  });

  for (const name of cases) {
    test(name, () => {
      const problems = problemsOf(readFileSync(join(folder, `${name}.yaml`), "utf8"), `stacks/Pulumi.${name}.yaml`);
      const golden = join(folder, `${name}.problems`);
      if (process.env.UPDATE_GOLDEN === "1") writeFileSync(golden, problems);
      expect(problems).toBe(readFileSync(golden, "utf8"));
      expect(problems === "").toBe(name.startsWith("right-"));
      expect(problems).not.toMatch(/hunter2|31337/);
    });
  }
});

const minimal = (rest = "", server = "{ roles: [nginx] }") =>
  `config:\n  contest-fleet:fleet:\n    team: t\n    target: practice\n    servers:\n      isu1: ${server}\n${rest}`;

describe("what a right stack file becomes", () => {
  test("defaults are filled in", () => {
    const { spec, secrets, files } = parseStack(minimal(), "stacks/Pulumi.x.yaml", choices, "/srv/stacks");
    expect(spec).toEqual({
      team: "t",
      members: [],
      keyUrl: "https://github.com/{user}.keys",
      admin: "fleet-admin",
      target: { kind: "practice", driver: "nspawn", image: "layered", release: "bookworm" },
      servers: { isu1: { roles: ["nginx"], port: 22, params: { nginx: { listen: 80, upstreams: {} } } } },
      params: {},
      files: "files",
      fileRules: [],
      guard: { paths: [], users: [], units: [] },
      archive: [],
      hooks: {},
      secrets: {},
    });
    expect(secrets).toEqual([]);
    expect(files).toBe("/srv/stacks/files");
  });

  test("a server's parameters are laid over the fleet's: maps merge, lists and values replace", () => {
    const shared = "    params:\n      nginx: { listen: 8080, upstreams: { app: [isu1], api: [isu1, isu1] } }\n";
    const server = "{ roles: [nginx], params: { nginx: { listen: 81, upstreams: { api: [] } } } }";
    const { spec } = parseStack(minimal(shared, server), "x.yaml", choices);
    expect(spec.servers.isu1?.params.nginx).toEqual({ listen: 81, upstreams: { app: ["isu1"], api: [] } });
    expect(spec.params.nginx).toEqual({ listen: 8080, upstreams: { app: ["isu1"], api: ["isu1", "isu1"] } });
  });

  test("secrets are placeholders, written as Pulumi secrets or, for practice, in the clear", () => {
    const rest = "    params:\n      mysql: { rootPassword: plain, users: { isucon: { password: { secure: v1:a:b } } } }\n";
    const { spec, secrets } = parseStack(minimal(rest, "{ roles: [mysql] }"), "x.yaml", choices);
    expect(spec.servers.isu1?.params.mysql).toEqual({
      rootPassword: "⟦secret:params.mysql.rootPassword⟧",
      users: { isucon: { password: "⟦secret:params.mysql.users.isucon.password⟧" } },
      settings: {},
    });
    expect(secrets).toEqual(["params.mysql.rootPassword", "params.mysql.users.isucon.password"]);
    expect(JSON.stringify(spec)).not.toContain("plain");
  });

  test("a key that names nothing of ours reaches no prototype", () => {
    const rest = '    params:\n      "__proto__": { polluted: true }\n      constructor: {}\n';
    expect(() => parseStack(minimal(rest), "x.yaml", choices)).toThrow("x.yaml:8:7 yaml: expected a plain key");
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(() => parseStack(minimal("    params: { constructor: {} }\n"), "x.yaml", choices)).toThrow("params.constructor: unknown role");
  });

  test("files are named from where the command runs; an absent one says so", () => {
    expect(readStack(join(folder, "right-inventory.yaml"), choices)).toMatchObject({
      file: "test/cases/stacks/right-inventory.yaml",
      files: join(folder, "files"),
      secrets: ["servers.isu1.password"],
    });
    const absent = "stacks/Pulumi.nobody.yaml: expected a stack file, got no such file; next: ./fleet docs stack-file";
    expect(() => readStack("stacks/Pulumi.nobody.yaml", choices)).toThrow(absent);
  });

  test("a folder that the file names is there; a mistyped one would take the team's files off every server", () => {
    const stacks = mkdtempSync(join(tmpdir(), "stacks-"));
    const file = join(stacks, "Pulumi.x.yaml");
    const reasonFor = (files: string): string => {
      writeFileSync(file, minimal(files && `    files: ${files}\n`));
      try {
        return readStack(file, choices).files.slice(stacks.length + 1);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        return error.problems.map(({ at, path, reason }) => `${at.slice(stacks.length + 1)} ${path}: ${reason}`).join("\n");
      }
    };
    try {
      mkdirSync(join(stacks, "files-team-a"));
      mkdirSync(join(stacks, "files/team-b"), { recursive: true });
      writeFileSync(join(stacks, "notes"), "");
      expect(reasonFor("files-team-a")).toBe("files-team-a");
      expect(reasonFor("files/team-b")).toBe("files/team-b");
      const lead = "Pulumi.x.yaml:7:12 files: expected a folder beside the stack file, got";
      expect(reasonFor("files-teama")).toBe(`${lead} no such folder; did you mean \`files-team-a\`?`);
      expect(reasonFor("files/teamb")).toBe(`${lead} no such folder; did you mean \`files/team-b\`?`);
      const make = "make it, with `common/` or `<server>/` in it, or leave `files` out";
      expect(reasonFor("overlays/x")).toBe(`${lead} no such folder; ${make}`);
      expect(reasonFor("notes")).toBe(`${lead} a file; ${make}`);
      rmSync(join(stacks, "files"), { recursive: true });
      expect(reasonFor("")).toBe("files");
    } finally {
      rmSync(stacks, { recursive: true });
    }
  });

  test("parameters named like what every object has are data", () => {
    const rest = "    params:\n      app: { env: { toString: a } }\n";
    const { spec } = parseStack(minimal(rest, "{ roles: [app], params: { app: { env: { valueOf: b } } } }"), "x.yaml", choices);
    expect(spec.servers.isu1?.params.app).toEqual({ env: { toString: "a", valueOf: "b" } });
  });

  test("Windows line ends and wide characters do not move positions", () => {
    const text = minimal("    # 日本語\r\n    admin: Ünsafe\r\n").replaceAll(/\r?\n/g, "\r\n");
    expect(() => parseStack(text, "x.yaml", choices)).toThrow("x.yaml:8:12 admin: expected a user name");
  });
});
