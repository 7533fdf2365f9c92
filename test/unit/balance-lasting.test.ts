// What a drain changes in a file that the stack wants as a whole goes with the next up: whoever drains is told where to say it.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Balancer, balancerOn, placesOf, type Shares, type Target } from "../../operations/balance/drain.ts";
import { putBack, type WantedAt, wantedAt } from "../../operations/balance/lasting.ts";
import { groupsIn } from "../../operations/balance/nginx.ts";
import { writeTeamFiles } from "../../operations/balance/team-files.ts";
import { sourceOf } from "../../operations/edit/place.ts";
import { expandRole, planFleet } from "../../provisioners/expand.ts";
import { stacksFolder } from "../../provisioners/project.ts";
import { choices } from "../../provisioners/stack.ts";
import { overlays } from "../../spec/overlay.ts";
import { parseStack } from "../../spec/read.ts";
import { blankFacts } from "../support/facts.ts";

const conf = "upstream team {\n  server 192.0.2.1:80;\n  server 192.0.2.2:80 weight=3;\n}\nserver { listen 80; }\n";
const [enabled, available] = ["/etc/nginx/sites-enabled/app", "/etc/nginx/sites-available/app"];
const balancer: Balancer = {
  server: "isu1",
  haproxy: [],
  files: { [enabled]: conf },
  groups: groupsIn(enabled, conf),
  real: { [enabled]: available },
};
const told = (now: number, wanted: WantedAt, before = 100, of: Balancer = balancer) => {
  const target: Target = { name: "isu2", hosts: ["isu2", "192.0.2.2"], before, now };
  const shares: Shares = { targets: [target], shareOf: () => 100 };
  return putBack([of], placesOf([of], [target]), shares, wanted).map(({ path, words, until }) => `${path}: ${words}: ${until}`);
};
const holds =
  (content: string): WantedAt =>
  (server, path) =>
    server === "isu1" && path === available ? { role: "files", content } : undefined;

describe("nginx", () => {
  test("a file that the stack wants with another share goes back, found where its link leads", () => {
    expect(told(0, holds(conf))).toEqual([`${available}: \`down\` behind \`server 192.0.2.2:80\`: the next up`]);
    expect(told(20, holds(conf))).toEqual([`${available}: \`weight=60\` behind \`server 192.0.2.2:80\`: the next up`]);
    expect(told(0, holds("upstream other { server 192.0.2.2:80 down; }\n"))).toHaveLength(1);
  });

  test("one that says the share by itself stays, and so does one that the stack does not want", () => {
    expect(told(0, holds(conf.replace("weight=3", "weight=3 down")))).toEqual([]);
    expect(told(0, () => undefined)).toEqual([]);
    expect(told(100, holds(conf))).toEqual([]);
  });

  test("what the file itself holds down, an enable brings in until the next up", () => {
    const out = conf.replace("192.0.2.2:80 weight=3", "192.0.2.2:80 down");
    const there = { ...balancer, files: { [enabled]: out }, groups: groupsIn(enabled, out) };
    expect(told(100, holds(out), 0, there)).toEqual([
      `${available}: neither \`down\` nor a weight behind \`server 192.0.2.2:80\`: the next up`,
    ]);
  });
});

test("haproxy's own file counts at its next reload", () => {
  const server = { backend: "app", name: "two", host: "192.0.2.2", port: 80, weight: 100, out: false, sessions: 0 };
  const of: Balancer = { server: "isu1", haproxy: [server], files: {}, groups: [], real: {} };
  const file =
    (line: string): WantedAt =>
    () => ({ role: "files", content: `backend app\n    ${line}\n` });
  expect(told(0, file("server two 192.0.2.2:80"), 100, of)).toEqual([
    "/etc/haproxy/haproxy.cfg: `disabled` behind `server two`: haproxy's next reload",
  ]);
  expect(told(0, file("server two 192.0.2.2:80 disabled"), 100, of)).toEqual([]);
});

