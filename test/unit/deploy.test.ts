// What may be deployed, where a rollback leads, and what the stack file says afterwards; the scripts on real repositories of this computer.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Balancer } from "../../operations/balance/drain.ts";
import { groupsIn } from "../../operations/balance/nginx.ts";
import { Aside, placesBeside } from "../../operations/deploy/aside.ts";
import { type BuildWish, buildHere } from "../../operations/deploy/build-here.ts";
import { followedBy, type Looked, refuseOutrun, refuseUnfit, rollbackTarget, targetOf } from "../../operations/deploy/decide.ts";
import { refsAfter, type Told } from "../../operations/deploy/deploy.ts";
import { LocalRepository } from "../../operations/deploy/local.ts";
import { onceScript } from "../../operations/deploy/once.ts";
import { followedIn, refsIn, withRefs } from "../../operations/deploy/pin.ts";
import { type Place, placesOf, wantsAt } from "../../operations/deploy/places.ts";
import { pinnedLine, reasonsOf } from "../../operations/deploy/reasons.ts";
import { type Deployed, recordsIn, short, subjectIn, trailOf } from "../../operations/deploy/records.ts";
import { type CheckoutSeen, checkoutIn, lookScript, receiveScript, recordScript } from "../../operations/deploy/scripts.ts";
import { settingsIn } from "../../operations/deploy/settings.ts";
import { checksOf, hearing } from "../../operations/deploy/turn.ts";
import { leftBehind } from "../../operations/deploy/without.ts";
import { repositoryFinding } from "../../operations/doctor/repository.ts";
import type { FleetServer } from "../../operations/fleet-up.ts";
import type { OpenServers } from "../../operations/on-servers.ts";
import { HostError, type Shell } from "../../provisioners/engine/shell.ts";
import type { Command } from "../../provisioners/engine/shell-quote.ts";
import { GitWant } from "../../provisioners/resources/git.ts";
import { UserError } from "../../spec/problem.ts";

const id = (letter: string): string => letter.repeat(40);
const [a, b, c] = [id("a"), id("b"), id("c")];

const server = (name: string): FleetServer =>
  ({
    name,
    roles: ["app"],
    remembered: [
      {
        urn: `urn:pulumi:t::p::fleet:index:Role::${name}-app`,
        inputs: {
          role: "app",
          resources: {
            "git[/srv/app]": { path: "/srv/app", repository: "/srv/app.git", ref: "main", owner: "root", group: "root", force: false },
            "check[app-8080]": { name: "app-8080", port: { port: 8080 }, deadline: 30 },
            "block[/env]": { content: "PASS=\u27e6secret:x\u27e7" },
          },
          late: { "secret:x": "s3" },
        },
        outputs: {},
      },
    ],
  }) as unknown as FleetServer;

const place = (name = "isu1"): Place => placesOf([server(name)], "t")[0]!;
const looked = (name: string, seen: Partial<CheckoutSeen> = {}): Looked => ({
  place: place(name),
  seen: { head: a, runs: "r", edited: [], own: 0, subject: "s", lost: [], records: [], target: b, ...seen },
});
const record = (more: Partial<Deployed>): Deployed => ({
  ...{ at: "2026-11-29T10:00:00.000Z", who: "ada@x", what: "deploy", commit: b, ref: "main", subject: "s", before: a, result: "done" },
  ...more,
});

