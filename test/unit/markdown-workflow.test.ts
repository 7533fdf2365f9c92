// The workflow around the preview: who gets which rights, and that comments are updated in place.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { marker } from "../../cli/preview/markdown.ts";
import { environments, trustOf } from "../../iam/trust.ts";

const github = join(import.meta.dirname, "../../.github");
const textOf = (name: string): string => readFileSync(join(github, "workflows", `${name}.yml`), "utf8");

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface Workflow {
  readonly on: unknown;
  readonly permissions: object;
  readonly jobs: Readonly<
    Record<string, { readonly if: string; readonly permissions: object; readonly environment?: string; readonly steps: readonly Step[] }>
  >;
}
const workflow = (name: string): Workflow => parse(textOf(name));

describe("workflows", () => {
  test("a fork's code meets no secret and no right to write", () => {
    const { on, permissions, jobs } = workflow("preview");
    expect(on).toBe("pull_request");
    expect(permissions).toEqual({});
    expect(jobs.files!.permissions).toEqual({ contents: "read" });
    expect(JSON.stringify(jobs.files)).not.toMatch(/secrets|github\.token/);
    expect(jobs.servers!.permissions).toEqual({ contents: "read", "id-token": "write", "pull-requests": "write" });
    expect(jobs.servers!.if).toContain("head.repo.full_name == github.repository");
  });

  test.for([
    ["preview", "servers", "look"],
    ["reap", "reap", "teardown"],
    ["night", "night", "operator"],
  ] as const)(
    "%s meets AWS by a token of its own environment, which the role's trust policy names, and by no key",
    ([name, job, persona]) => {
      const { jobs } = workflow(name);
      expect(jobs[job]!.environment).toBe(environments[persona]);
      expect(textOf(name)).not.toMatch(/AWS_(?:SECRET_)?ACCESS_KEY/);
      const trust = JSON.stringify(trustOf("123456789012", { repository: "event/servers", persona }));
      expect(trust).toContain(`"token.actions.githubusercontent.com:sub":"repo:event/servers:environment:${jobs[job]!.environment}"`);
      expect(trust).not.toMatch(/StringLike|\*/);
    },
  );

  test("the commenting one runs nothing of the fork's", () => {
    const { permissions, jobs } = workflow("preview-comment");
    expect(permissions).toEqual({});
    const checkouts = jobs.comment!.steps.filter(({ uses }) => uses?.startsWith("actions/checkout"));
    expect(checkouts).toHaveLength(1);
    expect(JSON.stringify(checkouts)).not.toContain("ref");
    expect(JSON.stringify(jobs.comment!.steps.map(({ run }) => run))).not.toMatch(/npm|node|\$\{\{/);
  });

  test.for(["preview", "preview-comment", "reap", "night"])("%s pins its actions", (name) => {
    const used = Object.values(workflow(name).jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((each) => !/^(?:aws-)?actions\/[a-z-]+@[0-9a-f]{40}$/.test(each))).toEqual([]);
    expect(textOf(name)).not.toContain("pull_request_target");
  });
});

describe("comments", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-comments-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  // Answers the list with what jq would make of it, and writes down everything else.
  const gh = '#!/bin/sh\ncase $* in *--paginate*) printf "%s\\n" "$THERE" | sed "/^$/d" ;; *) printf "%s\\n" "$*" >> "$CALLS" ;; esac\n';
  writeFileSync(join(folder, "gh"), gh);
  chmodSync(join(folder, "gh"), 0o755);
  const send = (there: string, files: number): readonly string[] => {
    const [file, calls] = [join(folder, "preview.md"), join(folder, "calls")];
    for (const name of [file, `${file}.2`, `${file}.3`, calls]) rmSync(name, { force: true });
    for (let number = 1; number <= files; number++) writeFileSync(number === 1 ? file : `${file}.${number}`, marker(number));
    writeFileSync(calls, "");
    const env = { PATH: `${folder}:${process.env.PATH}`, GITHUB_REPOSITORY: "o/r", PULL_REQUEST: "7", THERE: there, CALLS: calls };
    const { status, stderr } = spawnSync(join(github, "comment.sh"), [file], { encoding: "utf8", env });
    expect([status, stderr]).toEqual([0, ""]);
    return readFileSync(calls, "utf8").trim().replaceAll(`${folder}/`, "").split("\n");
  };

  test("are new at first", () => {
    expect(send("", 2)).toEqual([
      "api --silent -X POST repos/o/r/issues/7/comments -F body=@preview.md",
      "api --silent -X POST repos/o/r/issues/7/comments -F body=@preview.md.2",
    ]);
  });

  test("of a fork are ten at most, say whose they are, and call nobody", () => {
    const [file, calls] = [join(folder, "fork.md"), join(folder, "calls")];
    for (let number = 1; number <= 12; number++)
      writeFileSync(
        number === 1 ? file : `${file}.${number}`,
        number === 2 ? "no marker, @everyone\n" : `${marker(number)}\nhello @octocat\n`,
      );
    // Keeps what it was sent: the file is gone afterwards.
    const keeps =
      '#!/bin/sh\ncase $* in *--paginate*) ;; *) for a; do case $a in body=@*) cat "${a#body=@}" >> "$CALLS"; echo ---- >> "$CALLS" ;; esac; done ;; esac\n';
    writeFileSync(join(folder, "gh"), keeps);
    writeFileSync(calls, "");
    const env = { PATH: `${folder}:${process.env.PATH}`, GITHUB_REPOSITORY: "o/r", PULL_REQUEST: "7", CALLS: calls, FROM_FORK: "1" };
    const { status, stderr } = spawnSync(join(github, "comment.sh"), [file], { encoding: "utf8", env });
    writeFileSync(join(folder, "gh"), gh);
    expect([status, stderr]).toEqual([0, ""]);
    const sent = readFileSync(calls, "utf8").split("----\n").slice(0, -1);
    expect(sent).toHaveLength(10);
    for (const [at, body] of sent.entries()) {
      expect(body.split("\n").slice(0, 2)).toEqual([marker(at + 1).split("\n")[0], "> Made by the code of a fork: it may say anything."]);
      expect(body).not.toMatch(/@[a-z]/);
      expect(body.match(/contest-fleet preview/g)).toHaveLength(1);
    }
    expect(textOf("preview-comment")).toContain('FROM_FORK: "1"');
  });

  test("are changed in place, and what is too many goes", () => {
    expect(send("1 100\n2 101\n3 102", 2)).toEqual([
      "api --silent -X PATCH repos/o/r/issues/comments/100 -F body=@preview.md",
      "api --silent -X PATCH repos/o/r/issues/comments/101 -F body=@preview.md.2",
      "api --silent -X DELETE repos/o/r/issues/comments/102",
    ]);
  });

  test("are found by the marker that previews begin with", () => {
    const pattern = /capture\("(.*?)"\)/.exec(readFileSync(join(github, "comment.sh"), "utf8"))?.[1] ?? "";
    expect(new RegExp(pattern).exec(marker(12))?.groups?.number).toBe("12");
  });
});
