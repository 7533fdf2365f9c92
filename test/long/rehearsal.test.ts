// The README's day, typed command by command on three servers that an organiser set up, while somebody asks the application: who answers when, and that
// all is as it was when the servers are handed back.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isMap } from "../../spec/path.ts";
import { Asking } from "../support/contest/asking.ts";
import { day } from "../support/contest/day.ts";
import { ContestServer, login } from "../support/contest/server.ts";
import { type Answer, type Fleet, start, Trial } from "../support/fleet.ts";
import { own, ownNetwork, ownProject } from "../support/own.ts";
import { soon } from "../support/soon.ts";

const network = ownNetwork();
const trial = new Trial("rehearsal", {});
const servers = [1, 2, 3].map((number) => new ContestServer(trial.stack, network, {}, number));
const repository = "/var/opt/webapp.git";
const clone = join(own, "webapp");

/** What is another's in the README is ours here. */
const ours = (text: string): string =>
  [
    [/team-a\b(?!\/)/g, trial.stack],
    [/203\.0\.113\.1(\d)/g, `${network}.1$1`],
    [/ --member octocat/, ""],
    [/git@github\.com:team-a\/webapp\.git/g, repository],
    [/isuride\.conf/g, "notes.conf"],
    [/--listen 192\.0\.2\.7/, "--listen 127.0.0.1:0"],
    [/PULUMI_CONFIG_PASSPHRASE=…/, "PULUMI_CONFIG_PASSPHRASE=practice"],
  ].reduce((all, [what, by]) => all.replace(what as RegExp, by as string), text);

/** They ask a person, and there is none. */
const asks = /^\.\/fleet (?:up|edit|down|bench|finalize|split|retest(?! --look))\b/;
/** It makes a unit of this computer's own systemd, which a test leaves alone. */
const untyped = /^\.\/fleet watch install\b/;
/** They go on until Ctrl-C. */
const goesOn = /^\.\/fleet (?:logs -f|status --watch|page|watch)\b/;
/** Exit codes beside 0. */
const also: readonly (readonly [RegExp, readonly number[]])[] = [
  // It names what is not well with this computer, which is none of the day's.
  [/^\.\/fleet doctor/, [1]],
];

/** What a person does in the editor. */
const edits: Readonly<Record<string, string>> = {
  "notes.conf": `s/server 127.0.0.1:8080;/server ${network}.11:8080; server ${network}.12:8080;/`,
  "99-isucon.cnf": "$a innodb_flush_log_at_trx_commit = 2",
};

const git = (...words: string[]): string => execFileSync("git", ["-C", clone, ...words], { encoding: "utf8" }).trim();

/** The application, as the team changes it: it says its version, and hears the other servers. */
function change(version: string): void {
  const file = join(clone, "app.py");
  const text = readFileSync(file, "utf8")
    .replace('"127.0.0.1", 8080', '"0.0.0.0", 8080')
    .replace(/body = .*/, `body = b"${version}\\n"`);
  writeFileSync(file, text);
  git("commit", "-q", "-a", "-m", `version ${version}`);
}

/** Where GitHub would be: each server's own copy has what was pushed. */
async function push(): Promise<void> {
  const bundle = execFileSync("git", ["-C", clone, "bundle", "create", "-q", "-", "main"]).toString("base64");
  const script = `base64 -d >/tmp/main.bundle <<'X'\n${bundle}\nX
[ -e ${repository} ] || { install -d -o isucon ${repository}; cd ${repository}; runuser -u isucon -- git init -q --bare -b main; }
cd ${repository}; runuser -u isucon -- git fetch -q /tmp/main.bundle +main:main; rm /tmp/main.bundle`;
  await Promise.all(servers.map((server) => server.told(script)));
}

const identity = {
  GIT_AUTHOR_NAME: "ada",
  GIT_AUTHOR_EMAIL: "ada@localhost",
  GIT_COMMITTER_NAME: "ada",
  GIT_COMMITTER_EMAIL: "ada@localhost",
};
const environment: Record<string, string> = {};

async function type(line: string): Promise<Answer> {
  const file = /([\w.-]+)(?: --all)?$/.exec(line)?.[1] ?? "";
  const env = { ...identity, NO_COLOR: "1", FLEET_PASSWORD: login.password, VISUAL: `sed -i '${edits[file] ?? ""}'`, ...environment };
  if (!goesOn.test(line)) return await start("sh", ["-c", asks.test(line) ? `${line} --yes` : line], { env }).done;
  const running = start("sh", ["-c", `exec ${line}`], { env });
  const ended = () => running.child.exitCode !== null;
  // A busy computer takes its time until the first word; with none to say it is as good as there.
  for (let tries = 0; tries < 300 && running.said() === "" && !ended(); tries++) await sleep(100);
  for (let tries = 0; tries < 100 && !ended(); tries++) await sleep(100);
  running.child.kill("SIGINT");
  return await running.done;
}

