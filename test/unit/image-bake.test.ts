// What the baking of an image decides: how a stack file names one, what of a server must not be in it, and what a look at a server from it says.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { checkoutsIn, goes, secretsOf, tellingLines, verdictOf, workIn } from "../../cli/aws/image/not-baked.ts";
import { digestOf, isAtWork } from "../../cli/aws/image/plan.ts";
import { checkoutsScript, cleanScript, freshScript, secretsScript, suspectsIn } from "../../cli/aws/image/scripts.ts";
import { bakedOf, bakedTags, baseOf, filtersOf, testedTags } from "../../components/targets/aws/baked.ts";
import { bakedIn } from "../../components/targets/aws/baked-there.ts";
import { factsOnAws, imageKey } from "../../components/targets/aws/facts/servers.ts";
import { imageRef } from "../../components/targets/aws/image.ts";
import { Image, imageNames } from "../../components/targets/aws/settings/grammar.ts";
import { AwsTarget } from "../../components/targets/aws/settings/target.ts";

describe("a stack file names a baked image", () => {
  test("by what it was baked over, and its name", () => {
    for (const good of ["debian-12/web", "ubuntu-24.04/web-2026-12", "al2023/w1"]) expect(Image.safeParse(good).success, good).toBe(true);
    for (const bad of ["debian-12/", "debian-12/Web", "debian-13/web", "web", "debian-12/a/b", "ubuntu-24x04/web", "debian-12/w"])
      expect(Image.safeParse(bad).error?.issues[0]?.message, bad).toMatch(
        /^expected `ubuntu-24\.04`.*one of those baked such as `debian-12\/web`/,
      );
  });

  test("so that roles know the distribution before a server is there", () => {
    expect(factsOnAws("c5.large", "debian-12/web")).toEqual(factsOnAws("c5.large", "debian-12"));
    expect(factsOnAws("c5.large", "ami-0abc1234")).not.toHaveProperty("distribution");
    expect(imageRef("debian-12/web", "arm64")).toEqual({ baked: { base: "debian-12", name: "web" }, arch: "arm64" });
    expect([bakedOf("debian-12"), bakedOf("ami-0abc1234"), bakedOf("/own/image"), bakedOf("/debian-12/web")]).toEqual(
      Array(4).fill(undefined),
    );
    const keys = ["debian-12/web", "ubuntu-24.04/web", "/own/web"].map((image) => imageKey(image, { arch: "amd64" }));
    expect(keys).toEqual(["debian-12-web-amd64", "ubuntu-24.04-web-amd64", "web-amd64"]);
  });

  test("of every base image, by what a server says of itself", () => {
    const facts = imageNames.map((name) => factsOnAws("c5.large", name));
    expect(facts.map((each) => baseOf({ ...each }))).toEqual([...imageNames]);
    expect(baseOf({ distribution: "debian", version: "13" })).toBeUndefined();
  });

  test("each is asked for once, where it is named first, with the architecture of what starts from it", () => {
    const target = AwsTarget.parse({
      ...{ kind: "aws", region: "ap-northeast-1", sshFrom: ["203.0.113.0/24"], image: "debian-12/web" },
      servers: { isu2: { instanceType: "t4g.small" }, isu3: { image: "ubuntu-24.04/db" }, isu4: { image: "ubuntu-24.04" } },
      pools: { workers: { script: "#!/bin/sh\n", size: { min: 1, max: 2 } } },
    });
    const wanted = bakedIn({ target, servers: { isu1: {}, isu2: {}, isu3: {}, isu4: {} } });
    expect(wanted.map(({ place, baked, arch }) => [place, baked.name, arch])).toEqual([
      ["target.image", "web", "amd64"],
      ["target.image", "web", "arm64"],
      ["target.servers.isu3.image", "db", "amd64"],
    ]);
  });

  test("and finds none that was not tested", () => {
    const tags: Readonly<Record<string, string>> = {
      project: "contest-fleet",
      ...bakedTags({ name: "web", base: "debian-12", server: "isu1", roles: ["base"], wants: "0f" }),
    };
    const fits = (of: Readonly<Record<string, string>>) =>
      filtersOf({ base: "debian-12", name: "web" }).every(
        ({ name, values }) => !name.startsWith("tag:") || values.includes(of[name.replace("tag:", "")] ?? ""),
      );
    expect([fits(tags), fits({ ...tags, ...testedTags }), fits({ ...tags, ...testedTags, baked: "db" })]).toEqual([false, true, false]);
  });
});