test("what the stack file says of a deploy; a mistake in it is told", () => {
  const text = (deploy: string) =>
    `config:\n  contest-fleet:fleet:\n    params:\n      app:\n        environmentFile: /etc/app.env\n        deploy: ${deploy}\n`;
  expect(settingsIn(text("{ before: make migrate }"), ["isu1"])).toEqual({
    before: "make migrate",
    files: [],
    environmentFile: "/etc/app.env",
  });
  expect(settingsIn("config: {}", ["isu1"])).toEqual({ files: [] });
  expect(() => settingsIn(text("{ befor: x }"), ["isu1"])).toThrow(/^params\.app\.deploy: /);
  const own = (deploy: string) =>
    `${text("{ before: make migrate, files: [bin] }")}    servers:\n      isu2:\n        params: { app: { deploy: ${deploy} } }\n`;
  expect(settingsIn(own("{ before: make isu2 }"), ["isu2"])).toMatchObject({ before: "make isu2", files: ["bin"] });
  expect(settingsIn(own("{ before: make isu2 }"), ["isu1"])).toMatchObject({ before: "make migrate" });
  expect(settingsIn(own("{ before: make migrate }"), ["isu1", "isu2"])).toMatchObject({ before: "make migrate" });
  expect(() => settingsIn(own("{ before: make isu2 }"), ["isu1", "isu3", "isu2"])).toThrow(
    "isu2: expected the same app.deploy as on isu1, isu3, got another; next: one after the other, --to isu1,isu3 first",
  );
  expect(() => settingsIn(own("{ befor: x }"), ["isu2"])).toThrow(/^servers\.isu2\.params\.app\.deploy: /);
});

describe("places", () => {
  test("the role's wants at another commit, and its checks with the one that was asked for", () => {
    expect(place().git.ref).toBe("main");
    expect(wantsAt(place(), b)["git[/srv/app]"]).toMatchObject({ ref: b, path: "/srv/app" });
    expect(checksOf(place(), "/health").map(({ name }) => name)).toEqual(["check[app-8080]", "http://127.0.0.1:8080/health"]);
    expect(place().by).toBe("isu1-app app");
  });

  test("no checkout anywhere is refused with what to type", () => {
    expect(() => placesOf([{ ...server("isu3"), remembered: [] }], "t")).toThrow(
      /isu3: expected a server with app\.git, got none; next: .*fleet up t/,
    );
  });
});

test("what a step waits for is shown at once; a build's own words are kept", () => {
  const [shown, kept]: [string[], string[]] = [[], []];
  const { onWait, onProgress } = hearing({ onLine: (line) => void shown.push(line), onOutput: (line) => void kept.push(line) });
  onProgress("service[app]", "restart");
  onWait("service[app]", "`systemctl restart app` has waited 5 s, of 300 s at most");
  onProgress("service[app]", "restart", "a word");
  expect([shown, kept]).toEqual([
    ["service[app]: restart", "service[app]: `systemctl restart app` has waited 5 s, of 300 s at most"],
    ["a word"],
  ]);
});

test("of servers that don't answer those are named that it goes to, and no other", () => {
  const silent = new Map(["isu2", "isu3"].map((name) => [name, new HostError(name, "unreachable", "no route")]));
  expect(leftBehind([place("isu1"), place("isu2")], silent)).toEqual([["isu2", "no route; the others go on without it"]]);
});

test("each reason once, with the one name that it is about", () => {
  const gone = "isu2: the link to `10.0.0.2` is gone";
  expect(
    reasonsOf([{ server: "isu1", reason: gone }, { server: "isu2", reason: "the link to `10.0.0.2` is gone" }, { server: "isu3" }]),
  ).toEqual([gone]);
  const broken = `${gone}\nand back at aaaaaaa on isu1:\nservice[app]: does not start`;
  expect(
    reasonsOf([
      { server: "isu1", reason: broken },
      { server: "isu2", reason: "the link to `10.0.0.2` is gone" },
    ]),
  ).toEqual([broken]);
});

test("of what did not take the stack file does not say so too: it has what runs", () => {
  expect(pinnedLine("t", true, { isu1: "main" })).toContain("t.yaml says so too (app.git.ref)");
  const line = pinnedLine("t", false, { isu1: a, isu3: "main" });
  expect(line).toContain(`has what runs (app.git.ref: ${short(a)} for isu1, main for isu3): the next up keeps that`);
});

