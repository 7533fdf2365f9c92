// fleet init: what a team's folder holds at its beginning, and what of a folder that is there already stays.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkout } from "../../provisioners/project.ts";
import { decrypted, unlock } from "../../pulumi/passphrase.ts";

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "fleet-init-"));
  more = {};
});
afterEach(() => rmSync(place, { recursive: true }));

const { FLEET_PROJECT: _, PULUMI_CONFIG_PASSPHRASE: __, FLEET_PASSWORD: ___, ...env } = process.env;
function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: place, env: { ...env, ...more }, encoding: "utf8" });
  return { status, stdout, stderr };
}
let more: NodeJS.ProcessEnv;
const stack = (...args: string[]) => run(join(checkout, "fleet"), "init", ...args, "--no-install");
const init = (...args: string[]) => stack(...args, "--no-stack");
const read = (file: string): string => readFileSync(join(place, file), "utf8");
/** As `npm install` leaves it. */
function link(folder: string): void {
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(checkout, join(folder, "node_modules/contest-fleet"));
  symlinkSync("../contest-fleet/fleet", join(folder, "node_modules/.bin/fleet"));
}

/** A person at a terminal: what is waited for, and what is typed then. */
const person = (lines: readonly (readonly [string, string])[]): string => `
import os, pty, select, sys, time
pid, tty = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
seen = b""
def until(text):
    global seen
    end = time.time() + 50
    while text is None or text not in seen:
        if time.time() > end: break
        if not select.select([tty], [], [], 1)[0]: continue
        try: read = os.read(tty, 4096)
        except OSError: return
        if not read: return
        seen += read
        sys.stdout.buffer.write(read)
for text, typed in ${JSON.stringify(lines)}:
    until(text.encode())
    seen = b""
    time.sleep(0.2)
    os.write(tty, typed.encode())
until(None)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
const typing = person([
  ["Where are the servers?", "\r"],
  ["Team?", "\u0015team-b\r"],
  ["GitHub ids", "octocat hubot\r"],
]);
const leaving = person([["Where are the servers?", "\u0003"]]);

test("an empty folder becomes a project whose commands are its own, wherever they are typed", () => {
  const { status, stdout } = init("team");
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^team: made Pulumi\.yaml, package\.json, .*roles\/motd\/role\.ts.*\ngit: a new repository\n\nnext:\n {2}cd team\n {2}npm install/,
  );
  const folder = join(place, "team");
  expect(run(join(folder, "fleet"), "check").stderr).toBe("the packages are not there: type `npm install`\n");
  link(folder);
  writeFileSync(
    join(folder, "stacks/Pulumi.a.yaml"),
    "config:\n  contest-fleet:fleet:\n    team: a\n    target: practice\n    servers:\n      isu1: { roles: [base, motd] }\n",
  );
  expect(run(join(folder, "fleet"), "check")).toMatchObject({ status: 0, stdout: "a: no problems\n" });
  // As npx calls it, in a folder below.
  expect(run("sh", "-c", 'cd team/stacks && "$OLDPWD/team/node_modules/.bin/fleet" check').stdout).toBe("a: no problems\n");
  expect(run(join(folder, "fleet"), "docs").stdout).toContain("motd  a greeting at login");
  expect(JSON.parse(read("team/stacks/fleet.schema.json")).$defs.params.properties.motd.properties.text).toBeDefined();
});

test("git takes the team's work, and neither state nor keys", () => {
  init("team");
  const folder = join(place, "team");
  const kept = ["stacks/Pulumi.a.yaml", "roles/motd/role.ts", "stacks/files/common/etc/hosts", "package-lock.json"];
  const out = [".fleet/.pulumi/stacks/x.json", "node_modules/x/y.js", "archives/a/b", "isucon.pem", "id_ed25519", ".env"];
  const { stdout } = spawnSync("git", ["check-ignore", "--no-index", ...kept, ...out], { cwd: folder, encoding: "utf8" });
  expect(stdout.trim().split("\n")).toEqual(out);
});

test("what is there stays, a package.json gets the dependency alone, and a second time changes nothing", () => {
  mkdirSync(join(place, "team"));
  writeFileSync(join(place, "team/package.json"), '{"name": "ours", "dependencies": {"left-pad": "1.3.0"}}');
  writeFileSync(join(place, "team/README.md"), "ours\n");
  expect(init("team").stdout).toContain("package.json (the dependency alone)");
  expect(read("team/README.md")).toBe("ours\n");
  const { dependencies, ...rest } = JSON.parse(read("team/package.json"));
  expect(rest).toEqual({ name: "ours" });
  expect(Object.keys(dependencies)).toEqual(["left-pad", "contest-fleet"]);
  expect(dependencies["contest-fleet"]).toMatch(/^file:/);
  writeFileSync(join(place, "team/roles/motd/motd.liquid"), "mine\n");
  expect(init("team").stdout).toContain("team: all there already");
  expect(read("team/roles/motd/motd.liquid")).toBe("mine\n");
});

test("a folder of somebody's repository stays part of it", () => {
  execFileSync("git", ["init", "-q", place]);
  expect(init("infra").stdout).not.toContain("git:");
  expect(existsSync(join(place, "infra/.git"))).toBe(false);
});

test.for<[what: string, make: () => void, told: RegExp]>([
  ["a file", () => writeFileSync(join(place, "x"), ""), /^x: expected a folder, or nothing, got a file$/m],
  [
    "a package.json that is none",
    () => {
      mkdirSync(join(place, "x"));
      writeFileSync(join(place, "x/package.json"), "{");
    },
    /package\.json: expected JSON, got .*; mend it, and type the same again/,
  ],
])("%s in the way is a sentence", ([, make, told]) => {
  make();
  const { status, stderr } = init("x");
  expect(status).toBe(2);
  expect(stderr).toMatch(told);
});

describe("the first stack", () => {
  const checked = (folder: string) => run(join(checkout, "fleet"), "--cwd", folder, "check");
  const fleetIn = (file: string) => parse(read(file)).config["contest-fleet:fleet"];

  test("on practice machines has a contest's shape, and the folder's name where nobody says another", () => {
    const { status, stdout } = stack("Our Team", "--practice", "--yes", "-m", "octocat");
    expect(status).toBe(0);
    expect(stdout).toContain("stacks/Pulumi.our-team.yaml: written, without a problem");
    const right = checked("Our Team");
    expect(right).toMatchObject({ status: 0, stdout: "our-team: no problems\n" });
    // The schema is that of its roles already.
    expect(right.stderr).not.toContain("written anew");
    const { servers, members, target } = fleetIn("Our Team/stacks/Pulumi.our-team.yaml");
    expect([target, Object.keys(servers), members]).toEqual(["practice", ["isu1", "isu2", "isu3"], [{ github: "octocat" }]]);
    // What an up brings along without being asked is that of the practice stack here.
    const ours = parse(readFileSync(join(checkout, "stacks/Pulumi.practice.yaml"), "utf8")).config["contest-fleet:fleet"];
    expect(servers).toEqual(ours.servers);
  });

  test("of servers that were handed out holds the password encrypted, by the passphrase that is given", async () => {
    writeFileSync(join(place, "password"), "of the organiser\n");
    more = { PULUMI_CONFIG_PASSPHRASE: "ours" };
    const options = [
      "--server",
      "isu1=203.0.113.11",
      "--server",
      "isu2=203.0.113.12:2222",
      "--password-file",
      "password",
      "--user",
      "admin",
    ];
    expect(stack("team", "--team", "team-a", ...options)).toMatchObject({ status: 0 });
    const text = read("team/stacks/Pulumi.team-a.yaml");
    expect(text).not.toContain("organiser");
    const { servers } = fleetIn("team/stacks/Pulumi.team-a.yaml");
    expect(servers.isu2).toMatchObject({ roles: ["base"], address: "203.0.113.12", port: 2222, user: "admin" });
    const key = await unlock(parse(text).encryptionsalt, "ours");
    expect(decrypted(key!, servers.isu1.password.secure)).toBe("of the organiser");
    expect(checked("team").stdout).toBe("team-a: no problems\n");
  });

  test("on AWS is priced and checked as any", () => {
    expect(stack("team", "--aws", "--yes", "--ssh-from", "203.0.113.0/24", "--type", "c7i.large").status).toBe(0);
    expect(fleetIn("team/stacks/Pulumi.team.yaml").target).toMatchObject({
      kind: "aws",
      region: "ap-northeast-1",
      instanceType: "c7i.large",
    });
    expect(checked("team").stdout).toBe("team: no problems\n");
  });

  test.for<[what: string, options: readonly string[], told: string]>([
    [
      "where the servers are",
      [],
      "expected where the servers are, got nobody to ask; next: add --practice, --server isu1=ADDRESS, --aws, or --no-stack",
    ],
    ["two places at once", ["--practice", "--aws"], "expected one of --practice, --server and --aws, got several"],
    [
      "a way in",
      ["--server", "isu1=203.0.113.11"],
      "expected a way in, got nobody to ask; next: add --password-file FILE or --key FILE, or export FLEET_PASSWORD",
    ],
    ["a passphrase", ["--server", "isu1=203.0.113.11", "--key", "/etc/hostname"], "next: export PULUMI_CONFIG_PASSPHRASE=…"],
    ["whom AWS lets in", ["--aws"], "expected networks that may use SSH, got nobody to ask; next: add --ssh-from"],
    ["a server that is none", ["--server", "isu1"], "write a server as `isu1=203.0.113.11`"],
    [
      "a key that is not there",
      ["--server", "isu1=203.0.113.11", "--key", "gone"],
      "gone: expected a file that can be read, got no such file",
    ],
    ["a team's name that is none", ["--practice", "--team", "Team A"], "team: expected a team name of up to 32"],
    ["an instance type that is none", ["--aws", "--ssh-from", "203.0.113.0/24", "--type", "big"], "expected an EC2 instance type"],
  ])("without a terminal, %s is a sentence, and nothing is written", ([, options, told]) => {
    const { status, stderr } = stack("team", ...options);
    expect(status).toBe(2);
    expect(stderr).toContain(told);
    expect(existsSync(join(place, "team"))).toBe(false);
  });

  test("a stack that is there stays", () => {
    stack("team", "--practice", "--yes");
    const before = read("team/stacks/Pulumi.team.yaml");
    expect(stack("team", "--practice", "--yes").stderr).toContain("team: expected a stack that is not there yet");
    expect(read("team/stacks/Pulumi.team.yaml")).toBe(before);
    expect(stack("team", "--practice", "--yes", "--team", "second").status).toBe(0);
  });

  test("at a terminal, what no option says is asked, and Ctrl-C ends with a sentence", () => {
    const { status, stdout } = run("python3", "-c", typing, join(checkout, "fleet"), "init", "team", "--no-install");
    expect(stdout).toContain("Where are the servers?");
    expect(status, stdout).toBe(0);
    expect(fleetIn("team/stacks/Pulumi.team-b.yaml").members).toEqual([{ github: "octocat" }, { github: "hubot" }]);
    const left = run("python3", "-c", leaving, join(checkout, "fleet"), "init", "left", "--no-install");
    expect(left.stdout).toContain("init: interrupted before anything was changed");
    expect(left.status).toBe(130);
    expect(existsSync(join(place, "left"))).toBe(false);
  });
});
