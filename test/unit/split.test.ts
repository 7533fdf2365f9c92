// A role to another server: what the stack file, the team's files and the servers are told, and in which order. No server is needed for it.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import type { FleetServer, FleetUp } from "../../operations/fleet-up.ts";
import { editsOf, type UnitText, type Wish } from "../../operations/split/edits.ts";
import { draftOf, ownFile, refuseEdited, takenBack, writeAfter, writeBefore } from "../../operations/split/here.ts";
import { endScripts, keptFolder, recordsIn, type SplitRecord } from "../../operations/split/record.ts";
import { refuseOutrun, refuseReplacing } from "../../operations/split/refuse.ts";
import {
  changedLines,
  type Renaming,
  rewrittenAddresses,
  rewrittenValue,
  rewrittenVariables,
  withoutBonds,
} from "../../operations/split/rewrite.ts";
import { Runner } from "../../operations/split/runner.ts";
import { type Step, stepsOf } from "../../operations/split/steps.ts";
import { rewriteStackFile } from "../../operations/stack-file.ts";
import { withItem, withoutItem, withoutKey, withValue } from "../../operations/stack-text.ts";
import type { LockingShell } from "../../provisioners/engine/shell.ts";
import { Secret } from "../../provisioners/engine/shell-quote.ts";
import { expandRole, rolesOf } from "../../provisioners/expand.ts";
import { project } from "../../provisioners/project.ts";
import { roleNamed, roles } from "../../provisioners/roles/roles.ts";
import { planOf, planOfDraft } from "../../provisioners/stack.ts";
import { blankFacts } from "../support/facts.ts";

const head = "config:\n  contest-fleet:fleet:\n";
const fleet = (text: string): string => `${head}${text.replace(/^/gm, "    ").replace(/ +$/gm, "")}`;

describe("the stack file with another word in it", () => {
  const text = fleet(`servers:
  isu1: # the first
    # what it does
    roles: [ base, mysql, app ] # in this order
    adopted: [ mysql ]
    address: 192.0.2.1
  isu2:
    roles:
      - base # always
      - app
    services: { a.service: off }
`);
  const isu1 = ["servers", "isu1"] as const;
  const isu2 = ["servers", "isu2"] as const;

  test("keeps every other line to the letter, comments too", () => {
    const changed = [
      (now: string) => withoutItem(now, [...isu1, "roles"], "mysql"),
      (now: string) => withoutItem(now, [...isu1, "adopted"], "mysql"),
      (now: string) => withValue(now, [...isu1, "services", "mariadb.service"], "off"),
      (now: string) => withItem(now, [...isu2, "roles"], "mysql", ["app", "nginx"]),
      (now: string) => withoutKey(now, [...isu2, "services", "a.service"]),
      (now: string) => withValue(now, [...isu2, "params", "app", "environment", "DB_HOST"], "192.0.2.2"),
    ].reduce((now, change) => change(now), text);
    expect(changed).toBe(
      fleet(`servers:
  isu1: # the first
    # what it does
    roles: [ base, app ] # in this order
    address: 192.0.2.1
    services: { mariadb.service: off }
  isu2:
    roles:
      - base # always
      - mysql
      - app
    params: { app: { environment: { DB_HOST: "192.0.2.2" } } }
`),
    );
    expect(parseDocument(changed).errors).toEqual([]);
  });

  test("a key that holds nothing is filled, not written again beside itself", () => {
    const text = fleet(`servers:
  isu1:
    roles: []
    services: {} # none
    params: # none
    address: 192.0.2.1
  isu2: { roles: [], services: {}, address: 192.0.2.2 }
`);
    const changed = [isu1, isu2].reduce(
      (now, at) => withValue(withItem(now, [...at, "roles"], "mysql"), [...at, "services", "a.service"], "off"),
      withValue(text, [...isu1, "params", "app", "port"], 80),
    );
    expect(changed).toBe(
      fleet(`servers:
  isu1:
    roles: [ mysql ]
    services: { a.service: off } # none
    params: { app: { port: 80 } } # none
    address: 192.0.2.1
  isu2: { roles: [ mysql ], services: { a.service: off }, address: 192.0.2.2 }
`),
    );
    expect(parseDocument(changed).errors).toEqual([]);
    expect(() => withValue(text, [...isu1, "address", "port"], 80)).toThrow("servers.isu1.address.port: expected a place for it");
  });

  test("the file keeps its rights, and stays a link where it is one", () => {
    const [there, link] = [join(folder, "linked"), join(folder, "links")];
    for (const each of [there, link]) mkdirSync(each);
    writeFileSync(join(there, "a.yaml"), text, { mode: 0o600 });
    symlinkSync(join(there, "a.yaml"), join(link, "Pulumi.a.yaml"));
    expect(rewriteStackFile("a", (now) => now, link)).toBe(false);
    expect(rewriteStackFile("a", (now) => withoutItem(now, [...isu1, "roles"], "mysql"), link)).toBe(true);
    expect(lstatSync(join(link, "Pulumi.a.yaml")).isSymbolicLink()).toBe(true);
    expect([readFileSync(join(there, "a.yaml"), "utf8"), statSync(join(there, "a.yaml")).mode & 0o777]).toEqual([
      withoutItem(text, [...isu1, "roles"], "mysql"),
      0o600,
    ]);
    expect(readdirSync(there)).toEqual(["a.yaml"]);
  });

  test("what is there is no change", () => {
    expect(withItem(text, [...isu1, "roles"], "app")).toBe(text);
    expect(withoutItem(text, [...isu1, "roles"], "redis")).toBe(text);
    expect(withoutKey(text, [...isu1, "params", "mysql"])).toBe(text);
    expect(withValue(text, [...isu1, "address"], "192.0.2.1")).toBe(text);
  });
});