describe("refusals", () => {
  test("a server's own work, and no checkout", () => {
    const all = [
      looked("isu1", { edited: ["app.py"] }),
      looked("isu2", { own: 2 }),
      { place: place("isu3"), seen: { ...looked("x").seen, head: undefined } },
    ];
    expect(() => refuseUnfit(all as unknown as Looked[], "t")).toThrow(
      /isu1: expected no local edits in \/srv\/app, got app\.py[\s\S]*isu2: expected no commits of the server alone[\s\S]*isu3: expected a checkout at \/srv\/app/,
    );
  });

  test("what the repository does not have, says differently or does not answer for", () => {
    expect(() => targetOf([looked("isu1", { target: undefined as never })], "x", "t")).toThrow(
      "isu1: expected x in /srv/app.git, got none",
    );
    expect(() => targetOf([looked("isu1"), looked("isu2", { target: c })], "main", "t")).toThrow("expected one commit");
    expect(() => targetOf([looked("isu1", { silent: "refused" })], "main", "t")).toThrow(
      "expected an answer from /srv/app.git, got: refused",
    );
    expect(targetOf([looked("isu1", { silent: "refused" })], b, "t")).toEqual({ commit: b, subject: "s" });
  });

  test.each([
    [
      "ssh://git@git.example.org:2222/team/app.git",
      "No ED25519 host key is known for [git.example.org]:2222 and you have requested strict checking.\nHost key verification failed.\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.",
      "isu1: expected an answer from ssh://git@git.example.org:2222/team/app.git, got: the host key of git.example.org is not among those that it knows (No ED25519 host key is known for [git.example.org]:2222 and you have requested strict checking.); next: ./fleet run -s t isu1 -- ssh-keyscan -t ed25519 -p 2222 git.example.org; where that is the key, its line in params.base.knownHosts, and ./fleet up t",
    ],
    [
      "git@github.com:team/app.git",
      "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.",
      "isu1: expected an answer from git@github.com:team/app.git, got: git@github.com: Permission denied (publickey).; next: ./fleet run -s t isu1 --sudo -- ssh-keygen -y -f /root/.ssh/fleet_mesh; give that to the repository as a deploy key",
    ],
    [
      "https://github.com/team/app.git",
      "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
      "isu1: expected an answer from https://github.com/team/app.git, got: fatal: could not read Username for 'https://github.com': terminal prompts disabled; next: an ssh URL (git@…) in app.git.repository, which the team's deploy key opens",
    ],
    [
      "git@git.example.org:team/app.git",
      "ssh: connect to host git.example.org port 22: Connection timed out\nfatal: Could not read from remote repository.",
      "isu1: expected an answer from git@git.example.org:team/app.git, got: ssh: connect to host git.example.org port 22: Connection timed out; next: try again, or from a clone here: ./fleet deploy --from .",
    ],
  ])("where %s is silent, what to type follows from what it said", (repository, silent, sentence) => {
    const one = looked("isu1", { silent });
    const asked = { ...one, place: { ...one.place, git: { ...one.place.git, repository } } };
    expect(() => targetOf([asked], "main", "t")).toThrow(new UserError(sentence));
  });

  test("a doctor asks each server with a checkout whether it reaches the repository", async () => {
    const asks = async (code: number, said = "") => {
      const shell = { run: async () => ({ code, stdout: Buffer.from(said), stderr: "" }) } as unknown as Shell;
      return await repositoryFinding(server("isu1"), shell, new AbortController().signal, "t");
    };
    expect(await asks(0)).toMatchObject([{ state: "ok", of: "isu1", what: "repository" }]);
    expect(await asks(1, "fatal: '/srv/app.git' does not appear to be a git repository\n")).toMatchObject([
      { state: "failure", text: expect.stringContaining("does not appear"), advice: expect.stringContaining("--from") },
    ]);
    const none = { ...server("isu1"), remembered: [] } as unknown as FleetServer;
    expect(await repositoryFinding(none, {} as Shell, new AbortController().signal, "t")).toEqual([]);
  });

  test("commits that run and would be gone", () => {
    expect(() => refuseOutrun([{ server: "isu1", lost: ["aaa Fix"] }], "main")).toThrow(
      "isu1: runs 1 commit that main does not have: aaa Fix",
    );
    expect(() => refuseOutrun([{ server: "isu1", lost: undefined }], "HEAD")).toThrow("not in the clone here");
    refuseOutrun([{ server: "isu1", lost: [] }], "main");
  });

  test("without a ref: the first that is no commit", () => {
    expect(followedBy([a, "main"])).toBe("main");
    expect(() => followedBy([a, b])).toThrow("expected a branch, a tag or a commit");
  });
});

