// Families of files of which a program takes one value alone: the team's counts, whatever the files are called, and the role says what it leaves.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { completeFacts, expandRole, planFleet } from "../../provisioners/expand.ts";
import { families, yielding } from "../../provisioners/overlay/families.ts";
import type { Address } from "../../provisioners/resources/kind.ts";
import { kindOf } from "../../provisioners/resources/kinds.ts";
import type { Declared } from "../../provisioners/resources/want.ts";
import { roles } from "../../provisioners/roles/roles.ts";
import { choices } from "../../provisioners/stack.ts";
import type { OverlayEntry } from "../../spec/overlay.ts";
import { parseStack } from "../../spec/read.ts";

const folder = join(import.meta.dirname, "../../provisioners/roles");
/** All that the roles' examples want. */
const all = roles.flatMap(({ name }): readonly (Declared & { readonly path: string })[] => {
  const fleet: unknown = parse(readFileSync(join(folder, name, "example.yaml"), "utf8"));
  const { spec } = parseStack(stringify({ config: { "contest-fleet:fleet": fleet } }), name, choices);
  const plan = planFleet(spec, { stack: "example", cores: 2, architecture: "amd64", overlays: {} });
  const server = plan.servers.find(({ spec: { roles: its } }) => its.includes(name))!;
  const wants = expandRole(plan, server, name, completeFacts(server.declared)!);
  return Object.entries(wants).flatMap(([key, want]) => {
    const address = key as Address;
    const [path] = kindOf(address).kind.touches(want).paths ?? [];
    return path === undefined ? [] : [{ address, want: want as Declared["want"], path }];
  });
});

const familyOf = (path: string) => families.find(({ files }) => files.test(path));
const entry = (path: string, content: string): OverlayEntry => ({ path, content, mode: "0644" });
/** A file that is read before, or after, any of ours. */
const beside = (path: string, name: string): string => path.replace(/[^/]*?(\.[a-z]+)?$/, `${name}$1`);

interface Texted {
  readonly content?: string;
  readonly limits?: Readonly<Record<string, number>>;
}
const textOf = (want: Texted): string =>
  want.content ??
  Object.entries(want.limits ?? {})
    .map(([limit, value]) => `${limit} ${value}\n`)
    .join("");

const members = all.filter(
  ({ path, want }) => familyOf(path) && textOf(want as Texted) !== "" && !/\/[^/]+\.(?:service|timer)$/.test(path),
);

test("each family but sysctl has a file of some role", () => {
  expect([...new Set(members.map(({ path }) => familyOf(path)!.name))].sort()).toEqual(families.map(({ name }) => name).sort());
});

/** Folders of which a program reads all, and in which no two files can say one thing otherwise. */
const withoutOrder: Readonly<Record<string, string>> = {
  "/etc/ssh/ssh_config.d": "of clients; what people say in theirs comes first",
  "/etc/tmpfiles.d": "a path has one line",
  "/etc/modules-load.d": "names alone",
  "/etc/sysctl.d": "sysctl.ts, live too",
  "/etc/apt/preferences.d": "by priority",
  "/etc/apt/sources.list.d": "each a source of its own",
  "/etc/cloud/cloud.cfg.d": "cloud-init merges, for the next boot alone",
  "/etc/nginx/conf.d": "nginx refuses a directive that is there twice",
  "/etc/php/8.2/fpm/pool.d": "php-fpm refuses a pool that is there twice",
  "/etc/cron.d": "each job runs",
  "/etc/logrotate.d": "logrotate refuses a file that is named twice",
};

test("a folder of parts that a role writes to is in a family, or it is said why not", () => {
  const folders = new Set(
    all.map(({ path }) => path.replace(/\/[^/]*$/, "")).filter((folder) => /\.d$/.test(folder) && folder.startsWith("/etc")),
  );
  const open = [...folders].filter(
    (folder) => !all.some(({ path }) => path.startsWith(`${folder}/`) && familyOf(path)) && !(folder in withoutOrder),
  );
  expect(open).toEqual([]);
});

