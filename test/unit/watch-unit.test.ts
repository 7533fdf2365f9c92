// The watch as a unit: its text, its own member in the stack file, what it is told of AWS and of a server's health.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { install, refuseOthers, uninstall } from "../../cli/watch-unit.ts";
import { aroundIn, urnOf } from "../../operations/watch/around.ts";
import { unwell } from "../../operations/watch/health.ts";
import { isLetIn, withWatcher } from "../../operations/watch/member.ts";
import { environmentText, projectIn, unitFolder, unitName, unitText } from "../../operations/watch/unit.ts";
import { stateFolder } from "../../pulumi/folder.ts";
import { ownProject, ownStack } from "../support/own.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFdhdGNoZXI fleet-watch-team-a@ops1";
const stackFile = (members: string) => `# A team.
config:
  contest-fleet:fleet:
    team: team-a # ours
${members}    target: inventory

    servers: { isu1: { roles: [base] } }
`;
const membersIn = (text: string): unknown => parse(text).config["contest-fleet:fleet"].members;
const watcher = { name: "fleet-watch", keys: [key] };
const ada = { github: "ada" };

describe("the watch's own member", () => {
  test.for([
    ["none", "", []],
    ["an empty list", "    members: []\n", []],
    ["a list in one line", "    members: [{ github: ada }] # us\n", [ada]],
    ["a list in lines", "    members:\n      - github: ada # first\n      # two more later\n", [ada]],
    ["a list whose items stand at the key", "    members:\n    - github: ada\n", [ada]],
  ] as const)("%s: comes, comes once, and goes, the rest to the letter", ([, members, others]) => {
    const before = stackFile(members);
    const put = withWatcher(before, key);
    expect(membersIn(put)).toEqual([...others, watcher]);
    expect(withWatcher(put, key)).toBe(put);
    const taken = withWatcher(put, undefined);
    expect(membersIn(taken)).toEqual([...others]);
    if (members !== "") expect(taken).toBe(before);
    expect(put).toContain("team: team-a # ours\n");
    expect(withWatcher(before, undefined)).toBe(before);
  });

  test("another key takes the old one's place", () => {
    const other = key.replace("ops1", "ops2");
    const text = withWatcher(withWatcher(stackFile("    members:\n      - github: ada\n"), key), other);
    expect(membersIn(text)).toEqual([ada, { name: "fleet-watch", keys: [other] }]);
  });
});

describe("the unit", () => {
  const wish = {
    stack: "team-a",
    project: "/srv/our servers",
    command: ["/opt/node/bin/node", "/srv/our servers/cli/main.ts"],
    words: ["--every", "30s", "--heal"],
    environmentFile: "/srv/our servers/.fleet/watch/unit-team-a/environment",
  };

  test("runs the watch as the project's owner, starts again, and holds no secret", () => {
    const text = unitText({ ...wish, user: "1000" });
    expect(text).toContain('\nExecStart=/opt/node/bin/node "/srv/our servers/cli/main.ts" watch team-a --every 30s --heal\n');
    expect(text).toContain("\nUser=1000\nWorkingDirectory=/srv/our servers\n");
    expect(text).toMatch(/\nRestart=always\n(.*\n)*\[Install\]\nWantedBy=multi-user\.target\n$/);
    const own = unitText(wish);
    expect([own.includes("User="), own.endsWith("WantedBy=default.target\n")]).toEqual([false, true]);
    expect([unitFolder(true, "/root"), unitFolder(false, "/home/ada"), unitName("team-a")]).toEqual([
      "/etc/systemd/system",
      "/home/ada/.config/systemd/user",
      "fleet-watch-team-a.service",
    ]);
  });

  test("systemd takes it", () => {
    const folder = mkdtempSync(join(tmpdir(), "unit-"));
    const file = join(folder, unitName("team-a"));
    writeFileSync(join(folder, "environment"), "");
    writeFileSync(
      file,
      unitText({ ...wish, project: folder, command: [process.execPath], environmentFile: join(folder, "environment"), user: "0" }),
    );
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", file], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    expect([status, stderr.split("\n").filter((line) => line.includes("fleet-watch"))]).toEqual([0, []]);
  });

  test("its environment has what a look needs and nothing else; a shell reads it as it was", () => {
    const env = { PULUMI_CONFIG_PASSPHRASE: "x", PULUMI_ACCESS: "no", HOME: "/root", AWS_PROFILE: "ops", LS_COLORS: "1", EDITOR: "vi" };
    expect(environmentText(env, { FLEET_WATCH_KEY: "/k" })).toBe(
      'PULUMI_CONFIG_PASSPHRASE="x"\nHOME="/root"\nAWS_PROFILE="ops"\nFLEET_WATCH_KEY="/k"\n',
    );
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }).filter((text) => !/[\0\n\r]/.test(text)),
        (value) => {
          const text = environmentText({}, { FLEET_WATCH_EXEC: value });
          expect(text.slice('FLEET_WATCH_EXEC="'.length, -2).replace(/\\([\\"$`])/g, "$1")).toBe(value);
        },
      ),
    );
  });
});