describe("what the next up finds", () => {
  const all = [looked("isu1", { follows: b }), looked("isu2", { follows: b })];
  const of = (one: Told["result"], other: Told["result"]) =>
    refsAfter(
      all,
      [
        { server: "isu1", result: one, seconds: 1 },
        { server: "isu2", result: other, seconds: 1 },
      ],
      { commit: b, ref: "main", named: true },
    );

  test("the stack's own ref where that is the commit, else the commit that runs", () => {
    expect(of("deployed", "unchanged")).toEqual({ isu1: "main", isu2: "main" });
    expect(
      refsAfter(all.slice(0, 1), [{ server: "isu1", result: "deployed", seconds: 1 }], { commit: c, ref: "dev", named: true }),
    ).toEqual({
      isu1: c,
    });
  });

  test("a stack that was pinned, and up, follows the name that is deployed; a commit stays one", () => {
    const pinned = { ...looked("isu1", { follows: a }), place: { ...place(), git: { ...place().git, ref: a } } };
    const of = (ref: string, named: boolean) =>
      refsAfter([pinned], [{ server: "isu1", result: "deployed", seconds: 1 }], { commit: b, ref, named });
    expect(of("main", true)).toEqual({ isu1: "main" });
    expect(of(b, false)).toEqual({ isu1: b });
    expect(of("HEAD", false)).toEqual({ isu1: b });
  });

  test("a commit that went back does not come again; what is not known, and what was not touched, stays as it was said", () => {
    expect(of("back", "not-begun")).toEqual({ isu1: a, isu2: a });
    expect(of("broken", "back")).toEqual({ isu2: a });
    expect(of("unknown", "not-begun")).toEqual({});
    expect(of("interrupted", "not-begun")).toEqual({});
    expect(of("deployed", "interrupted")).toEqual({ isu1: "main" });
  });
});

describe("the way back", () => {
  test("each rollback goes one further; a deploy that went back, and one that an up overtook, count as what ran", () => {
    const first = [record({}), record({ commit: c, before: b })];
    expect(trailOf(first, c)).toEqual([a, b, c]);
    const back = [...first, record({ what: "rollback", commit: b, before: c })];
    expect(trailOf(back, b)).toEqual([a, b]);
    expect(trailOf([...back, record({ what: "rollback", commit: a, before: b })], a)).toEqual([a]);
    expect(trailOf([record({}), record({ commit: c, before: b, result: "back" })], b)).toEqual([a, b]);
    const turned = [record({}), record({ commit: c, before: b }), record({ commit: c, before: b, result: "back" })];
    expect(trailOf(turned, b)).toEqual([a, b]);
    expect(trailOf([...back, record({ what: "rollback", commit: b, before: c, result: "back" })], c)).toEqual([a, b, c]);
    expect(trailOf([record({})], c)).toEqual([a, b, c]);
  });

  test("for all servers the same commit, or none", () => {
    const on = (name: string, ...records: Deployed[]) => looked(name, { head: records.at(-1)?.commit ?? a, records });
    expect(rollbackTarget([on("isu1", record({})), on("isu2", record({}))], 1)).toBe(a);
    expect(() => rollbackTarget([on("isu1")], 1)).toThrow("isu1: expected 1 deploy to go back, got none on record");
    expect(() => rollbackTarget([on("isu1", record({}))], 2)).toThrow("isu1: expected 2 deploys to go back, got 1 on record");
    expect(() => rollbackTarget([on("isu1", record({})), on("isu2", record({ before: c }))], 1)).toThrow("one by one, --to isu1");
  });

  test("what a commit was about", () => {
    const records = [record({ beforeSubject: "As handed out" }), record({ commit: c, before: b, subject: "Fix" })];
    expect([a, b, c, id("e")].map((each) => subjectIn(records, each))).toEqual(["As handed out", "s", "Fix", ""]);
  });

  test("lines that are no records are left out", () => {
    expect(recordsIn([JSON.stringify(record({})), "{", '{"at":1}'])).toEqual([record({})]);
  });
});

