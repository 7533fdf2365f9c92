// Roles on distributions with apt and with dnf: names, places, and what can't be there said before anything runs.
import { describe, expect, test } from "vitest";
import { factsOnAws } from "../../components/targets/aws/facts/servers.ts";
import { completeFacts, expandRole, planFleet } from "../../provisioners/expand.ts";
import { dnf } from "../../provisioners/resources/managers.ts";
import { want } from "../../provisioners/resources/want.ts";
import { namedFor } from "../../provisioners/roles/package-managers.ts";
import { roles } from "../../provisioners/roles/roles.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";

const image = (name: string, servers: string, more = "") => `
config:
  contest-fleet:fleet:
    team: amazon
    target: { kind: aws, region: ap-northeast-1, sshFrom: [203.0.113.0/24], image: ${name} }
    servers: { isu1: ${servers} }
${more}`;

const plan = (text: string) =>
  planFleet(parseStack(text, "stacks/Pulumi.t.yaml", choices).spec, { stack: "t", cores: 1, architecture: "amd64", overlays: {} });

describe("a role on a server with dnf", () => {
  /** What Amazon Linux 2023 has of the packages that our roles want, by its release notes. */
  const amazon = [
    "ca-certificates",
    "cronie",
    "curl",
    "git",
    "htop",
    "jq",
    "less",
    "memcached",
    "nginx",
    "nginx-mod-stream",
    "openssl",
  ].concat([...["rsync", "strace", "sudo", "sysstat", "tzdata", "vim-minimal", "glibc-langpack-ja"]]);
  const able = roles.filter(({ packageManagers }) => packageManagers?.includes("dnf") ?? true).map(({ name }) => name);

  test("says so, or is one of these", () => {
    expect(able.toSorted()).toEqual(["app", "base", "memcached", "nginx"]);
  });

  test("asks for packages of that distribution, by dnf, and for no place of Debian's", () => {
    const params = `
    params:
      base: { locale: ja_JP.UTF-8, timezone: Asia/Tokyo, sshd: {}, cron: { x: { jobs: [{ schedule: "@daily", user: root, run: "true" }] } } }
      nginx:
        main: { streams: [{ port: 3307, upstream: { name: db, servers: [{ host: 127.0.0.1, port: 3306 }] } }] }
        sites: [{ name: front, listen: [80], routes: [{ kind: static, path: /, root: /srv }] }]
        certificates: { x: { names: [x.example] } }`;
    const of = plan(image("al2023", `{ roles: [${able.join(", ")}] }`, params));
    const [server] = of.servers;
    for (const role of able) {
      const wants = Object.entries(expandRole(of, server!, role, completeFacts(server!.declared)!));
      const packages = wants.filter(([address]) => address.startsWith("package["));
      for (const [address, each] of packages) {
        expect(each, address).toMatchObject({ manager: "dnf" });
        expect(amazon, role).toContain((each as { name?: string }).name);
        expect(address).toBe(`package[${(each as { name?: string }).name}]`);
      }
      expect(JSON.stringify(wants), role).not.toMatch(
        /sites-(available|enabled)|modules-enabled|www-data|"ssh\.service|\/etc\/(timezone|default|apt)\b|memcached\.conf|apt-get|vim-tiny|package\[cron\]/,
      );
    }
  });

  test("keeps Debian's names and places on Debian", () => {
    const of = plan(image("debian-12", "{ roles: [base, nginx] }"));
    const wants = expandRole(of, of.servers[0]!, "nginx", completeFacts(of.servers[0]!.declared)!);
    expect(wants["package[nginx]"]).not.toHaveProperty("manager");
    expect(JSON.stringify(wants)).toContain("www-data");
  });

  test("is referred to by its name there", () => {
    const cron = want.package({ name: "cron" });
    const service = want.service({ unit: "crond.service", restartOn: [cron.address], after: [cron.address] });
    const [renamed, heard] = namedFor({ packageManager: "dnf" }, [cron, service]);
    expect([renamed?.address, renamed?.want]).toEqual(["package[cronie]", expect.objectContaining({ name: "cronie", manager: "dnf" })]);
    expect(heard?.want).toMatchObject({ restartOn: ["package[cronie]"], after: ["package[cronie]"] });
    expect(namedFor({ packageManager: "apt" }, [cron])).toEqual([cron]);
  });

  test.each(roles.filter(({ name }) => !able.includes(name)).map(({ name }) => name))("%s is refused before anything runs", (name) => {
    const reason = `got one with dnf (amzn 2023); take another image`;
    expect(() => plan(image("al2023", `{ roles: [base, ${name}] }`))).toThrow(reason);
    const pool = `
    params: {}`;
    const text = image("debian-12", "{ roles: [base] }", pool).replace(
      "image: debian-12 }",
      `image: debian-12, pools: { web: { roles: [base, ${name}], image: al2023, size: { min: 1, max: 2 } } } }`,
    );
    expect(() => plan(text)).toThrow(`target.pools.web.roles: expected a server with apt (Debian, Ubuntu) for \`${name}\`, ${reason}`);
  });

  test("and so is one whose distribution only the server tells", () => {
    const of = plan(image("ami-0abc1234def567890", "{ roles: [base, redis] }"));
    const facts = completeFacts({ ...factsOnAws("c5.large", "al2023") })!;
    expect(() => expandRole(of, of.servers[0]!, "redis", facts)).toThrow("expected a server with apt (Debian, Ubuntu) for `redis`");
  });

  test.each([
    ["{ packages: [{ name: jq, hold: true }] }", "params.base.packages[0]: expected a server with apt"],
    ["{ packages: [{ name: jq, version: '1.7' }] }", "params.base.packages[0]: expected a server with apt"],
    ["{ repositories: { x: { uris: [https://x.example], suites: [x], signedBy: /x.gpg } } }", "params.base.repositories.x: expected"],
  ])("what only apt has is refused: %s", (base, reason) => {
    const of = plan(image("al2023", `{ roles: [base], params: { base: ${base} } }`));
    expect(() => expandRole(of, of.servers[0]!, "base", completeFacts(of.servers[0]!.declared)!)).toThrow(reason);
  });
});

test("a package of dnf's is none of apt's: a .deb is refused, and no word of apt's is sent", () => {
  const deb = { url: "https://x.example/x.deb", sha256: "0".repeat(64), version: "1" };
  expect(() => want.package({ name: "x", manager: "dnf", ...deb })).toThrow("expected a server with apt for a .deb");
  expect(dnf.installLean(["x"]).text + dnf.purge(["x"]).text).not.toMatch(/^\s*(apt|dpkg)/m);
});