describe("taking it away", () => {
  const written = (project: string) =>
    unitText({ ...{ stack: "team-a", project, command: ["/node"], words: [], environmentFile: "/e" }, user: "0" });

  test("a unit of another project's that has the same name stays; so does one that somebody wrote", () => {
    const folder = mkdtempSync(join(tmpdir(), "unit-"));
    const [file, theirs] = [join(folder, unitName("team-a")), join(folder, "100% theirs")];
    mkdirSync(theirs);
    expect(projectIn(written(theirs))).toBe(theirs);
    const refused = (text: string) => {
      writeFileSync(file, text);
      return () => refuseOthers(file);
    };
    expect(refused(written(theirs))).toThrow(`got that of ${theirs}; next: ./fleet watch uninstall in ${theirs}`);
    expect(refused("[Service]\nExecStart=/bin/true\n")).toThrow("got a unit that no fleet watch made");
    expect(refused(written(ownProject))).not.toThrow();
    rmSync(theirs, { recursive: true });
    expect(refused(written(theirs))).not.toThrow();
    rmSync(folder, { recursive: true });
  });

  test("a name that is no stack's removes nothing, wherever it leads", async () => {
    const kept = join(stateFolder, "kept");
    mkdirSync(kept, { recursive: true });
    for (const name of ["x/../../kept", "no-such-stack"]) await expect(uninstall(name, { yes: true })).rejects.toThrow("got neither");
    expect(existsSync(kept)).toBe(true);
    rmSync(kept, { recursive: true });
  });

  test("of a stack that is down, or whose file is gone, its key goes; nothing is brought up", async () => {
    const stack = ownStack("unwatched");
    const [file, folder] = [join(ownProject, "stacks", `Pulumi.${stack}.yaml`), join(stateFolder, "watch", `unit-${stack}`)];
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    try {
      for (const isThere of [true, false]) {
        mkdirSync(folder, { recursive: true });
        if (isThere) writeFileSync(file, withWatcher(stackFile(""), key));
        else rmSync(file);
        expect(await uninstall(stack, { yes: true })).toBe(0);
        expect(existsSync(folder)).toBe(false);
        if (isThere) expect(membersIn(readFileSync(file, "utf8"))).toEqual([]);
      }
    } finally {
      log.mockRestore();
    }
  });

  test("nor is one made that could tell nobody", async () => {
    const options = { every: 30_000, heal: false, yes: true, on: "ops1:/srv/ours", webhook: "chat.example.com/hooks/TOKEN" };
    await expect(install("team-a", options)).rejects.toThrow("--webhook: expected http:// or https:// and a host");
  });

  test("whether a server lets it in is what the last up left there", () => {
    const wants = (user: string) => ({ wants: { base: { "package[sudo]": {}, [`user[${user}]`]: {} } } });
    expect([isLetIn(wants("fleet-watch")), isLetIn(wants("ada")), isLetIn({ wants: {} })]).toEqual([true, false, false]);
  });
});

describe("what stands around the servers", () => {
  const urn = (type: string, name: string) => `urn:pulumi:team-a::contest-fleet::fleet:index:TeamFleet$${type}::${name}`;
  const known = [urn("aws:ec2/securityGroup:SecurityGroup", "a-group"), urn("fleet:index:InstancePower", "a-isu1")];
  const item = (address: string, cause: string, lines: readonly string[], operation = "update") => ({ address, operation, cause, lines });
  const printed = (shared: readonly object[], servers: readonly object[] = [], more = {}) =>
    JSON.stringify({ notes: [], stacks: [{ shared, servers: servers.map((each) => ({ items: [each] })), ...more }] });

  test("what somebody changed is a difference; what the stack file wants alone is none, and both is left to people", () => {
    const found = aroundIn(
      printed(
        [
          item("aws:ec2/securityGroup:SecurityGroup a-group", "both", ["-ingress: 0.0.0.0/0", "+tags: x"]),
          item("aws:ec2/vpc:Vpc a-vpc", "planned", ["+tags: x"]),
          item("aws:ec2/subnet:Subnet a-new", "planned", [], "create"),
        ],
        [item("fleet:index:InstancePower a-isu1", "drift", ["-state: stopped"]), item("file[/etc/motd]", "drift", ["-x"])],
      ),
      known,
    );
    expect(found).toEqual({
      differences: [
        { server: "aws", role: "a-group", resource: "aws:ec2/securityGroup:SecurityGroup", what: "-ingress: 0.0.0.0/0 +tags: x" },
        { server: "aws", role: "a-isu1", resource: "fleet:index:InstancePower", what: "-state: stopped" },
      ],
      planned: ["a-group"],
    });
  });

  test("what stood and is to be created is gone", () => {
    const { differences } = aroundIn(printed([item("aws:ec2/securityGroup:SecurityGroup a-group", "planned", ["+x"], "create")]), known);
    expect(differences.map(({ what }) => what)).toEqual(["is gone"]);
  });

  test("a preview that failed is no look", () => {
    expect(() => aroundIn(printed([], [], { failure: "no credentials\nat …" }), known)).toThrow("no credentials");
    expect(urnOf("fleet:index:InstancePower a-isu1", known)).toBe(known[1]);
    expect(urnOf("aws:ec2/instance:Instance a-isu1", known)).toBeUndefined();
  });
});

test("a disk that is nearly full is told once, a unit of anybody's that failed as well; the stack's own services are its roles'", () => {
  const disk = (used: number) => ({ place: "/", sizeGB: 20, used });
  const service = { unit: "nginx.service", active: "failed", enabled: "enabled" };
  const found = (used: number) =>
    unwell("isu1", { disks: [disk(used)], broken: ["nginx.service", "backup.service"], services: [service] }).map(
      ({ resource, what }) => `${resource}: ${what.split(";")[0]}`,
    );
  expect(found(0.94)).toEqual(["unit[backup.service]: has failed"]);
  expect(found(0.96)).toEqual(["disk[/]: 95 % or more of 20 GB are used", "unit[backup.service]: has failed"]);
  expect(found(0.99)).toEqual(found(0.96));
});