describe("out of what balances while it has its turn", () => {
  const conf = "upstream app { server isu1:8080; server isu2:8080; }\nserver { listen 80; }\n";
  const balancer = (name: string, text: string): Balancer => ({
    ...{ server: name, haproxy: [], files: { "/etc/nginx/a": text } },
    groups: groupsIn("/etc/nginx/a", text),
    real: {},
  });
  const other = (name: string) => ({ ...server(name), connection: { address: name }, facts: {} }) as unknown as FleetServer;

  test("where others answer meanwhile; never where it stands alone, or is out already", () => {
    const all = [balancer("isu1", conf), balancer("isu2", conf.replace(" server isu2:8080;", ""))];
    const told = (shares = {}) => placesBeside(all, other("isu1"), shares).map((each) => each.balancer);
    expect(told()).toEqual(["isu1"]);
    expect(told({ isu1: 0 })).toEqual([]);
    expect(placesBeside(all, other("isu3"), {})).toEqual([]);
  });

  test("never where all others are off: nobody would answer", async () => {
    const all = [balancer("isu1", conf)];
    expect(placesBeside(all, other("isu1"), {}, [other("isu3")]).map(({ target }) => target.name)).toEqual(["isu1"]);
    expect(placesBeside(all, other("isu1"), {}, [other("isu2")])).toEqual([]);
    const servers = [other("isu1"), other("isu2")];
    const error = new HostError("isu2", "unreachable", "no route");
    const open = {
      each: async () => [
        { server: "isu1", value: all[0] },
        { server: "isu2", error },
      ],
    } as unknown as OpenServers;
    const aside = await Aside.over(open, servers, { servers, shares: {}, onLine: () => {} });
    expect([aside.balancers, [...aside.silent.keys()]]).toEqual([[], ["isu2"]]);
  });

  test("out before it and in after it, with the text that was there; also after our own end", async () => {
    let file = conf;
    const written: string[] = [];
    const shell = {
      run: async ({ text }: Command) => {
        const next = /fleet_into "\$f"\n} <<'FLEET_END_OF_INPUT'\n([\s\S]*?)FLEET_END_OF_INPUT/.exec(text)?.[1];
        if (next !== undefined) written.push(next);
        file = next ?? file;
        const dump = `@fleet-balance nginx\n# configuration file /etc/nginx/a:\n${file}\n`;
        return { code: 0, stdout: Buffer.from(text.includes("show stat") ? dump : "0"), stderr: "" };
      },
    } as unknown as Shell;
    const servers = [other("isu1"), other("isu2")];
    const open = {
      each: (all: readonly FleetServer[], work: (server: FleetServer, shell: Shell) => Promise<Balancer>) =>
        Promise.all(all.slice(0, 1).map(async (each) => ({ server: each.name, value: await work(each, shell) }))),
    } as unknown as OpenServers;
    const lines: string[] = [];
    const aside = await Aside.over(open, servers, { servers, shares: {}, onLine: (name, line) => lines.push(`${name} ${line}`) });
    expect(aside.balancers.map(({ name }) => name)).toEqual(["isu1"]);
    const shells = new Map([["isu1", { shell }]]);
    await aside.out(servers[1]!, shells, new AbortController().signal);
    expect(file).toContain("server isu2:8080 down;");
    await aside.in(servers[1]!, shells);
    expect(written).toEqual([expect.stringContaining("server isu1:8080; server isu2:8080 down;"), conf]);
    expect(lines).toEqual(["isu2 out of isu1", "isu2 in again on isu1"]);
  });
});