const body = "QyNTUxOQm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQAAACC1";
const key = `-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`;
const userData = `#cloud-config\ndisable_root: true\nssh_keys:\n  ed25519_private: |\n    ${body.replace("C1", "D2")}\n`;
const settings = "export API_TOKEN='0123456789abcdef'\nHOME_OF=/usr/local/share/x\nDEBUG=1\n";
const wants = {
  base: {
    "package[curl]": { name: "curl" },
    "user[ada]": { name: "ada", passwordHash: "$y$j9T$abcdefgh" },
    "user[isucon]": { name: "isucon" },
    "file[/home/ada/.ssh/authorized_keys]": { path: "/home/ada/.ssh/authorized_keys", content: "ssh-ed25519 AAAA" },
  },
  app: {
    "file[/etc/app.env]": { path: "/etc/app.env", content: "TOKEN=very-secret-token\n" },
    "file[/etc/app.pem]": { path: "/etc/app.pem", content: "x", sensitive: true },
    "file[/etc/cache.conf]": { path: "/etc/cache.conf", content: "auth \u27e6derived|shell:cache\u27e7" },
    "file[/etc/hosts]": { path: "/etc/hosts", content: "\u27e6host-key:isu2\u27e7" },
    "service[app]": { name: "app" },
  },
};
const secrets = ["very-secret-token", "isucon", "$y$j9T$abcdefgh", key, userData, settings];

describe("what must not be in an image", () => {
  const lines = tellingLines(secrets, ["isucon"]);

  test("is no public key, address or device, which a state hides beside secrets", () => {
    const open = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB", "isu2 ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", "AAAAC3NzaC1lZDI1NTE5AAAAIB"];
    expect(tellingLines([...open, "192.168.0.11", "/dev/disk/by-id/nvme-x", "AbAAAAsecret"], [])).toEqual(["AbAAAAsecret"]);
  });

  test("is known again line by line, where it is no word that stands everywhere", () => {
    expect(lines).toEqual(["very-secret-token", "$y$j9T$abcdefgh", body, body.replace("C1", "D2"), "0123456789abcdef"]);
  });

  test("goes with its file, or with an account's password", () => {
    expect(secretsOf(wants, secrets, lines)).toEqual({
      files: ["/etc/app.env", "/etc/app.pem", "/etc/cache.conf"],
      users: ["user[ada]"],
      stuck: [],
    });
  });

  test("and is refused where nobody can take it out", () => {
    const mysql = {
      "mysql-user[app@localhost]": { user: "app", password: "isucon" },
      "command[seed]": { run: "load --token very-secret-token" },
      "command[other]": { run: "true", environment: { KEY: "x" } },
      "package[mariadb-server]": { name: "mariadb-server" },
    };
    expect(secretsOf({ mysql }, secrets, lines).stuck).toEqual(
      Object.keys(mysql)
        .slice(0, 3)
        .map((address) => `mysql ${address}`),
    );
  });

  test.each([
    ["/home/ada/.ssh/authorized_keys", true],
    ["/root/.bash_history", true],
    ["/var/lib/fleet/journal", true],
    ["/etc/ssh/ssh_host_rsa_key", true],
    ["/var/log/nginx/access.log", true],
    ["/etc/app.env", true],
    ["/srv/data/x", true],
    ["/srv/database", false],
    ["/home/ada/.bashrc", false],
    ["/etc/ssh/sshd_config", false],
    ["/opt/home/ada/.ssh/id", false],
  ])("%s goes: %s", (path, gone) => {
    expect(goes(path, ["/etc/app.env", "/srv/data"])).toBe(gone);
  });

  test("two images of the same roles have one digest, whatever their secrets", () => {
    const found = secretsOf(wants, secrets, lines);
    const other = { ...wants, app: { ...wants.app, "file[/etc/app.env]": { path: "/etc/app.env", content: "TOKEN=another-token\n" } } };
    expect(digestOf(other, found)).toBe(digestOf(wants, found));
    expect(digestOf({ ...wants, more: { "package[nginx]": { name: "nginx" } } }, found)).not.toBe(digestOf(wants, found));
  });
});

