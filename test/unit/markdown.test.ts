// Previews for pull requests: out of real previews of the engine, in as many comments as GitHub needs, and never with a secret.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type EngineDigest, previewOf } from "../../cli/preview/engine.ts";
import { digestOf } from "../../cli/preview/events.ts";
import { compare } from "../../cli/preview/files.ts";
import { markdown, marker } from "../../cli/preview/markdown.ts";
import { failedPreview, type StackPreview } from "../../cli/preview/model.ts";
import { masked, maskOf, openSecretOf, reopened, stateSecrets } from "../../cli/preview/redaction.ts";
import { reportsOf } from "../../cli/reports.ts";
import type { Facts } from "../../provisioners/engine/facts.ts";
import { late, resolvePlaceholders } from "../../provisioners/engine/placeholders.ts";
import { expandRole, planFleet, rolesOf } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { escapes } from "../../templates/escape.ts";
import { expectGolden } from "../support/golden.ts";

const stackText = (params: string) => `config:
  contest-fleet:fleet:
    team: trial
    target: practice
    servers:
      isu1: { roles: [base, memcached], cores: 1, memory: 1GiB }
    params: ${params}
`;
const plan = (params = "{}") =>
  planFleet(parseStack(stackText(params), "trial.yaml", choices).spec, {
    stack: "trial",
    cores: 2,
    architecture: "amd64",
    overlays: { isu1: [] },
  });
const expansion = (params?: string) => {
  const of = plan(params);
  const server = of.servers[0]!;
  return {
    plan: of,
    wants: { isu1: Object.fromEntries(rolesOf(server).map((role) => [role, expandRole(of, server, role, server.declared as Facts)])) },
  } as unknown as Parameters<typeof compare>[1];
};