describe("the stack file", () => {
  const block = `config:
  contest-fleet:fleet:
    servers:
      isu1: { roles: [app] } # the first
      isu2:
        roles: [app]
    params:
      # ours
      app:
        git:
          repository: /srv/app.git # here
          path: /srv/app
`;
  const flow = block.replace(/git:\n +repository: .*\n +path: .*\n/, "git: { repository: /srv/app.git, path: /srv/app, ref: dev }\n");
  const all = ["isu1", "isu2"];
  const lost = (before: string, after: string) => before.split("\n").filter((line) => !after.split("\n").includes(line));

  test.each([block, flow])("one for all: beside the repository; the rest of the text stays", (text) => {
    const after = withRefs(text, { isu1: a, isu2: a }, all);
    expect(refsIn(after, all)).toEqual({ isu1: a, isu2: a });
    expect(parse(after).config["contest-fleet:fleet"].params.app.git.ref).toBe(a);
    expect(lost(text, after).length).toBeLessThanOrEqual(text === flow ? 1 : 0);
    const again = withRefs(after, { isu1: "main", isu2: "main" }, all);
    expect(refsIn(again, all)).toEqual({ isu1: "main", isu2: "main" });
  });

  test.each([block, flow])("one server alone has its own, until all agree again", (text) => {
    const one = withRefs(text, { isu1: a }, all);
    expect(refsIn(one, all)).toEqual({ isu1: a, isu2: text === flow ? "dev" : "main" });
    const both = withRefs(one, { isu2: b }, all);
    expect(refsIn(both, all)).toEqual({ isu1: a, isu2: b });
    expect(refsIn(withRefs(both, { isu1: c, isu2: c }, all), all)).toEqual({ isu1: c, isu2: c });
    expect(parse(both).config["contest-fleet:fleet"].servers.isu2.roles).toEqual(["app"]);
  });

  test("what a server had of its own goes again where all agree, and leaves nothing behind", () => {
    const cut = withRefs(block, { isu1: a }, all);
    expect(parse(cut).config["contest-fleet:fleet"].servers.isu1.params.app.git.ref).toBe(a);
    const good = withRefs(cut, { isu1: "main", isu2: "main" }, all);
    expect([refsIn(good, all), parse(good).config["contest-fleet:fleet"].servers]).toEqual([
      { isu1: "main", isu2: "main" },
      parse(block).config["contest-fleet:fleet"].servers,
    ]);
    // Its own branch is not forgotten for a commit that all have.
    const own = withRefs(block, { isu1: "dev" }, all);
    expect(followedIn(withRefs(own, { isu1: b, isu2: b }, all), "isu1")).toBe("dev");
  });

  test.each(["true", "null", "1e3"])("a branch that YAML has another meaning for is a text: %s", (name) => {
    expect(parse(withRefs(block, { isu1: name, isu2: name }, all)).config["contest-fleet:fleet"].params.app.git.ref).toBe(name);
  });

  test.each([block, flow])("pinned to a commit it keeps the name that it followed, for the next deploy; a name alone stays one", (text) => {
    const name = text === flow ? "dev" : "main";
    const once = withRefs(text, { isu1: a, isu2: a }, all);
    expect(parse(once).config["contest-fleet:fleet"].params.app.git).toMatchObject({ ref: a, follows: name });
    const twice = withRefs(once, { isu1: b, isu2: b }, all);
    expect([text, once, twice].map((each) => followedIn(each, "isu2"))).toEqual([name, name, name]);
    const alone = withRefs(text, { isu1: a }, all);
    expect([alone, withRefs(alone, { isu1: b, isu2: b }, all)].map((each) => followedIn(each, "isu1"))).toEqual([name, name]);
    const forward = parse(withRefs(twice, { isu1: "release", isu2: "release" }, all)).config["contest-fleet:fleet"].params.app.git;
    expect([forward.ref, "follows" in forward]).toEqual(["release", false]);
    const never = text
      .replace("path: /srv/app", `path: /srv/app${text === flow ? "," : "\n         "} ref: ${a}`)
      .replace(", ref: dev", "");
    expect([refsIn(never, all), followedIn(never, "isu1")]).toEqual([{ isu1: a, isu2: a }, undefined]);
  });

  test("an id that looks like a number is a text", () => {
    const numeric = "1".repeat(40);
    expect(parse(withRefs(block, { isu1: numeric, isu2: numeric }, all)).config["contest-fleet:fleet"].params.app.git.ref).toBe(numeric);
  });
});