async function typed(command: string): Promise<void> {
  const line = ours(command);
  if (untyped.test(line)) return;
  const [, name, value] = /^export (\w+)=(.*)$/.exec(line) ?? [];
  if (name !== undefined) {
    environment[name] = value!;
    return;
  }
  if (line.includes(" push ")) return await push();
  const { code, said } = await type(line);
  const wanted = goesOn.test(line) ? [130] : [0, ...also.filter(([which]) => which.test(line)).flatMap(([, codes]) => codes)];
  expect(wanted, `${line}\nended with ${code}: ${said}`).toContain(code);
}

function merge(into: Fleet, more: Fleet): void {
  for (const [name, value] of Object.entries(more)) {
    if (isMap(value)) {
      const inner = isMap(into[name]) ? into[name] : {};
      merge(inner, value);
      into[name] = inner;
    } else into[name] = value;
  }
}

const settle = (more: object): void => trial.edit((fleet) => merge(fleet, JSON.parse(ours(JSON.stringify(more))) as Fleet));

/** Past every balancer. */
const versions = async (): Promise<readonly string[]> =>
  await Promise.all(servers.map(async ({ address }) => (await (await fetch(`http://${address}:8080/`)).text()).trim()));
const all = (version: string) => async () => await soon(versions).toEqual([version, version, version]);

interface Around {
  readonly before?: () => unknown;
  readonly after?: () => Promise<void>;
}

/** By step and command: what the team did before it, and what the application says after it. */
const around: Readonly<Record<string, Around>> = {
  "4 ./fleet deploy": {
    before: async () => {
      change("one");
      await push();
    },
    after: all("one"),
  },
  "6 ./fleet deploy --from ../webapp --to isu1": {
    before: () => change("two"),
    after: async () => await soon(versions).toEqual(["two", "one", "one"]),
  },
  "6 ./fleet deploy": { after: all("two") },
  "6 ./fleet rollback": { after: all("one") },
  "8 ./fleet retest": { after: all("one") },
};
/** In these steps the README says that the application is away for seconds. */
const away = ["4", "8", "9"];

describe.skipIf(process.getuid?.() !== 0)("the README's day (this needs root on Linux)", () => {
  let asking: Asking;
  let handedOut: readonly (readonly string[])[];

  beforeAll(async () => {
    await Promise.all(servers.map((server) => server.make()));
    // As contests have it: what is not for everybody to read counts as secret, word by word.
    for (const server of servers) await server.told("chmod 644 /home/isucon/env.sh");
    handedOut = await Promise.all(servers.map((server) => server.sums()));
    rmSync(trial.file);
    execFileSync("git", ["-C", ownProject, "init", "-q"]);
    asking = new Asking(servers.map(({ address }) => `http://${address}/api/x`));
  });
  afterAll(async () => {
    await asking?.stop();
    await trial.remove();
    for (const each of [join(ownProject, ".git"), join(ownProject, "stacks", `${trial.stack}.md`), clone])
      rmSync(each, { recursive: true, force: true });
  });

  // What went unanswered in a step that failed is none of the next one's.
  beforeEach(() => void asking.take());

  test.each(day().map((step) => [step.title, step] as const))("%s", async (title, { parts }) => {
    const [number = ""] = title.split(".");
    for (const part of parts) {
      if ("settle" in part) settle(part.settle);
      else {
        const { before, after } = around[`${number} ${part.type}`] ?? {};
        await before?.();
        await typed(part.type);
        await after?.();
      }
    }
    await asking.allAnswer();
    const unanswered = asking.take();
    if (!away.includes(number)) expect(unanswered).toEqual([]);
  });

  test("every server is as it was handed out", async () => {
    await asking.stop();
    for (const [index, server] of servers.entries()) {
      await server.settled();
      await soon(() => server.sums(), server.name).toEqual(handedOut[index]);
    }
    expect(asking.answered).toBeGreaterThan(500);
  });

  test("every command that something is said about here is the README's", () => {
    const commands = day().flatMap(({ title, parts }) =>
      parts.flatMap((part) => ("type" in part ? `${title.split(".")[0]} ${part.type}` : [])),
    );
    expect(Object.keys(around).filter((each) => !commands.includes(each))).toEqual([]);
  });
});
