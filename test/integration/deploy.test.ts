// A Python application on two machines: deployed, back by itself where it does not answer, rolled back; the next up agrees each time.
// Each test begins where the one before ended.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stackId } from "../../machines/names.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { type Fleet, inside, Trial } from "../support/fleet.ts";
import { own } from "../support/own.ts";
import { soon } from "../support/soon.ts";

const servers = ["isu1", "isu2"] as const;
const remote = "/srv/webapp.git";
const trial = new Trial("deploy", {
  target: "practice",
  servers: Object.fromEntries(servers.map((name) => [name, { roles: ["base", "app"], cores: 1, memory: "512MiB" }])),
  params: { app: { packages: ["git", "python3", "curl"] } },
});
afterAll(() => trial.remove());

/** What the stack says once the repository is there. */
const application = {
  git: { repository: remote, path: "/home/isucon/webapp" },
  build: "cp VERSION built.txt",
  services: {
    webapp: { user: "isucon", workingDirectory: "/home/isucon/webapp", command: ["/usr/bin/python3", "/home/isucon/webapp/app.py"] },
  },
  ports: [8080],
  health: { url: "http://127.0.0.1:8080/" },
};

/** Answers with what was built, and with a status of its own. */
const program = (status: string): string => `from http.server import *
from socket import gethostname
built = open("built.txt").read()
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(${status}); self.end_headers(); self.wfile.write(built.encode())
    def log_message(self, *args): pass
ThreadingHTTPServer(("127.0.0.1", 8080), Answer).serve_forever()
`;

const clone = join(own, "webapp");
const git = (...words: string[]): string =>
  execFileSync("git", ["-c", "user.name=ada", "-c", "user.email=ada@example.org", ...words], { cwd: clone, encoding: "utf8" }).trim();

function commit(version: string, status = "200"): string {
  writeFileSync(join(clone, "app.py"), program(status));
  writeFileSync(join(clone, "VERSION"), version);
  git("add", ".");
  git("commit", "-q", "-m", `version ${version}`);
  return git("rev-parse", "HEAD");
}

const on = async (server: string, script: string): Promise<string> => {
  const { code, stdout, said } = await inside(trial.stack, server, script);
  if (code !== 0) throw new Error(`${server}: ${script}\nended with ${code}: ${said}`);
  return stdout.trim();
};

/** What a push does, to each server's own repository. */
async function push(): Promise<void> {
  const bundle = execFileSync("git", ["bundle", "create", "-q", "-", "main"], { cwd: clone }).toString("base64");
  const script = `base64 -d >/tmp/main.bundle <<'X'\n${bundle}\nX
[ -e ${remote} ] || { install -d -o isucon ${remote}; runuser -u isucon -- git init -q --bare -b main ${remote}; }
runuser -u isucon -- git -C ${remote} fetch -q /tmp/main.bundle +main:main`;
  await Promise.all(servers.map((server) => on(server, script)));
}

const answers = () => Promise.all(servers.map((server) => on(server, "curl -s http://127.0.0.1:8080/")));
const heads = () => Promise.all(servers.map((server) => on(server, "runuser -u isucon -- git -C /home/isucon/webapp rev-parse HEAD")));
const deploy = (...words: string[]) => trial.bare(["deploy", ...words]);
const agrees = async () => {
  const { code, said } = await trial.run("verify");
  expect(code, said).toBe(0);
};

const commits: Record<string, string> = {};