describe("work that is nowhere else", () => {
  const text = [
    "checkout\t/home/isucon/webapp\t2\t0\t1\tnone",
    "checkout\t/srv/site\t0\t3\t0\tcredential",
    "checkout\t/opt/clean\t0\t0\t0\tnone",
    "checkout\t/opt/odd\tunknown\tunknown\t0\tnone",
    "something else",
  ].join("\n");

  test("is named, each with what it is", () => {
    expect(workIn(checkoutsIn(text), [])).toEqual([
      "/home/isucon/webapp: 2 files not committed, 1 stash",
      "/srv/site: 3 commits in no remote, a password or token in its remote's address",
      "/opt/odd: git could not say what is in it",
    ]);
  });

  test("but not where the image is to be without it", () => {
    expect(workIn(checkoutsIn(text), ["/home/isucon/webapp", "/srv", "/opt/odd"])).toEqual([]);
  });
});

test("a look at a server from the image: what was taken out is no fault, what runs can't be told, the rest is", () => {
  const differ = (role: string, resource: string) => ({ server: "isu1", role, resource, what: "is not there" });
  const differences = [
    differ("base", "file[/home/ada/.ssh/authorized_keys]"),
    differ("base", "user[ada]"),
    differ("app", "file[/etc/app.env]"),
    differ("base", "block[/etc/hosts:team]"),
    differ("base", "file[/etc/hostname]"),
    differ("base", "command[hostname]"),
    differ("base", "block[/etc/fstab:team]"),
    differ("app", "service[app]"),
    differ("base", "package[curl]"),
    differ("base", "user[isucon]"),
  ];
  expect(verdictOf(differences, ["/etc/app.env"], ["user[ada]"])).toEqual({
    wrong: ["base block[/etc/fstab:team]: is not there", "base package[curl]: is not there", "base user[isucon]: is not there"],
    untold: ["app service[app]: is not there"],
  });
});

test("a bake that may be at work is left alone; one of ours whose process is gone is not", () => {
  const alive = (pid: number) => pid === 7;
  const isOver = ["ada@laptop 6", "ada@laptop 7", "ben@laptop 6", "somebody"].map((of) => !isAtWork(of, "ada@laptop", alive));
  expect(isOver).toEqual([true, false, false, false]);
});

describe("the scripts", () => {
  test.each([
    ["checkouts", checkoutsScript(["/srv/it's"])],
    ["secrets", secretsScript(["a line"])],
    ["clean", cleanScript(["/srv/it's", "/etc/app.env"])],
    ["fresh", freshScript],
  ])("%s is POSIX sh", (_, { text }) => {
    const { status, stderr } = spawnSync("dash", ["-n"], { input: text, encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });

  test("no secret is in an argument or in what is shown", () => {
    const { masked } = secretsScript(["very-secret-token"]);
    expect(masked).not.toContain("very-secret");
    expect(suspectsIn("secret\t/srv/leak\nkey\t/srv/tls.key\nnothing\n")).toEqual([
      { what: "secret", path: "/srv/leak" },
      { what: "key", path: "/srv/tls.key" },
    ]);
  });
});