/** What `pulumi preview --json` printed for a server that was changed by hand, and whose stack file was changed too. */
const digest = (name: string): EngineDigest =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../golden/markdown/${name}.digest.json`), "utf8"));

describe("a preview of the engine", () => {
  test("tells drift from what was planned, down to the line", () => {
    const preview = previewOf(plan(), digest("drift"));
    expect(preview.counts).toEqual({ create: 0, update: 2, replace: 0, delete: 0 });
    const causes = preview.servers[0]!.items.map(({ address, cause }) => [address, cause]);
    expect(causes).toEqual([
      ["file[/etc/default/locale]", "drift"],
      ["sysctl[base]", "planned"],
      ["file[/etc/memcached.conf]", "both"],
    ]);
    expectGolden("markdown/drift.md", markdown([preview], { notes: [] }).join("\n"));
  });

  test("says which server could not be looked at, and why", () => {
    const preview = previewOf(plan(), digest("unreachable"));
    expect(preview.servers[0]?.unreachable).toContain("refused the connection");
    const [text] = markdown([preview], { notes: [] });
    expect(text).toContain("<b>isu1</b>: could not be reached");
    expectGolden("markdown/unreachable.md", text!);
  });

  test("counts what stands in the state's way: other teams, failures, what does not change", () => {
    const still: StackPreview = { ...previewOf(plan(), { steps: [] }), stack: "still", team: "still" };
    const failed = failedPreview("team-x", "stacks/Pulumi.team-x.yaml: 1 problem", "servers");
    const [text] = markdown([previewOf(plan(), digest("drift")), failed, still, still], { notes: ["A note."] });
    expect(text).toContain("## Preview: 1 of 4 teams changes, 1 failed\n\n> A note.");
    expect(text).toContain("| team-x (failed) | – | – | – | – | ? | ? |");
    expect(text).toContain("| 2 teams without a change | 0 | 0 | 0 | 0 | 0.0000 | 0 |");
  });
});

test("the engine's events are read as steps, with secrets hidden, whatever else stands between them", () => {
  const hidden = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "[secret]" };
  const now = { type: "t", inputs: { host: "isu1", connection: { privateKey: hidden } } };
  const events = [
    { resourcePreEvent: { metadata: { op: "create", urn: roleUrn, old: null, new: now, detailedDiff: null } } },
    { diagnosticEvent: { urn: roleUrn, severity: "warning", message: "<{%fg 3%}>warning: isu1: no answer<{%reset%}>" } },
    { summaryEvent: { resourceChanges: { create: 1 } } },
  ];
  expect(digestOf(`a plugin speaks\n${events.map((event) => JSON.stringify(event)).join("\n")}\n`)).toEqual({
    steps: [
      {
        op: "create",
        urn: roleUrn,
        detailedDiff: null,
        newState: { type: "t", inputs: { host: "isu1", connection: { privateKey: "[secret]" } } },
      },
    ],
    diagnostics: [{ urn: roleUrn, severity: "warning", message: "warning: isu1: no answer" }],
    changeSummary: { create: 1 },
  });
});

describe("a preview of files", () => {
  test("shows what a change of the stack file changes on each server", () => {
    const preview = compare("trial", expansion(), expansion("{ memcached: { memory: 99 } }"));
    expect(preview).toMatchObject({ against: "files", counts: { create: 0, update: 1, replace: 0, delete: 0 } });
    expect(preview.servers[0]?.items).toEqual([
      {
        address: "file[/etc/memcached.conf]",
        role: "memcached",
        operation: "update",
        cause: "planned",
        lines: expect.arrayContaining(["+-m 99"]),
      },
    ]);
  });

  test("shows a stack that comes, one that goes, and nothing where nothing changes", () => {
    expect(compare("trial", undefined, expansion()).counts).toEqual({ create: 3, update: 0, replace: 0, delete: 0 });
    expect(compare("trial", expansion(), undefined).counts).toEqual({ create: 0, update: 0, replace: 0, delete: 3 });
    const same = compare("trial", expansion(), expansion());
    expect([same.servers, same.shared]).toEqual([[], []]);
  });
});

const item = (lines: readonly string[]) =>
  ({ address: "file[/etc/x]", role: "base", operation: "update", cause: "planned", lines }) as const;
const team = (name: string, servers: StackPreview["servers"]): StackPreview => ({
  stack: name,
  team: name,
  against: "servers",
  counts: { create: 0, update: 1, replace: 0, delete: 0 },
  price: { perHour: 0.5, change: -0.25 },
  servers,
  shared: [],
  notes: [],
});

describe("comments", () => {
  const line = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.constantFrom("```", "````diff", "</details>", "é".repeat(400), "x".repeat(5_000)),
  );
  const previews = fc.array(
    fc
      .array(fc.array(line, { minLength: 1, maxLength: 60 }), { maxLength: 4 })
      .map((all) => all.map((lines, index) => ({ name: `isu${index}`, items: [item(lines.map((text) => `+${text}`)), item(["+a"])] }))),
    { minLength: 1, maxLength: 12 },
  );

  test("stay under the limit, keep the table whole, open and close what they open, and are numbered", () => {
    fc.assert(
      fc.property(previews, fc.constantFrom(24_000, 30_000, 65_536), (all, limit) => {
        const comments = markdown(
          all.map((servers, index) => team(`team-${index}`, servers)),
          { notes: [], limit },
        );
        for (const [index, comment] of comments.entries()) {
          expect(Buffer.byteLength(comment)).toBeLessThanOrEqual(limit);
          expect(comment.startsWith(`${marker(index + 1)}\n`)).toBe(true);
          let fence = "";
          let folded = 0;
          for (const each of comment.split("\n")) {
            const [run = ""] = /^`{3,}/.exec(each) ?? [];
            if (fence === "" && run !== "") fence = run;
            else if (fence !== "" && each === fence) fence = "";
            else if (fence === "") folded += Number(each.startsWith("<details>")) - Number(each === "</details>");
          }
          expect([fence, folded]).toEqual(["", 0]);
        }
        for (const index of all.keys()) expect(comments[0]).toContain(`| team-${index} | 0 | 1 | 0 | 0 | 0.5000 | −0.2500 |`);
      }),
      { numRuns: 60 },
    );
  });

  test("hundreds of teams keep their table in the first comment", () => {
    const many = Array.from({ length: 500 }, (_, index) => team(`team-${index}`, [{ name: "isu1", items: [item(["+a"])] }]));
    const comments = markdown(many, { notes: [] });
    expect(comments[0]?.match(/^\| team-\d+ \|/gm)).toHaveLength(500);
    expect(comments.slice(1).join("")).not.toMatch(/^\| team/m);
  });
});

const base64 = (text: string) => Buffer.from(text).toString("base64");
const encodings: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  base64,
  "base64 in a longer text": (text) => base64(`x${text}yz`),
  base64url: (text) => Buffer.from(text).toString("base64url"),
  url: encodeURIComponent,
  form: (text) => new URLSearchParams({ a: text }).toString().slice(2),
  json: (text) => JSON.stringify(text).slice(1, -1),
  html: (text) => text.replace(/[&<>"']/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char] ?? "&#39;"),
  "html numbers": (text) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`),
  hex: (text) => Buffer.from(text).toString("hex"),
  sql: (text) => text.replaceAll("'", "''"),
  shell: (text) => `'${text.replaceAll("'", `'\\''`)}'`,
  ...escapes,
  "json of env": (text) => JSON.stringify(escapes.env(text)).slice(1, -1),
};

/** No ordinary word, so that finding it means it leaked. */
const secretText = fc
  .tuple(fc.string({ unit: fc.constantFrom(..."abXY01!\"'$`\\&<>%+/= #é🔑"), minLength: 6, maxLength: 40 }), fc.nat({ max: 99_999 }))
  .map(([text, number]) => `q${number}Z${text.trim()}7w`);

const roleUrn = "urn:pulumi:trial::contest-fleet::fleet:index:TeamFleet$fleet:index:Host$fleet:index:Role::trial-isu1-base";

describe("no secret", () => {
  const state = (content: string) => {
    const resources = { "file[/etc/x]": { path: "/etc/x", content, mode: "0640" } };
    return { type: "fleet:index:Role", inputs: { host: "isu1", role: "base", resources }, outputs: { resources } };
  };
  const shown = (there: string, wanted: string, secrets: readonly string[], operation = "update", said = "") => {
    const steps = [
      { op: "refresh", urn: roleUrn, oldState: state(wanted), newState: state(wanted) },
      { op: operation, urn: roleUrn, ...(operation === "update" && { oldState: state(there) }), newState: state(wanted) },
    ];
    const diagnostics = [{ severity: "warning", message: `warning: could not read ${said}` }];
    const preview = masked(previewOf(plan(), { steps, diagnostics, changeSummary: { [operation]: 1 } }), maskOf(secrets));
    return markdown([preview], { notes: [] }).join("\n") + JSON.stringify(preview);
  };
  const leaks = (text: string, secret: string) =>
    Object.entries(encodings)
      .filter(([name, encode]) => name !== "base64 in a longer text" && text.includes(encode(secret)))
      .map(([name]) => name);

  test("is shown, in whatever form a template has written it", () => {
    fc.assert(
      fc.property(
        secretText,
        fc.constantFrom(...Object.keys(encodings)),
        fc.constantFrom("update", "create"),
        (secret, name, operation) => {
          const written = `first\nPASSWORD=${encodings[name]!(secret)}\nlast\n`;
          const text = shown(`by hand\n${written}`, operation === "create" ? written : "first\nlast\n", [secret], operation, written);
          expect(leaks(text, secret)).toEqual([]);
          expect(text).not.toContain(base64(`x${secret}yz`));
        },
      ),
      { numRuns: 400 },
    );
  });

  test("is shown that nobody told the fleet of, where a file holds another one", () => {
    fc.assert(
      fc.property(secretText, secretText, fc.constantFrom(...Object.keys(escapes)), (known, foreign, quoting) => {
        const wanted = `user = x\npassword = "${escapes[quoting as keyof typeof escapes](late("secret", "p"))}"\nport = 1\n`;
        const there = resolvePlaceholders(wanted, { "secret:p": foreign }).replace("port = 1", "port = 2");
        const text = shown(there, wanted, [known]);
        expect(text).not.toContain(foreign);
        expect(text).toContain("[not shown: stands beside a secret]");
        expect(text).toContain("+port = 1");
      }),
    );
  });

  test("is left of what the state keeps encrypted; addresses in a secret connection are none", () => {
    const secret = (value: unknown) => ({
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      plaintext: JSON.stringify(value),
    });
    const connection = {
      address: "10.0.0.1",
      user: "isucon",
      password: "hunter2",
      privateKey: "k".repeat(40),
      hostKey: "ssh-ed25519 AAAA",
    };
    expect(stateSecrets({ resources: [{ outputs: { connection: secret(connection), token: secret("abcd") } }] })).toEqual([
      "hunter2",
      "k".repeat(40),
      "abcd",
    ]);
  });
});

describe("a password that is its user's name, which the engine hides in every path", () => {
  test("is told by the stack file, also beside other secrets", () => {
    expect(openSecretOf(["isucon", "isucon"], new Set(["isucon", "isu1"]))).toEqual({ word: "isucon", alone: true });
    expect(openSecretOf(["isucon", "hunter2"], new Set(["isucon"]))).toEqual({ word: "isucon", alone: false });
    expect(openSecretOf(["isucon", "nginx"], new Set(["isucon", "nginx"]))).toBeUndefined();
    expect(openSecretOf(["hunter2"], new Set(["isucon"]))).toBeUndefined();
    expect(openSecretOf([], new Set(["isucon"]))).toBeUndefined();
  });

  test("is put back in paths and lines, and stays hidden where it is the password", () => {
    const digest = { "file[/home/[secret]/x]": { content: "[secret] ALL=(ALL)\n", list: ["/home/[secret]"], password: "[secret]" } };
    expect(reopened(digest, { word: "isucon", alone: true })).toEqual({
      "file[/home/isucon/x]": { content: "isucon ALL=(ALL)\n", list: ["/home/isucon"], password: "[secret]" },
    });
    expect(reopened(digest, undefined)).toBe(digest);
  });

  test.for([
    ["ssh://[secret]@192.0.2.1/home/[secret]/app.git", "ssh://isucon@192.0.2.1/home/isucon/app.git"],
    ["mysql://[secret]:[secret]@db/app", "mysql://isucon:[secret]@db/app"],
    ["DB_PASSWORD=[secret]", "DB_PASSWORD=[secret]"],
    ["IDENTIFIED BY '[secret]'", "IDENTIFIED BY '[secret]'"],
    ["owner is `root`, wanted `[secret]`", "owner is `root`, wanted `isucon`"],
    ['resources["git[/home/[secret]/webapp]"].owner', 'resources["git[/home/isucon/webapp]"].owner'],
  ] as const)("in %s", ([said, shown]) => {
    for (const alone of [true, false]) expect(reopened(said, { word: "isucon", alone })).toBe(shown);
  });

  test("beside other secrets, nothing that is assigned is told to be the name", () => {
    expect(reopened("TOKEN_OF_US: [secret]\nX=[secret]", { word: "isucon", alone: false })).toBe("TOKEN_OF_US: [secret]\nX=[secret]");
  });

  test("stands in previews, the history of an up and verify as the name, on one line a resource", () => {
    const urn = "urn:pulumi:t::contest-fleet::fleet:index:TeamFleet$fleet:index:Role::t-isu1-app";
    const address = "git[/home/[secret]/webapp]";
    const state = (resources: object, outputs = {}) => ({
      ...{ type: "fleet:index:Role", custom: true },
      inputs: {
        host: "isu1",
        role: "app",
        resources,
        password: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "[secret]" },
      },
      outputs: { resources, ...outputs },
    });
    const want = { path: "/home/[secret]/webapp", owner: "[secret]", group: "[secret]", repository: "ssh://[secret]@git/app" };
    const failed = [`${address}: ssh://[secret]@git/app: no such repository`];
    const detailedDiff = { [`resources[${JSON.stringify(address)}]`]: { kind: "ADD" } };
    const metadata = {
      op: "update",
      urn,
      type: "fleet:index:Role",
      detailedDiff,
      old: state({}, { failed }),
      new: state({ [address]: want }),
    };
    const found = digestOf(JSON.stringify({ sequence: 1, timestamp: 1, resourcePreEvent: { metadata } }), { word: "isucon", alone: false });
    const [item] = previewOf(plan(), found).servers[0]!.items;
    expect(item).toMatchObject({
      address: "git[/home/isucon/webapp]",
      lines: ["+owner: isucon", "+group: isucon", "+repository: ssh://isucon@git/app"],
    });
    expect(reportsOf(found).flatMap(({ results }) => results)).toEqual([
      {
        ...{ address: "git[/home/isucon/webapp]", outcome: "failed", changes: ["is not done yet"] },
        reason: "the last run: ssh://isucon@git/app: no such repository",
      },
    ]);
    expect(found.steps[0]?.newState?.inputs?.password).toBe("[secret]");
  });
});
