// What the role base makes of single parameters, and what it refuses.
import { expect, test } from "vitest";
import type { Facts } from "../../provisioners/engine/facts.ts";
import { app } from "../../provisioners/roles/app/role.ts";
import { base } from "../../provisioners/roles/base/role.ts";
import { repositoriesOf } from "../../provisioners/roles/contract.ts";
import { UserError } from "../../spec/problem.ts";

const facts: Facts = {
  ...{ distribution: "debian", version: "12", architecture: "amd64", cores: 2, memoryMiB: 2048 },
  ...{ container: false, packageManager: "apt", cloudInit: false },
};
const self = { name: "isu1", privateAddress: "10.0.0.1", account: "isucon", roles: ["base"], ports: [] };
const team = { name: "t", servers: [self], members: [{ name: "ada", sudo: false }], endpoints: [] };

function addresses(said: object, known: Partial<Facts> = {}): string[] {
  const params = base.params.parse(said);
  return base.resources({ params, facts: { ...facts, ...known }, shared: false, self, team }).map(({ address }) => address);
}
const refused = (said: object): string[] => base.params.safeParse(said).error?.issues.map(({ path }) => path.join(".")) ?? [];

test("swap is a file with its unit, and none in a container, which has its host's", () => {
  expect(addresses({ swap: "1GiB" })).toContain("command[swap]");
  expect(addresses({ swap: "1GiB" }, { container: true }).filter((each) => each.includes("swap"))).toEqual([]);
});

test("a package is told once, by whoever says more of it", () => {
  const packages = addresses({ packages: ["git", "git", { name: "curl", version: "7.88.1-10" }] }).filter((each) =>
    each.startsWith("package["),
  );
  expect(packages.sort()).toEqual(["package[curl]", "package[git]", "package[sudo]", "package[tzdata]"]);
});

test("a .deb wants its sum and version, and a version needs no hold", () => {
  const deb = { name: "alp", version: "1", url: "https://example.org/alp.deb", sha256: "0".repeat(64) };
  expect(refused({ packages: [deb] })).toEqual([]);
  for (const part of ["version", "sha256", "url"]) expect(refused({ packages: [{ ...deb, [part]: undefined }] }), part).toHaveLength(1);
  expect(refused({ packages: [{ name: "git", version: "1", hold: true }] })).toHaveLength(1);
});

test("only the team's own people are put into groups", () => {
  expect(addresses({ groups: { docker: ["ada", "isucon"] } })).toContain("group[docker]");
  expect(() => addresses({ groups: { docker: ["eve"] } })).toThrow(UserError);
});

test("jobs of cron bring cron along", () => {
  const found = addresses({ cron: { rotate: { jobs: [{ schedule: "@daily", run: "true" }] } } });
  expect(found).toEqual(expect.arrayContaining(["package[cron]", "cron[rotate]"]));
});

test("the locale is written where it outlives a boot", () => {
  const files = (known: Partial<Facts>) => addresses({}, known).filter((each) => each.includes("locale"));
  for (const [distribution, version, file] of [
    ["debian", "12", "/etc/default/locale"],
    ["debian", "13", "/etc/locale.conf"],
    ["ubuntu", "24.04", "/etc/default/locale"],
    ["ubuntu", "26.04", "/etc/locale.conf"],
    ["amzn", "2023", "/etc/locale.conf"],
  ] as const)
    expect(files({ distribution, version })).toEqual([`file[${file}]`]);
});

test("the hosts of the stack's repositories are known by the keys that they publish, and opened with the team's", () => {
  const told = (repositories: readonly string[], said: object = {}) => {
    const servers = [self, { ...self, name: "isu2", privateAddress: "10.0.0.2", repositories }];
    const all = base.resources({ params: base.params.parse(said), facts, shared: false, self, team: { ...team, servers } });
    const content = (address: string) =>
      all.map(({ address: at, want }) => (at === address ? (want as { content?: string }).content : "")).join("");
    const known = content("block[/etc/ssh/ssh_known_hosts:team]").split("\n");
    return {
      known: known.filter((line) => !/^isu|^$/.test(line)).map((line) => line.split(" ").slice(0, 2).join(" ")),
      opened: /^Host (.*)$/m.exec(content("file[/etc/ssh/ssh_config.d/50-fleet.conf]"))?.[1],
    };
  };
  expect(told([])).toEqual({ known: ["github.com ssh-ed25519"], opened: "isu1 isu2 github.com" });
  expect(told(["git@gitlab.com:team/app.git", "ssh://git@bitbucket.org/team/app.git"])).toEqual({
    known: ["github.com ssh-ed25519", "gitlab.com ssh-ed25519", "bitbucket.org ssh-ed25519"],
    opened: "isu1 isu2 github.com gitlab.com bitbucket.org",
  });
  expect(told(["ssh://git@ssh.github.com:443/team/app.git"]).known).toEqual(["github.com ssh-ed25519", "[ssh.github.com]:443 ssh-ed25519"]);
  expect(told(["ssh://git@git.example.org:2222/app.git"])).toEqual({
    known: ["github.com ssh-ed25519"],
    opened: "isu1 isu2 github.com git.example.org",
  });
  expect(told(["https://gitlab.com/team/app.git", "/var/opt/app.git"]).opened).toBe("isu1 isu2 github.com");
  expect(told(["git@gitlab.com:team/app.git"], { deployHosts: [], knownHosts: ["gitlab.com,192.0.2.1 ssh-rsa AAAA"] })).toEqual({
    known: ["gitlab.com,192.0.2.1 ssh-rsa"],
    opened: "isu1 isu2 gitlab.com",
  });
});

test("a role says where it fetches code", () => {
  const params = (git: object) => ({ app: app.params.parse({ git: { path: "/srv/app", ...git } }) });
  const repository = "git@gitlab.com:team/app.git";
  expect(repositoriesOf({ roles: ["base", "app"], params: { base: {}, ...params({ repository }) } })).toEqual([repository]);
});

test("where /etc/hosts is left alone, ssh knows the team's servers all the same", () => {
  const config = (said: object): string => {
    const params = base.params.parse(said);
    const all = base.resources({ params, facts, shared: false, self, team });
    return JSON.stringify(all.find(({ address }) => address === "file[/etc/ssh/ssh_config.d/50-fleet.conf]"));
  };
  expect(config({ hosts: false })).toContain("Host isu1\\n  HostName 10.0.0.1\\n");
  expect(config({})).not.toContain("HostName");
});