describe("what the next up writes", () => {
  const folder = join(stacksFolder, "files-lasting");
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const plan = (sites = "[]") => {
    const rest = "user: isucon, password: { secure: v1:x }";
    const text = `config:
  contest-fleet:fleet:
    team: t
    target: inventory
    files: files-lasting
    servers:
      isu1: { roles: [base, nginx], params: { nginx: { sites: ${sites} } }, address: 192.0.2.1, ${rest} }
      isu2: { roles: [base], address: 192.0.2.2, share: 0, ${rest} }
`;
    const { spec } = parseStack(text, "stacks/Pulumi.t.yaml", choices);
    return planFleet(spec, { stack: "t", cores: 1, architecture: "amd64", overlays: overlays(folder, ["isu1", "isu2"]) });
  };

  test("is the team's own file with its source, or a role's; of what nobody wants, nothing", () => {
    mkdirSync(dirname(join(folder, "common", available)), { recursive: true });
    writeFileSync(join(folder, "common", available), conf);
    const wanted = wantedAt(plan(), () => blankFacts);
    expect(wanted("isu1", available)?.content).toBe(conf);
    expect(wanted("isu1", "/etc/nginx/nginx.conf")?.role).toBe("nginx");
    expect([wanted("isu1", "/etc/nobody"), wanted("isu9", available), wantedAt(plan(), () => ({}))("isu1", available)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(sourceOf(plan(), { server: "isu1", path: available })).toMatch(/files-lasting\/common\/etc\/nginx\/sites-available\/app$/);
    expect(sourceOf(plan(), { server: "isu1", path: "/etc/nginx/nginx.conf" })).toBeUndefined();
    expect(told(0, wanted)).toHaveLength(1);
  });

  test("is what was changed once the team's file says so, for that server alone; in again, there is one file for all", () => {
    const file = (layer: string) => join(folder, layer, available);
    mkdirSync(dirname(file("common")), { recursive: true });
    writeFileSync(file("common"), conf);
    const write = (now: number, before: number, text: string) => {
      const of = { ...balancer, files: { [enabled]: text }, groups: groupsIn(enabled, text) };
      const target: Target = { name: "isu2", hosts: ["isu2", "192.0.2.2"], before, now };
      const shares: Shares = { targets: [target], shareOf: () => 100 };
      const places = placesOf([of], [target]);
      const wanted = () => wantedAt(plan(), () => blankFacts);
      const wrote = writeTeamFiles(plan(), putBack([of], places, shares, wanted()), shares);
      return [wrote, putBack([of], places, shares, wanted()).length];
    };
    const out = conf.replace("weight=3", "weight=3 down");
    expect(write(0, 100, conf)).toEqual([true, 0]);
    expect([readFileSync(file("isu1"), "utf8"), readFileSync(file("common"), "utf8")]).toEqual([out, conf]);
    expect(write(100, 0, out)).toEqual([true, 0]);
    expect([existsSync(join(folder, "isu1")), readFileSync(file("common"), "utf8")]).toEqual([false, conf]);
  });

  test("of a role's own upstream it is what was changed, since the stack file has the share", () => {
    const sites = `[{ name: team, listen: [80], upstreams: [{ name: team, servers: [{ host: isu1, port: 80 }, { host: isu2, port: 80 }] }], routes: [{ path: /, kind: proxy, upstream: team }] }]`;
    const path = Object.keys(expandRole(plan(sites), plan(sites).servers[0]!, "nginx", blankFacts))
      .flatMap((address) => /^file\[(.*)\]$/.exec(address)?.[1] ?? [])
      .find((each) => wantedAt(plan(sites), () => blankFacts)("isu1", each)?.content.includes("upstream team"))!;
    const { content } = wantedAt(plan(sites), () => blankFacts)("isu1", path)!;
    expect(content).toContain("isu2:80 down;");
    const before = content.replace(" down;", ";");
    const of = { ...balancer, files: { [path]: before }, groups: groupsIn(path, before), real: {} };
    expect(
      told(
        0,
        wantedAt(plan(sites), () => blankFacts),
        100,
        of,
      ),
    ).toEqual([]);
    expect(
      told(
        50,
        wantedAt(plan(sites), () => blankFacts),
        100,
        of,
      ),
    ).toHaveLength(1);
  });
});

test("a look says where nginx' files really lie", async () => {
  const folder = mkdtempSync("/var/tmp/fleet-lasting-");
  try {
    const [link, file] = [join(folder, "enabled"), join(folder, "available")];
    writeFileSync(file, conf);
    symlinkSync(file, link);
    const nginx = `#!/bin/sh\ncase $* in *-T*) printf '# configuration file %s:\\n' ${link}; cat ${link}; echo; printf '# configuration file %s:\\n\\n' ${file} ;; esac\n`;
    for (const [name, text] of [
      ["nginx", nginx],
      ["systemctl", "#!/bin/sh\n"],
    ] as const) {
      writeFileSync(join(folder, name), text);
      chmodSync(join(folder, name), 0o755);
    }
    const env = { PATH: `${folder}:${process.env.PATH}` };
    const run = async ({ text }: { text: string }) => ({ code: 0, stdout: execFileSync("sh", ["-c", text], { env }), stderr: "" });
    const found = await balancerOn("isu1", { host: "isu1", run, close: async () => {} }, new AbortController().signal);
    expect(found.real).toEqual({ [link]: file });
    expect(found.files[link]).toBe(conf);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