describe("on real repositories", () => {
  let folder: string;
  let here: LocalRepository;
  const git = (where: string, ...words: string[]): string =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...words], {
      cwd: join(folder, where),
      encoding: "utf8",
    }).trim();
  const commit = (text: string): string => {
    writeFileSync(join(folder, "here/file"), text);
    git("here", "add", ".");
    git("here", "commit", "-q", "-m", text);
    return git("here", "rev-parse", "HEAD");
  };
  /** As the server's owner would run it: with no other user to become. */
  const run = ({ text }: Command): string => execFileSync("sh", ["-eu"], { input: text.replace(/^HOME=.*$/m, ""), encoding: "utf8" });
  const want = () => GitWant.parse({ path: join(folder, "server"), repository: join(folder, "origin"), ref: "main" });
  const look = (ref: string, fetches = true) => checkoutIn(run(lookScript(want(), ref, fetches)));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "deploy-"));
    mkdirSync(join(folder, "here"));
    git("here", "init", "-q", "-b", "main");
    commit("one");
    git(".", "clone", "-q", "--bare", "here", "origin");
    git(".", "clone", "-q", "origin", "server");
    git("here", "remote", "add", "origin", join(folder, "origin"));
    here = new LocalRepository(join(folder, "here"));
  });

  test("what was pushed is found; what runs and is not in it is named", () => {
    const two = commit("two");
    git("here", "push", "-q", "origin", "main", "HEAD:refs/tags/v2");
    expect(look("main")).toMatchObject({ target: two, follows: two, runs: "one", subject: "two", lost: [], own: 0, edited: [] });
    expect(look("v2").target).toBe(two);
    expect(look("none").target).toBeUndefined();
    git("server", "merge", "-q", "--ff-only", "origin/main");
    expect(look("main~1").lost).toEqual([`${short(two)} two`]);
    git(".", "-C", "server", "config", "remote.origin.url", join(folder, "gone"));
    expect(look("main").silent).toContain("exists");
  });

  test("what nobody pushed arrives as a difference, and again as nothing", () => {
    const head = git("server", "rev-parse", "HEAD");
    const two = commit("two".repeat(1000));
    expect(look(two, false).target).toBeUndefined();
    run(receiveScript(want(), two, here.pack(two, [head, id("e")])));
    expect(look(two, false)).toMatchObject({ target: two, subject: "two".repeat(1000) });
    run(receiveScript(want(), two, here.pack(two, [two])));
    expect(git("server", "cat-file", "-t", two)).toBe("commit");
  });

  test("records stand beside git's own data, and are no edit", () => {
    run(recordScript(want(), record({ subject: 'it\'s "quoted"\tand $x' })));
    expect(look("main")).toMatchObject({ records: [record({ subject: 'it\'s "quoted"\tand $x' })], edited: [] });
    expect(git("server", "status", "--porcelain")).toBe("");
  });

  const built = (more: Partial<BuildWish> = {}) =>
    buildHere({
      ...{ folder: join(folder, "here"), commit: here.commit("HEAD"), architectures: ["amd64", "arm64"], files: ["bin"], onLine: () => {} },
      ...{ build: 'mkdir -p bin; (cat file; echo; echo "$GOARCH $GOOS") > bin/app.$ARCH', ...more },
    });

  test("what is built here goes along with its commit, once an architecture; the clone is as it was", async () => {
    commit("two");
    writeFileSync(join(folder, "here/.git/info/exclude"), "bin/\n");
    const heard: string[] = [];
    const made = await built({ onLine: (line) => heard.push(line) });
    expect(heard).toEqual(["builds for amd64", "builds for arm64"]);
    expect(git("here", "show", `${made}:bin/app.arm64`)).toBe("two\narm64 linux");
    expect(git("here", "diff", "--name-only", "HEAD", made)).toBe("bin/app.amd64\nbin/app.arm64");
    expect([git("here", "status", "--porcelain"), git("here", "worktree", "list").split("\n").length]).toEqual(["", 1]);
    expect(await built({ onLine: (line) => heard.push(line) })).toBe(made);
    expect(heard).toHaveLength(2);
    expect(await built({ architectures: ["amd64"] })).not.toBe(made);
  });

  test("a build that fails, or makes nothing, is told with what it said, and leaves nothing behind", async () => {
    await expect(built({ build: "echo no compiler; exit 3" })).rejects.toThrow(/for amd64: expected exit code 0, got 3\nno compiler/);
    await expect(built({ build: "true" })).rejects.toThrow("expected what the build made");
    await expect(built({ files: [] })).rejects.toThrow("expected what the build makes, got nothing");
    expect(git("here", "worktree", "list").split("\n")).toHaveLength(1);
  });

  test("what was built from a commit is nobody's work that a later one lacks; the difference alone is sent", async () => {
    const noise = "mkdir -p bin; (seq 1 200000; cat file) > bin/app";
    const first = await built({ architectures: ["amd64"], build: noise });
    run(receiveScript(want(), first, here.pack(first, [git("server", "rev-parse", "HEAD")])));
    git("server", "checkout", "-q", first);
    const source = here.commit("HEAD");
    commit("two");
    const second = await built({ architectures: ["amd64"], build: noise });
    const pack = here.pack(second, [first]);
    expect(pack.length).toBeLessThan(2_000);
    run(receiveScript(want(), second, pack));
    expect(look(second, false)).toMatchObject({ head: first, source, lost: [], target: second });
    expect(look(`${source}~0`, false).lost).toEqual([]);
  });

  test("before is run in a copy of the commit, with its variables; after where it is checked out; neither leaves a thing", () => {
    const two = commit("two");
    run(receiveScript(want(), two, here.pack(two, [])));
    const environmentFile = join(folder, "env.sh");
    writeFileSync(environmentFile, "DATABASE='notes'\n");
    const once = (name: "before" | "after", command: string) =>
      run(onceScript({ git: want() } as Place, { name, command, commit: two, environmentFile }));
    expect(once("before", 'cat file; echo; echo "$DATABASE"; pwd >&2').split("\n").slice(0, 2)).toEqual(["two", "notes"]);
    expect(once("after", "cat file")).toBe("one");
    expect(() => once("before", "exit 4")).toThrow("Command failed");
    expect(git("server", "worktree", "list").split("\n")).toHaveLength(1);
  });

  test("the clone here: changes that are in no commit, commits that it lacks", () => {
    expect(here.changed()).toEqual([]);
    writeFileSync(join(folder, "here/file"), "more");
    expect(here.changed()).toEqual(["file"]);
    expect(here.has(id("e"))).toBe(false);
    const [one, two] = [here.commit("HEAD"), commit("two")];
    expect([here.lost(two, one).map((line) => line.split(" ")[0]), here.lost(one, two)]).toEqual([[short(two)], []]);
    expect(() => here.commit("--help")).toThrow("git rev-parse in");
  });
});