const mysql: Renaming = {
  from: ["127.0.0.1", "localhost", "isu1", "192.0.2.1"],
  to: "192.0.2.3",
  clients: { ports: [3306], words: ["DB", "DATABASE", "MYSQL"], schemes: ["mysql"] },
};

describe("what names the old place", () => {
  test.for([
    ["CONTEST_DB_HOST", '"127.0.0.1"', '"192.0.2.3"'],
    ["DB_ADDR", "localhost:3306", "192.0.2.3:3306"],
    ["DATABASE_URL", "mysql://u:127@127.0.0.1/notes", "mysql://u:127@192.0.2.3/notes"],
    ["DSN", "isucon:isucon@tcp(127.0.0.1:3306)/notes", "isucon:isucon@tcp(192.0.2.3:3306)/notes"],
    ["dbHost", "isu1", "192.0.2.3"],
    ["ISU_MYSQL_HOSTNAME", "192.0.2.1", "192.0.2.3"],
    // Others' places stay.
    ["REDIS_HOST", "127.0.0.1", "127.0.0.1"],
    ["DB_HOST", "192.0.2.11", "192.0.2.11"],
    ["DB_HOST", "isu10", "isu10"],
    ["DB_HOST", "db.isu1.example", "db.isu1.example"],
    ["APP_URL", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/"],
    ["DB_CACHE", "127.0.0.1:11211", "127.0.0.1:11211"],
    ["FEEDBACK", "127.0.0.1", "127.0.0.1"],
    ["DB_REPORT", "http://localhost/x", "http://localhost/x"],
  ] as const)("%s=%s", ([name, value, expected]) => {
    expect(rewrittenValue(name, value, mysql)).toBe(expected);
  });

  test("a port beside it says whose an address is, whatever it is called", () => {
    const { text, changes } = rewrittenVariables('export X_HOST=127.0.0.1\nX_PORT="3306"\n# DB_HOST=127.0.0.1\nY_HOST=127.0.0.1\n', mysql);
    expect(text).toBe('export X_HOST=192.0.2.3\nX_PORT="3306"\n# DB_HOST=127.0.0.1\nY_HOST=127.0.0.1\n');
    expect(changes).toHaveLength(1);
  });

  test("what is told of the way back has no more of a URL than the place either", () => {
    const there = "A=1\nDATABASE_URL=mysql://app:hidden@10.0.0.3/notes\nB=2\n";
    expect(changedLines(there, there.replace("10.0.0.3", "10.0.0.1").replace("B=2\n", ""))).toEqual([
      { name: "DATABASE_URL", before: "DATABASE_URL=10.0.0.3", after: "DATABASE_URL=10.0.0.1" },
      { name: "B", before: "B=2", after: "" },
    ]);
  });

  test("what is told of a change has no more of a URL than the place", () => {
    const { changes } = rewrittenVariables("DATABASE_URL=mysql://ada:hush@127.0.0.1:3306/notes\n", mysql);
    expect(JSON.stringify(changes)).not.toContain("hush");
  });

  test("a proxy's file names it by its port; where it listens itself stays", () => {
    const web: Renaming = { ...mysql, clients: { ports: [8080], words: [], schemes: ["http"] } };
    const { text } = rewrittenAddresses(
      "server 127.0.0.1:8080 weight=2;\nproxy_pass http://localhost:8080;\nlisten 127.0.0.1:8080;\nserver 127.0.0.1:80801;\n",
      web,
    );
    expect(text).toBe(
      "server 192.0.2.3:8080 weight=2;\nproxy_pass http://192.0.2.3:8080;\nlisten 127.0.0.1:8080;\nserver 127.0.0.1:80801;\n",
    );
  });

  test("a unit asks for it no more, and is still after it", () => {
    const unit = "[Unit]\nAfter=mariadb.service\nRequires=network.target mariadb.service\nBindsTo=mariadb.service\n";
    expect(withoutBonds(unit, ["mariadb.service"]).text).toBe("[Unit]\nAfter=mariadb.service\nRequires=network.target\n");
  });
});

const folder = mkdtempSync(join(tmpdir(), "split-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const stacks = join(folder, "stacks");

const stack = fleet(`team: team-a
members: []
target: inventory
files: files
servers:
  isu1:
    roles: [ base, mysql, app, nginx ]
    # Roles of the organiser's.
    adopted: [ mysql, app, nginx ]
    address: 192.0.2.1
    user: isucon
    password: { secure: v1:aaaa }
    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
  isu2:
    roles: [ base, app ]
    adopted: [ app ]
    address: 192.0.2.2
    user: isucon
    password: { secure: v1:aaaa }
    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
  isu3:
    roles: [ base, mysql ]
    adopted: [ mysql ]
    address: 192.0.2.3
    user: isucon
    password: { secure: v1:aaaa }
    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
params:
  app:
    services:
      notes: { user: isucon, workingDirectory: /home/isucon, command: [ /bin/true ] }
    ports: [ 8080 ]
`);

const tree: Readonly<Record<string, string>> = {
  "common/home/isucon/env.sh": "DB_HOST=127.0.0.1\nDB_PORT=3306\n",
  "common/etc/systemd/system/notes.service":
    "[Unit]\nRequires=mariadb.service\n[Service]\nEnvironmentFile=/home/isucon/env.sh\nExecStart=/bin/true\n",
  "common/etc/mysql/mariadb.conf.d/50-server.cnf": "[mysqld]\nbind-address = 127.0.0.1\n",
  "isu1/etc/mysql/mariadb.conf.d/99-tuned.cnf": "[mysqld]\nmax_connections = 200\n",
  "isu2/home/isucon/env.sh": "DB_HOST=192.0.2.1\n",
};

function planned() {
  rmSync(stacks, { recursive: true, force: true });
  for (const [path, text] of Object.entries({
    ...Object.fromEntries(Object.entries(tree).map(([path, text]) => [`files/${path}`, text])),
    "Pulumi.team-a.yaml": stack,
  })) {
    const file = join(stacks, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return planOf("team-a", stacks);
}

const facts = { ...blankFacts, distribution: "debian", version: "12", addresses: undefined };
const wish: Wish = { role: "mysql", from: "isu1", to: "isu3" };
const moveOf = (name: string) => roleNamed(name).move!(roleNamed(name).params.parse({}));

function edited(units: readonly UnitText[] = []) {
  const plan = planned();
  return { plan, edits: editsOf(wish, { plan, text: stack, move: moveOf("mysql"), factsOf: () => facts, units }) };
}

/** Every one is known. */
const late = new Proxy<Record<string, string>>({}, { get: () => "value" });
const held = { items: [{ name: "notes", bytes: 3_000_000, detail: "1 table" }], writers: [] };

function recorded(seen: SplitRecord["seen"] = { from: held, to: held }): {
  readonly record: SplitRecord;
  readonly plan: ReturnType<typeof planned>;
} {
  const { plan, edits } = edited();
  return {
    plan,
    record: {
      ...{ version: 1, id: "20261129T100000Z-abcd", at: "", who: "ada@laptop", stack: "team-a", wish, state: "under-way", begun: 0, seen },
      ...{ clients: [...edits.clients], stackFile: { before: stack, after: edits.text } },
      files: edits.files.map(({ server, path, file, before }) => ({
        ...{ server, path, template: false, mode: file.mode, after: file.content },
        ...(before !== undefined && { before }),
      })),
    },
  };
}

function stepped(seen?: SplitRecord["seen"]) {
  const { record, plan } = recorded(seen);
  const next = planOfDraft("team-a", draftOf(record, "after"), stacks);
  return stepsOf({ record, old: plan, next, move: moveOf("mysql"), factsOf: () => facts, late, secret: new Secret("word") });
}

describe("what a database's move changes", () => {
  test("each server's own files, from where it counted before", () => {
    const { edits } = edited();
    expect(Object.fromEntries(edits.files.map(({ server, path, file }) => [`${server}${path}`, file.content]))).toEqual({
      "isu1/home/isucon/env.sh": "DB_HOST=192.0.2.3\nDB_PORT=3306\n",
      "isu1/etc/systemd/system/notes.service": "[Unit]\n[Service]\nEnvironmentFile=/home/isucon/env.sh\nExecStart=/bin/true\n",
      "isu2/home/isucon/env.sh": "DB_HOST=192.0.2.3\n",
      "isu3/etc/mysql/mariadb.conf.d/50-server.cnf": "[mysqld]\nbind-address = 127.0.0.1,192.0.2.3\n",
      "isu3/etc/mysql/mariadb.conf.d/99-tuned.cnf": "[mysqld]\nmax_connections = 200\n",
    });
    expect(edits.clients).toEqual(["isu1", "isu2"]);
  });

  test("a unit that the team's tree has not, and that requires it, comes into the tree without that", () => {
    const { edits } = edited([
      { server: "isu1", name: "batch.service", text: "[Unit]\nRequires=mariadb.service\n[Service]\nExecStart=/bin/true\n" },
    ]);
    expect(edits.files.find(({ path }) => path.endsWith("batch.service"))?.file.content).toBe("[Unit]\n[Service]\nExecStart=/bin/true\n");
  });

  test("the stack file, which is a plan as any other", () => {
    const { record } = recorded();
    const after = planOfDraft("team-a", draftOf(record, "after"), stacks);
    expect(after.servers.map(({ spec }) => [spec.roles, spec.adopted, spec.services])).toEqual([
      [["base", "app", "nginx"], ["app", "nginx"], { "mariadb.service": "off" }],
      [["base", "app"], ["app"], undefined],
      [["base", "mysql"], ["mysql"], undefined],
    ]);
    expect(record.stackFile.after).toContain("# Roles of the organiser's.");
    // What stood here before, whatever lies here meanwhile.
    const { text, files } = draftOf(record, "before");
    expect(planOfDraft("team-a", { text, files }, stacks).servers).toEqual(planned().servers);
  });
});

describe("the steps of a database's move", () => {
  const told = (seen?: SplitRecord["seen"]) => stepped(seen).map(({ at, what }) => `${at}: ${what}`);
  const at = (all: readonly string[], text: string) => all.findIndex((each) => each.startsWith(text));

  test("come in an order in which nothing is lost: ready, kept, stopped, copied, summed, over, off", () => {
    const all = told();
    const order = [
      "isu3: role mysql as",
      "isu3: keeps what",
      "isu1: reaches",
      "isu1: stops writes",
      "isu1: copies notes",
      "isu3: counts and sums",
      "isu3: lets nobody write",
      "isu1: role app as",
      "isu1,isu2,isu3: the checks",
      "isu3: lets writes go on",
      "isu1: role base as",
      "isu1: role mysql wants nothing",
      "here: writes the stack file",
    ];
    const places = order.map((each) => at(all, each));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(at(all, "isu2: role")).toBeGreaterThan(at(all, "isu3: counts"));
  });

  test("whoever may write in spite of the stop is stopped", () => {
    const all = told({ from: { ...held, writers: ["isucon"] }, to: held });
    expect(at(all, "isu1: stops writes")).toBe(-1);
    expect(all.filter((each) => /^isu[12]: stops notes.service$/.test(each))).toHaveLength(2);
  });

  test("there is a way back until the new server takes writes, and no other place where that ends", () => {
    const all = stepped();
    const commit = all.findIndex((each) => each.commit);
    expect(all.filter((each) => each.commit).map(({ what }) => what)).toEqual(["lets writes go on, from here on there"]);
    expect(all.slice(commit).map(({ what }) => what)).toContain("role base as the stack will say");
    expect(all.slice(0, commit).some(({ at, what }) => at === "isu1" && what.startsWith("role base"))).toBe(false);
  });

  test("what a step did before the old service is off, it takes back", () => {
    const all = stepped();
    const lasting = all.filter(({ what }) => /^(?:role|keeps|lets isu1 in for|stops|writes the)/.test(what));
    expect(lasting.filter(({ undo }) => !undo).map(({ what }) => what)).toEqual([]);
  });
});

describe("what a database's new server had before", () => {
  /** A client that knows two accounts until it is asked for the one that is given. */
  const client = (fails: string) => `#!/bin/sh
case $(cat) in
  *${fails}*) echo 'Too many connections' >&2; exit 1 ;;
  *'FROM mysql.user'*) printf "'ada'@'localhost'\\n'bob'@'%%'\\n" ;;
  *version*) echo 10.11-MariaDB ;;
  *'SHOW CREATE USER'*) echo 'CREATE USER it' ;;
  *) echo 'GRANT USAGE ON *.* TO it' ;;
esac
`;
  const place = (name: string) => ({ name, address: "192.0.2.1", port: 3306 });
  const kept = (fails: string) => {
    const own = mkdtempSync(join(folder, "kept-"));
    writeFileSync(join(own, "mariadb"), client(fails), { mode: 0o755 });
    const there = { items: [], writers: [] };
    const context = { from: place("isu1"), to: place("isu3"), seen: { from: held, to: there }, clients: [], secret: new Secret("word") };
    const { keep } = moveOf("mysql").data!({ ...context, folder: join(own, "kept") });
    const { status } = spawnSync("sh", ["-c", keep.text], { env: { PATH: `${own}:/usr/bin:/bin` } });
    return { status, files: readdirSync(join(own, "kept")), accounts: readFileSync(join(own, "kept", "accounts.sql"), "utf8") };
  };

  test("is kept with its accounts", () => {
    const account = "CREATE USER IF NOT EXISTS it;\nALTER USER it;\nGRANT USAGE ON *.* TO it;\n";
    expect(kept("nothing")).toEqual({ status: 0, files: ["accounts.sql", "before.sql", "kept"], accounts: account.repeat(2) });
  });

  test.for(["FROM mysql.user", "SHOW CREATE USER 'bob'", "SHOW GRANTS FOR 'bob'"])(
    "does not count as kept where its accounts can't be read, since they are dropped on the way back: %s",
    (fails) => {
      const { status, files } = kept(`'${fails.replaceAll("'", "'\\''")}'`);
      expect([status === 0, files.includes("kept")]).toEqual([false, false]);
    },
  );
});

describe("a stack file that says what the last up did", () => {
  /** As an up leaves the state: with the roles of a plan, and one that it could not forget yet. */
  const up = (plan: ReturnType<typeof planned>, late: Readonly<Record<string, string>> = {}) => ({
    stack: "team-a",
    servers: plan.servers.map((server) => {
      const roles = [...rolesOf(server), ...(late[server.name] === undefined ? [] : [late[server.name]!])];
      const wants = Object.fromEntries(
        roles.map((role) => [
          role,
          rolesOf(server).includes(role) ? expandRole(plan, server, role, facts) : { "service[mariadb.service]": {} },
        ]),
      );
      return { name: server.name, roles, facts, wants };
    }),
  });
  const after = () => planOfDraft("team-a", draftOf(recorded().record, "after"), stacks);
  const refused = (plan: ReturnType<typeof planned>, state: ReturnType<typeof up>, before?: Wish) => () =>
    refuseOutrun(state as unknown as FleetUp, plan, before);

  test("is wanted of a split", () => {
    const plan = planned();
    expect(refused(plan, up(plan))).not.toThrow();
    expect(refused(plan, up(plan, { isu2: "mysql" }))).toThrow(
      "isu2: expected a stack file that says what the last up did, got another role `mysql`",
    );
  });

  test("but for the role that the split took away, where a server that was off kept the up from forgetting it: that can be taken back", () => {
    const plan = after();
    expect(refused(plan, up(plan, { isu1: "mysql" }))).toThrow("isu1: expected");
    expect(refused(plan, up(plan, { isu1: "mysql" }), wish)).not.toThrow();
    expect(refused(plan, up(plan, { isu2: "mysql" }), wish)).toThrow("isu2: expected");
    expect(refused(plan, up(plan, { isu1: "redis" }), wish)).toThrow("isu1: expected");
  });
});

describe("the record of a split", () => {
  test("is read from either server's word, the newest first, without what is another stack's or none of ours", () => {
    const { record } = recorded();
    const [old, done] = [
      { ...record, begun: 3 },
      { ...record, begun: 2, state: "done" as const },
    ];
    const later = { ...record, id: "20261129T110000Z-0000" };
    const texts = [
      `${JSON.stringify(old)}\nnonsense\n{}\n`,
      `${JSON.stringify(done)}\n${JSON.stringify(later)}\n${JSON.stringify({ ...record, stack: "other", id: "x" })}\n`,
    ];
    expect(recordsIn(texts, "team-a").map(({ id, state }) => [id, state])).toEqual([
      [later.id, "under-way"],
      [record.id, "done"],
    ]);
  });

  test("what could not be put back on the way back is kept, and its record goes", () => {
    const { record } = recorded();
    const back = { ...record, id: "later", back: record.id };
    const told = (late: readonly string[]) => endScripts(back, late).map(({ text }) => text.split("\n")[0]!.split(" "));
    const kept = keptFolder(record.id);
    expect(told([]).map((words) => words.includes(kept))).toEqual([false, true]);
    expect(told(["isu3: no"]).map((words) => [words.includes(kept), words.includes(`${kept}.json`)])).toEqual([
      [false, false],
      [false, true],
    ]);
  });

  test("what a split brought does not give way to another server's of the same name", () => {
    const { record } = recorded();
    const done = { ...record, state: "done" as const };
    const wanted = { wish: { ...wish, from: "isu2" }, seen: record.seen };
    expect(() => refuseReplacing(wanted, [done])).toThrow(
      "split: isu3: expected no notes that is in use, got that of isu1, which a split brought: isu2's would take its place",
    );
    expect(() => refuseReplacing({ ...wanted, wish: { ...wish, from: "isu2", to: "isu1" } }, [done])).not.toThrow();
    expect(() => refuseReplacing(wanted, [{ ...done, wish: { ...wish, role: "redis" } }])).not.toThrow();
    const other = { ...held, items: [{ ...held.items[0]!, name: "sessions" }] };
    expect(() => refuseReplacing({ ...wanted, seen: { from: other, to: held } }, [done])).not.toThrow();
    expect(() => refuseReplacing(wanted, [])).not.toThrow();
  });

  test("a text goes back with what people wrote elsewhere in it; where they wrote is said", () => {
    const x = join(project, "x");
    const of = { before: "a\nb\nc\nd\ne\nf\ng\nh\n", after: "a\nB\nc\nd\ne\nf\ng\nh\n" };
    expect(takenBack(x, of.after, of)).toBe(of.before);
    expect(takenBack(x, of.after.replace("h", "H"), of)).toBe(of.before.replace("h", "H"));
    expect(() => takenBack(x, of.after.replace("B", "BB"), of)).toThrow("x: expected what the split wrote there");
  });
});

describe("the files here, once a split is done or taken back", () => {
  const files = join(stacks, "files");
  const stackFile = join(stacks, "Pulumi.team-a.yaml");
  const env = join(files, "isu2/home/isucon/env.sh");
  const unit = join(files, "isu1/etc/systemd/system/notes.service");
  const own = ({ record }: ReturnType<typeof recorded>): SplitRecord => ({
    ...record,
    files: record.files.map((each) => ({ ...each, ...(existsSync(ownFile(files, each)) && { own: each.before! }) })),
  });
  const edit = (file: string, change: (text: string) => string) => writeFileSync(file, change(readFileSync(file, "utf8")));
  const all = () => [stackFile, env].map((file) => readFileSync(file, "utf8"));

  test("say so, and say again what they said", () => {
    const record = own(recorded());
    writeAfter(files, record, stacks);
    expect(all()).toEqual([record.stackFile.after, "DB_HOST=192.0.2.3\n"]);
    writeAfter(files, record, stacks);
    writeBefore(files, record, stacks);
    expect([...all(), existsSync(unit)]).toEqual([stack, "DB_HOST=192.0.2.1\n", false]);
    writeBefore(files, record, stacks);
    expect(all()).toEqual([stack, "DB_HOST=192.0.2.1\n"]);
  });

  test("keep what people wrote elsewhere in them meanwhile", () => {
    const record = own(recorded());
    const edits = () => {
      edit(stackFile, (text) => text.replace("ports: [ 8080 ]", "ports: [ 8081 ]"));
      edit(env, (text) => `${text}WORKERS=4\n`);
    };
    edits();
    expect(() => refuseEdited(files, record, stacks)).toThrow("expected it as it was when this was shown, got edits since");
    writeAfter(files, record, stacks);
    expect(all()).toEqual([record.stackFile.after.replace("8080", "8081"), "DB_HOST=192.0.2.3\nWORKERS=4\n"]);
    writeBefore(files, record, stacks);
    expect(all()).toEqual([stack.replace("8080", "8081"), "DB_HOST=192.0.2.1\nWORKERS=4\n"]);
  });

  test("are none of them written where one was edited in the same line", () => {
    const record = own(recorded());
    refuseEdited(files, record, stacks);
    edit(env, () => "DB_HOST=192.0.2.9\n");
    expect(() => writeAfter(files, record, stacks)).toThrow(
      "expected what stood there when the split was shown, got edits of the same lines",
    );
    expect([...all(), existsSync(unit)]).toEqual([stack, "DB_HOST=192.0.2.9\n", false]);
  });
});

describe("the runner", () => {
  const shell = { host: "isu", run: async () => ({ code: 0, stdout: Buffer.from(""), stderr: "" }) } as unknown as LockingShell;
  const runner = new Runner({
    ...{ held: { shell: async () => shell }, servers: ["isu1", "isu3"].map((name) => ({ name }) as unknown as FleetServer) },
    ...{ files: async () => {}, onStep: () => {}, onOutput: () => {} },
  });
  const failing = ["commits", "writes the files"];
  const steps = (done: string[]): readonly Step[] =>
    ["copies", "commits", "writes the files"].map((what) => ({
      ...{ at: what === "writes the files" ? "here" : "isu3", what, ...(what === "commits" && { commit: true as const }) },
      run: async () => {
        done.push(what);
        if (failing.includes(what)) throw new Error("no");
      },
      undo: async () => void done.push(`not ${what}`),
    }));
  const { signal } = new AbortController();

  test("takes all back where the step fails by which the data becomes the new server's", async () => {
    const done: string[] = [];
    await expect(runner.run(recorded().record, steps(done), signal)).rejects.toThrow("isu3: commits: no");
    expect(done).toEqual(["copies", "commits", "not commits", "not copies"]);
  });

  test("goes on after a killed run that had begun it: what was written there since stays", async () => {
    const done: string[] = [];
    const { late, written } = await runner.run(recorded().record, steps(done), signal, 1);
    expect(done).toEqual(["commits", "writes the files"]);
    expect([late, written]).toEqual([["isu3: commits: no", "here: writes the files: no"], false]);
  });
});

describe("a role that can be moved", () => {
  test.for(roles.filter(({ move }) => move).map(({ name }) => name))("%s names its unit, and changes a file once", (name) => {
    const role = roleNamed(name);
    const params = role.params.parse(moved[name]?.params ?? {});
    const { units, listen } = role.move!(params);
    const own = (role.services?.(params) ?? []).flatMap(({ unit }) => (typeof unit === "function" ? unit(facts) : unit) ?? []);
    expect(own.filter((each) => !units.includes(each))).toEqual([]);
    if (!listen) return;
    const [place = ""] = (typeof role.territory === "function" ? role.territory(params) : role.territory)![0]?.paths ?? [];
    const path = moved[name]?.path ?? (place.endsWith(".conf") ? place : `${place}/x.conf`);
    const once = listen({ path, text: "bind-address = 127.0.0.1\nbind 127.0.0.1\n-l 127.0.0.1\nLISTEN=127.0.0.1:8080\n" }, "192.0.2.3");
    expect(once).toMatch(/127\.0\.0\.1[, ]192\.0\.2\.3|LISTEN=0\.0\.0\.0:8080/);
    expect(listen({ path, text: once }, "192.0.2.3")).toBe(once);
  });
});

/** What a role does nothing without. */
const moved: Readonly<Record<string, { readonly params: unknown; readonly path: string }>> = {
  app: {
    params: { ports: [8080], services: { notes: { user: "isucon", workingDirectory: "/srv/notes", command: ["/bin/true"] } } },
    path: "/home/isucon/env.sh",
  },
};