describe.each(members.map((each) => [`${each.address}`, each] as const))("%s", (_, declared) => {
  const { keys } = familyOf(declared.path)!;
  const text = textOf(declared.want as Texted);
  const lines = text.split("\n");
  const own = [...new Set(keys(text).filter((key) => key !== undefined))];
  /** The line that sets a key, in its section. */
  const lineOf = (key: string): string => {
    const at = keys(text).indexOf(key);
    const section = lines.slice(0, at).findLast((line) => /^\[/.test(line));
    return `${section ? `${section}\n` : ""}${lines[at]}\n`;
  };

  test.each(["00-team", "zzz-team"])("leaves out, for %s, what the team says there, and that alone", (name) => {
    expect(own).not.toEqual([]);
    for (const key of own) {
      const file = entry(beside(declared.path, name), lineOf(key));
      const { declared: left, left: said } = yielding(declared, declared.path, [file]);
      const after = keys(textOf(left.want as Texted)).filter((each) => each !== undefined);
      expect([...new Set(after)], key).toEqual(own.filter((each) => each !== key));
      expect(
        said.map((each) => each.file),
        key,
      ).toContain(file.path);
    }
  });

  test("is as it is where the team's file says other things", () => {
    const file = entry(beside(declared.path, "zzz-team"), "# nothing\n");
    expect(yielding(declared, declared.path, [file])).toEqual({ declared, left: [] });
    expect(yielding(declared, declared.path, [entry("/etc/motd", text)])).toEqual({ declared, left: [] });
  });
});

describe("one thing in other words", () => {
  const file = (path: string, content: string): Declared => ({
    address: `file[${path}]`,
    want: { path, content } as unknown as Declared["want"],
  });
  const cnf = "/etc/mysql/mariadb.conf.d/zz-fleet.cnf";
  test.each([
    [
      "MariaDB's groups, and its two spellings",
      cnf,
      "[mysqld]\nmax_connections = 500\nskip_name_resolve = ON\n",
      "/etc/mysql/conf.d/99-isucon.cnf",
      "[mariadb]\nmax-connections=9\n",
      "[mysqld]\n# max_connections: /etc/mysql/conf.d/99-isucon.cnf says it\nskip_name_resolve = ON\n",
    ],
    [
      "another program's group is another matter",
      cnf,
      "[mysqld]\nport = 3306\n",
      "/etc/mysql/conf.d/99-isucon.cnf",
      "[client]\nport = 3307\n",
      "[mysqld]\nport = 3306\n",
    ],
    [
      "sshd's keywords have no case",
      "/etc/ssh/sshd_config.d/00-fleet.conf",
      "PasswordAuthentication no\nUseDNS no\n",
      "/etc/ssh/sshd_config.d/60-team.conf",
      "passwordauthentication yes\n",
      "# PasswordAuthentication: /etc/ssh/sshd_config.d/60-team.conf says it\nUseDNS no\n",
    ],
    [
      "and what is in a Match is another matter",
      "/etc/ssh/sshd_config.d/00-fleet.conf",
      "UseDNS no\n",
      "/etc/ssh/sshd_config.d/60-team.conf",
      "Match User bob\nUseDNS yes\n",
      "UseDNS no\n",
    ],
    [
      "a drop-in of another unit too",
      "/etc/systemd/system/mariadb.service.d/zz-fleet.conf",
      "[Service]\nLimitNOFILE=9\n",
      "/etc/systemd/system/nginx.service.d/a.conf",
      "[Service]\nLimitNOFILE=1\n",
      "[Service]\nLimitNOFILE=9\n",
    ],
    [
      "a unit of the team's own counts like a drop-in",
      "/etc/systemd/system/mariadb.service.d/zz-fleet.conf",
      "[Service]\nLimitNOFILE=9\nNice=1\n",
      "/etc/systemd/system/mariadb.service",
      "[Service]\nLimitNOFILE=1\n",
      "[Service]\n# LimitNOFILE: /etc/systemd/system/mariadb.service says it\nNice=1\n",
    ],
  ])("%s", (_, path, content, theirs, said, left) => {
    expect((yielding(file(path, content), path, [entry(theirs, said)]).declared.want as Texted).content).toBe(left);
  });

  test("one half of a limit leaves the other", () => {
    const path = "/etc/security/limits.d/zz-fleet.conf";
    const declared = { address: "limits[zz-fleet]", want: { name: "zz-fleet", limits: { "* - nofile": 9 } } } as unknown as Declared;
    const { declared: left } = yielding(declared, path, [entry("/etc/security/limits.d/a.conf", "*   soft nofile 3\n")]);
    expect((left.want as Texted).limits).toEqual({ "* hard nofile": 9 });
  });
});