describe.skipIf(process.getuid?.() !== 0)("fleet deploy (this needs root on Linux)", () => {
  beforeAll(async () => {
    mkdirSync(clone);
    git("init", "-q", "-b", "main");
    commits.one = commit("1");
    const first = await trial.run("up", ["--yes"]);
    expect(first.code, first.said).toBe(0);
    await push();
    trial.edit((fleet: Fleet) => {
      Object.assign((fleet.params as { app: object }).app, application);
    });
    const second = await trial.run("up", ["--yes"]);
    expect(second.code, second.said).toBe(0);
  });

  test("the newest of what the stack follows: built and answered for on both, and the next up agrees", async () => {
    expect(await answers()).toEqual(["1", "1"]);
    commits.two = commit("2");
    await push();
    const before = readFileSync(trial.file, "utf8");
    const { code, stdout, said } = await deploy("--json");
    expect(code, said).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ commit: commits.two, ref: "main", subject: "version 2", stackFileChanged: false },
      servers: servers.map((server) => ({ server, before: commits.one, result: "deployed" })),
    });
    expect(await answers()).toEqual(["2", "2"]);
    expect(readFileSync(trial.file, "utf8")).toBe(before);
    await agrees();
    const again = await deploy();
    expect(again.said).toMatch(/isu1 +unchanged/);
  });

  test("one that does not answer on the second server goes back on both by itself, and does not come again with the next up", async () => {
    commits.broken = commit("3", "500 if gethostname() == 'isu2' else 200");
    await push();
    // Long enough for the good server's Python to begin on a busy computer.
    const { code, said } = await deploy("--timeout", "8");
    expect(code, said).toBe(1);
    expect(said).toContain("check[app]: expected status 200 from http://127.0.0.1:8080/, got: status 500");
    expect(said).toContain("isu1 | check[app]: answers");
    for (const server of servers) expect(said).toMatch(new RegExp(`^${server} +went back +runs ${commits.two!.slice(0, 8)} `, "m"));
    await soon(answers).toEqual(["2", "2"]);
    expect(await heads()).toEqual([commits.two, commits.two]);
    expect(readFileSync(trial.file, "utf8")).toContain(`ref: "${commits.two}"`);
    const { stdout } = await trial.bare(["status"]);
    expect(stdout.match(/as the last run left it/g)).toHaveLength(2);
    expect(stdout).toMatch(/webapp [0-9a-f]+ version 2 \(\S+'s deploy \d+ s ago went back to it\)/);
  });

  test("from the clone here: what is in no commit is refused; what nobody has pushed runs, and the stack file keeps it", async () => {
    writeFileSync(join(clone, "VERSION"), "4");
    const refused = await deploy("--from", clone);
    expect(refused.code, refused.said).toBe(2);
    expect(refused.said).toContain("expected all changes in a commit, got others in VERSION");
    commits.four = commit("4");
    const { code, said } = await deploy("--from", clone);
    expect(code, said).toBe(0);
    expect(await answers()).toEqual(["4", "4"]);
    expect(readFileSync(trial.file, "utf8")).toContain(`ref: "${commits.four}"`);
    await agrees();
    const outrun = await deploy("main");
    expect(outrun.code, outrun.said).toBe(2);
    expect(outrun.said).toMatch(/isu1: runs 1 commit that main does not have: [0-9a-f]+ version 4/);
  });

  test("built here, and run once over both: a migration before, what follows after; where either fails, nothing or all goes back", async () => {
    const settle = (more: object) =>
      trial.edit((fleet: Fleet) => {
        const { app } = fleet.params as { app: { deploy?: object } };
        app.deploy = { build: "echo $ARCH > made.$ARCH; cp VERSION made", files: ["made", "made.amd64"], ...more };
      });
    settle({ before: "cat made >> /tmp/before; test ! -e fails", after: "cat built.txt >> /tmp/after; ! grep -q bad VERSION" });
    const before = await answers();
    expect((await deploy()).said).toContain("next: ./fleet deploy --from");
    const five = commit("5");
    const { code, said } = await deploy("--from", clone);
    expect(code, said).toBe(0);
    expect(said).toMatch(/isu1 \| before: cat made[\s\S]*isu2 \| check\[app\]: answers[\s\S]*isu1 \| after: cat built/);
    expect(await answers()).toEqual(["5", "5"]);
    expect(await on("isu1", "cat /tmp/before /tmp/after")).toBe("55");
    expect(await on("isu2", "ls /tmp/before /tmp/after 2>/dev/null || echo none")).toBe("none");
    expect(await on("isu2", "runuser -u isucon -- git -C /home/isucon/webapp rev-parse HEAD^")).toBe(five);
    await agrees();
    writeFileSync(join(clone, "fails"), "");
    commit("6");
    const refused = await deploy("--from", clone);
    expect([refused.code, refused.said], refused.said).toEqual([1, expect.stringContaining("isu1: before: expected exit code 0, got 1")]);
    execFileSync("rm", [join(clone, "fails")]);
    commit("7 bad");
    const back = await deploy("--from", clone);
    expect([back.code, back.said], back.said).toEqual([1, expect.stringMatching(/isu2 +went back/)]);
    await soon(answers).toEqual(["5", "5"]);
    await agrees();
    expect((await trial.bare(["rollback"])).said).toMatch(/isu2 +deployed/);
    await soon(answers).toEqual(before);
    settle({ after: "sleep 300" });
    commit("8");
    const run = trial.startBare(["deploy", "--from", clone]);
    await soon(() => run.said()).toContain("isu1 | after: sleep 300");
    run.child.kill("SIGTERM");
    const ended = await run.done;
    expect(ended.code, ended.said).toBe(130);
    expect(await answers()).toEqual(["8", "8"]);
    await agrees();
    expect((await trial.bare(["rollback"])).said).toMatch(/isu2 +deployed/);
    await soon(answers).toEqual(before);
    git("reset", "-q", "--hard", commits.four!);
    trial.edit((fleet: Fleet) => {
      delete (fleet.params as { app: { deploy?: object } }).app.deploy;
    });
  });

  test("a rollback goes back one, the next one another; the next up has nothing to do, and the history knows", async () => {
    expect((await trial.bare(["rollback"])).said).toMatch(/isu2 +deployed/);
    expect(await heads()).toEqual([commits.two, commits.two]);
    const { code, said } = await trial.bare(["rollback"]);
    expect(code, said).toBe(0);
    expect(await answers()).toEqual(["1", "1"]);
    const up = await trial.run("up", ["--yes"]);
    expect(up.code, up.said).toBe(0);
    expect(up.said).toContain("nothing to do");
    expect(await heads()).toEqual([commits.one, commits.one]);
    const last = await trial.bare(["history", "--json"]);
    expect((JSON.parse(last.stdout) as { what: string; result: string }[]).map(({ what, result }) => `${what} ${result}`)).toEqual(
      expect.arrayContaining(["rollback done", "deploy done", "deploy failed"]),
    );
    expect((await trial.bare(["rollback"])).said).toContain("expected 1 deploy to go back, got none on record");
    // Stack file and state both name a commit by now; the branch is known all the same.
    const next = commit("next");
    await push();
    const forward = await deploy();
    expect(forward.code, forward.said).toBe(0);
    expect(await heads()).toEqual([next, next]);
    expect(readFileSync(trial.file, "utf8")).not.toContain("follows");
    // The state has the commit of the up before: this one tells of the word, and changes nothing.
    const word = await trial.run("up", ["--yes"]);
    expect(word.code, word.said).toBe(0);
    expect(await heads()).toEqual([next, next]);
    await agrees();
    // As the one after begins.
    expect((await trial.bare(["rollback"])).said).toMatch(/isu2 +deployed/);
    expect((await trial.run("up", ["--yes"])).code).toBe(0);
    git("reset", "-q", "--hard", "HEAD~1");
  });

  test("a server that is off keeps neither a deploy nor an up from the other: it is named, and catches up", async () => {
    const { address } = (await nspawn.read({ stack: trial.stack, name: "isu2" }))!;
    const table = `test_fb_${stackId(trial.stack)}`;
    execFileSync("nft", ["-f", "-"], {
      input: `table ip ${table} {\nchain out {\ntype filter hook output priority 0;\nip daddr ${address} tcp dport 22 reject with tcp reset\n}\n}\n`,
    });
    const nine = commit("9");
    await push();
    try {
      const { code, said, stdout } = await deploy("main", "--json");
      expect(code, said).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        commit: nine,
        servers: [
          { server: "isu1", result: "deployed" },
          { server: "isu2", result: "unreachable", reason: expect.stringContaining("refused the connection") },
        ],
      });
      expect(await heads()).toEqual([nine, commits.one]);
      const alone = await deploy("main", "--to", "isu2");
      expect([alone.code, alone.said]).toEqual([
        2,
        expect.stringContaining(`without it: --to '!isu2'; if it is gone for good, take it out of`),
      ]);
      await on("isu1", "systemctl stop webapp");
      const up = await trial.run("up", ["--yes", "--connect-timeout", "0"]);
      expect([up.code, up.said]).toEqual([1, expect.stringMatching(/isu2: .*refused the connection.*--forget isu2/)]);
      expect(await on("isu1", "curl -s --retry 10 --retry-connrefused http://127.0.0.1:8080/")).toBe("9");
    } finally {
      execFileSync("nft", ["delete", "table", "ip", table]);
    }
    const up = await trial.run("up", ["--yes"]);
    expect(up.code, up.said).toBe(0);
    await soon(answers).toEqual(["9", "9"]);
    expect(await heads()).toEqual([nine, nine]);
  });
});
