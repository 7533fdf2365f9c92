// An application to another server, or onto a second one: what the stack file, the files and the balancer say then. No server is needed for it.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { FleetUp } from "../../operations/fleet-up.ts";
import type { OpenServers } from "../../operations/on-servers.ts";
import { groupsIn, withAnother } from "../../operations/split/another.ts";
import { type Edits, editsOf, type Wish } from "../../operations/split/edits.ts";
import { draftOf } from "../../operations/split/here.ts";
import { refuseClosed } from "../../operations/split/look.ts";
import type { SplitRecord } from "../../operations/split/record.ts";
import { moveOf, refuseUnbalanced } from "../../operations/split/refuse.ts";
import { type StepGround, stepsOf } from "../../operations/split/steps.ts";
import { differing, swapAgain, swapBackScript, swapForgetScript, swapScript, treesIn } from "../../operations/split/trees.ts";
import { Secret } from "../../provisioners/engine/shell-quote.ts";
import { roleNamed } from "../../provisioners/roles/roles.ts";
import { planOf, planOfDraft } from "../../provisioners/stack.ts";
import { blankFacts } from "../support/facts.ts";

const folder = mkdtempSync(join(tmpdir(), "split-app-test-"));
const stacks = join(folder, "stacks");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const server = (name: string, address: string, roles: string): string => `      ${name}:
        roles: [ base, ${roles} ]
        adopted: [ ${roles} ]
        address: ${address}
        user: isucon
        password: { secure: v1:aaaa }
        hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
`;
const stack = `config:
  contest-fleet:fleet:
    team: team-a
    members: []
    target: inventory
    files: files
    servers:
${server("isu1", "192.0.2.1", "mysql, app, nginx")}${server("isu2", "192.0.2.2", "mysql, app, nginx")}${server("isu3", "192.0.2.3", "redis")}    params:
      app:
        services:
          notes: { user: isucon, workingDirectory: /home/isucon/webapp/go, command: [ /home/isucon/webapp/go/notes ] }
        ports: [ 8080 ]
`;
const unit = "[Unit]\nRequires=mariadb.service\n[Service]\nEnvironmentFile=/etc/notes.env\nExecStart=/home/isucon/webapp/go/notes\n";
const tree: Readonly<Record<string, string>> = {
  "common/etc/notes.env": "DB_HOST=127.0.0.1\nDB_PORT=3306\nREDIS_ADDR=192.0.2.3:6379\nNOTES_LISTEN=127.0.0.1:8080\n",
  "common/etc/systemd/system/notes.service": unit,
  "common/etc/mysql/mariadb.conf.d/50-server.cnf": "[mysqld]\nbind-address = 127.0.0.1\n",
  "common/etc/nginx/sites-available/notes.conf":
    "upstream app { server 127.0.0.1:8080 weight=2; }\nserver { location / { proxy_pass http://app; } }\n",
};

function planned(files: Readonly<Record<string, string>> = {}) {
  rmSync(stacks, { recursive: true, force: true });
  const all = Object.entries({ ...tree, ...files }).map(([path, text]) => [`files/${path}`, text] as const);
  for (const [path, text] of [...all, ["Pulumi.team-a.yaml", stack] as const]) {
    mkdirSync(dirname(join(stacks, path)), { recursive: true });
    writeFileSync(join(stacks, path), text);
  }
  return planOf("team-a", stacks);
}

const facts = { ...blankFacts, distribution: "debian", version: "12", addresses: undefined };
const move: Wish = { role: "app", from: "isu1", to: "isu2" };
const add: Wish = { ...move, stays: true };

function edited(wish: Wish, files?: Readonly<Record<string, string>>) {
  const plan = planned(files);
  const edits = editsOf(wish, { plan, text: stack, move: moveOf(wish, plan), factsOf: () => facts, units: [] });
  return { plan, edits };
}
const textsIn = ({ files }: Edits) => Object.fromEntries(files.map(({ server: name, path, file }) => [`${name}${path}`, file.content]));

function ground(wish: Wish, items: SplitRecord["seen"]["from"]["items"] = []): StepGround {
  const { plan, edits } = edited(wish);
  const record: SplitRecord = {
    ...{ version: 1, id: "20261129T100000Z-abcd", at: "", who: "ada@laptop", stack: "team-a", wish, state: "under-way", begun: 0 },
    ...{ clients: edits.clients, reached: edits.reached, seen: { from: { items, writers: [] }, to: { items: [], writers: [] } } },
    ...{ stackFile: { before: stack, after: edits.text } },
    files: edits.files.map(({ server: name, path, file, before }) => ({
      ...{ server: name, path, template: false, mode: file.mode, after: file.content },
      ...(before !== undefined && { before }),
    })),
  };
  const late = new Proxy<Record<string, string>>({}, { get: () => "value" });
  const next = planOfDraft("team-a", draftOf(record, "after"), stacks);
  return { record, old: plan, next, move: moveOf(wish, plan), factsOf: () => facts, late, secret: new Secret("word") };
}

/** Each begins a step, one after the other. */
function expectInOrder(told: readonly string[], order: readonly string[]): void {
  const places = order.map((each) => told.findIndex((step) => step.startsWith(each)));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
}

describe("an application that moves", () => {
  test("names what stays by address, is opened, and is named by whoever passes to it", () => {
    const { edits } = edited(move);
    expect(textsIn(edits)).toEqual({
      "isu1/etc/mysql/mariadb.conf.d/50-server.cnf": "[mysqld]\nbind-address = 127.0.0.1,192.0.2.1\n",
      "isu1/etc/nginx/sites-available/notes.conf": tree["common/etc/nginx/sites-available/notes.conf"]!.replace("127.0.0.1", "192.0.2.2"),
      "isu2/etc/notes.env": "DB_HOST=192.0.2.1\nDB_PORT=3306\nREDIS_ADDR=192.0.2.3:6379\nNOTES_LISTEN=0.0.0.0:8080\n",
      "isu2/etc/systemd/system/notes.service": unit.replace("Requires=mariadb.service\n", ""),
    });
    expect(edits.clients).toEqual(["isu1"]);
    expect(edits.reached).toEqual([
      { server: "isu1", role: "mysql" },
      { server: "isu3", role: "redis" },
    ]);
    expect(edits.notes).toEqual([expect.stringContaining("mysql of isu1 restarts")]);
  });

  test("leaves the old server's list of roles, with its units off", () => {
    const { next } = ground(move);
    expect(next.servers.map(({ spec }) => [spec.roles, spec.services])).toEqual([
      [["base", "mysql", "nginx"], { "notes.service": "off" }],
      [["base", "mysql", "app", "nginx"], undefined],
      [["base", "redis"], undefined],
    ]);
  });

  test("comes in an order in which nobody is sent where nothing answers; all of it can be taken back", () => {
    const all = stepsOf(ground(move, [{ name: "/home/isucon/webapp", bytes: 1, detail: "1 file" }]));
    const told = all.map(({ at, what }) => `${at}: ${what}`);
    const order = [
      "isu2: gets a copy of /home/isucon/webapp",
      "isu2: puts it in",
      "isu1: role mysql as",
      "isu1: mysql lets isu2 in",
      "isu2: reaches mysql of isu1",
      "isu2: role app as",
      "isu1: role nginx as",
      "isu1,isu2: the checks",
      "isu1: role base as",
      "isu1: role app wants nothing",
      "here: writes",
    ];
    expectInOrder(told, order);
    expect(all.some((each) => each.commit || each.writes)).toBe(false);
    expect(all.filter(({ what, undo }) => !undo && !/checks|reaches/.test(what))).toEqual([]);
  });

  test("is refused where it names a socket, which stays behind", () => {
    const env = { "common/etc/notes.env": "DB_SOCKET=/run/mysqld/mysqld.sock\n" };
    expect(() => edited(move, env)).toThrow(
      "isu1:/etc/notes.env: expected addresses, got a socket, which no other server reaches (/run/mysqld/mysqld.sock)",
    );
  });

  test.for([
    ["LISTEN=127.0.0.1:8080", false],
    ["SERVER=127.0.0.1:8080", true],
  ])(
    "is refused where it is open to loopback alone and nothing opens it, whatever else changes in its files: %s",
    async ([line, refused]) => {
      const env = `DB_HOST=127.0.0.1\nDB_PORT=3306\nNOTES_${line}\n`;
      const { plan, edits } = edited(move, { "common/etc/notes.env": env });
      expect(textsIn(edits)["isu2/etc/notes.env"]).toContain("DB_HOST=192.0.2.1");
      const open = {
        each: async (servers: readonly { readonly name: string }[]) => servers.map(({ name }) => ({ server: name, value: "8080\n" })),
      };
      const fleet = { servers: [{ name: "isu1" }] } as unknown as FleetUp;
      const closed = refuseClosed(open as unknown as OpenServers, fleet, { wish: move, plan, move: moveOf(move, plan), edits });
      await (refused
        ? expect(closed).rejects.toThrow("expected port 8080 open to other servers")
        : expect(closed).resolves.toBeUndefined());
    },
  );

  test("is refused where nobody passes anything to it by its port", () => {
    const socket = "upstream app { server unix:/run/notes.sock; }\n";
    const { edits } = edited(move, { "common/etc/nginx/sites-available/notes.conf": socket });
    expect(edits.clients).toEqual([]);
    const { record, ...rest } = ground(move);
    const files = record.files.filter(({ path }) => !path.includes("nginx"));
    const bare = { ...record, clients: [], files };
    const next = planOfDraft("team-a", draftOf(bare, "after"), stacks);
    expect(() => refuseUnbalanced({ ...rest, record: bare, next })).toThrow(
      "expected a proxy of the team's that names isu1's app by its port (8080)",
    );
  });
});

describe("an application on a second server", () => {
  test("stays on the first, and is balanced over both", () => {
    const { edits } = edited(add);
    expect(textsIn(edits)["isu1/etc/nginx/sites-available/notes.conf"]).toContain(
      "upstream app { server 127.0.0.1:8080 weight=2; server 192.0.2.2:8080 weight=2; }",
    );
    expect(edits.text).toBe(stack);
    expect(stepsOf(ground(add)).map(({ at, what }) => `${at}: ${what}`)).not.toContainEqual(
      expect.stringMatching(/wants nothing|isu1: role app/),
    );
  });

  const renaming = { from: ["127.0.0.1"], to: "192.0.2.2", clients: { ports: [8080], words: [], schemes: [] } };
  const another = (path: string, content: string) => withAnother({ path, content }, renaming, "isu2", groupsIn([{ content }])).text;

  test("a line of its own where the first has one, and once", () => {
    const text = "upstream app {\n  least_conn;\n  server 127.0.0.1:8080 max_fails=3; # here\n  keepalive 16;\n}\n";
    const once = another("/etc/nginx/conf.d/a.conf", text);
    expect(once).toBe(text.replace("max_fails=3;", "max_fails=3;\n  server 192.0.2.2:8080 max_fails=3;"));
    expect(another("/etc/nginx/conf.d/a.conf", once)).toBe(once);
  });

  test("a group in the place of an address, where the file's own level takes one", () => {
    const text = "server {\n  location / { root /srv; }\n  location /api/ {\n    proxy_pass http://127.0.0.1:8080/v1/;\n  }\n}\n";
    expect(another("/etc/nginx/sites-available/a", text)).toBe(
      `upstream fleet-app-8080 { server 127.0.0.1:8080; server 192.0.2.2:8080; }\n${text.replace("127.0.0.1:8080", "fleet-app-8080")}`,
    );
    expect(another("/etc/nginx/nginx.conf", text)).toBe(text);
  });

  test("a group of its own in each file: nginx takes a name but once", () => {
    const [a, b] = ["a", "b"].map((name) => `common/etc/nginx/sites-available/${name}.conf`);
    const passing = "server {\n  location / {\n    proxy_pass http://127.0.0.1:8080;\n  }\n}\n";
    const there = "upstream fleet-app-8080 { server 192.0.2.9:8081; }\n";
    const texts = textsIn(edited(add, { [a!]: passing, [b!]: passing, "common/etc/nginx/conf.d/c.conf": there }).edits);
    const groups = ["a", "b"].map((name) =>
      /^upstream (\S+) [\s\S]*proxy_pass http:\/\/(\S+);/.exec(texts[`isu1/etc/nginx/sites-available/${name}.conf`]!),
    );
    expect(groups.map((found) => found?.slice(1))).toEqual([
      ["fleet-app-8080-2", "fleet-app-8080-2"],
      ["fleet-app-8080-3", "fleet-app-8080-3"],
    ]);
  });

  test("nothing in a comment", () => {
    const text =
      "# upstream old { server 127.0.0.1:8080; }\nupstream app {\n  # was: a; server 127.0.0.1:8080;\n  server 192.0.2.7:8080;\n}\n";
    expect(another("/etc/nginx/conf.d/a.conf", text)).toBe(text);
  });

  test("a name of its own in haproxy", () => {
    expect(another("/etc/haproxy/haproxy.cfg", "backend b\n  server one 127.0.0.1:8080 check\n")).toBe(
      "backend b\n  server one 127.0.0.1:8080 check\n  server one-isu2 192.0.2.2:8080 check\n",
    );
  });

  test("which has it already, or where no other is left, is said so", () => {
    const there: Wish = { role: "redis", from: "isu1", to: "isu3" };
    expect(() => moveOf(there, planned())).toThrow(
      "expected role `redis` on isu1, which has base, mysql, app, nginx; it is on isu3 already",
    );
  });

  test("a role that keeps data is on one", () => {
    expect(() => moveOf({ role: "mysql", from: "isu1", to: "isu2", stays: true }, planned())).toThrow(
      "expected a role that several servers may share (app), got one that is on one; next: --move mysql:isu1:isu2",
    );
  });
});

describe("nginx that moves", () => {
  const nginx: Wish = { role: "nginx", from: "isu1", to: "isu3" };

  test("passes requests to what stays, by address, at a port that is opened", () => {
    const { edits } = edited(nginx);
    expect(textsIn(edits)).toEqual({
      "isu1/etc/notes.env": tree["common/etc/notes.env"]!.replace("LISTEN=127.0.0.1", "LISTEN=0.0.0.0"),
      "isu3/etc/nginx/sites-available/notes.conf": tree["common/etc/nginx/sites-available/notes.conf"]!.replace("127.0.0.1", "192.0.2.1"),
    });
    expect(edits.reached).toEqual([{ server: "isu1", role: "app" }]);
    const { next } = ground(nginx);
    expect(next.servers.map(({ spec }) => [spec.roles, spec.services])).toEqual([
      [["base", "mysql", "app"], { "nginx.service": "off" }],
      [["base", "mysql", "app", "nginx"], undefined],
      [["base", "redis", "nginx"], undefined],
    ]);
  });

  test("opens the application before, and is there before the old one goes", () => {
    const told = stepsOf(ground(nginx, [{ name: "/etc/nginx", bytes: 1, detail: "1 file" }])).map(({ at, what }) => `${at}: ${what}`);
    const order = [
      "isu3: gets",
      "isu3: puts it",
      "isu1: role files as",
      "isu3: reaches app",
      "isu3: role nginx",
      "isu3: the checks",
      "isu1: role nginx wants nothing",
    ];
    expectInOrder(told, order);
  });

  test("leaves the new server by its role first: what that found there had come with the split", () => {
    const { old: _, ...there } = ground(nginx, [{ name: "/etc/nginx", bytes: 1, detail: "1 file" }]);
    const { stackFile, files, seen, id } = there.record;
    const record: SplitRecord = {
      ...there.record,
      ...{ id: "20261129T110000Z-ef01", back: id, wish: { role: "nginx", from: "isu3", to: "isu1" } },
      ...{ stackFile: { before: stackFile.after, after: stackFile.before }, seen: { from: { items: [], writers: [] }, to: seen.from } },
      files: files.map(({ before, after, ...each }) => ({
        ...each,
        ...(after !== undefined && { before: after }),
        ...(before !== undefined && { after: before }),
      })),
    };
    const next = planOfDraft("team-a", draftOf(record, "after"), stacks);
    const told = stepsOf({ ...there, record, old: there.next, next, of: there.record }).map(({ at, what }) => `${at}: ${what}`);
    const places = ["isu3: role nginx wants nothing", "isu3: puts back what isu3 had"].map((each) =>
      told.findIndex((step) => step.startsWith(each)),
    );
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test("brings nothing back over what the old server kept: its files' originals are there", () => {
    const tree = (name: string) => roleNamed(name).move!(roleNamed(name).params.parse({})).tree;
    expect([tree("nginx")?.stays, tree("app")?.stays]).toEqual([true, undefined]);
  });

  test("is refused where it passes them to a socket", () => {
    const conf = { "common/etc/nginx/conf.d/a.conf": "upstream a {\n  server unix:/run/notes.sock;\n}\n" };
    expect(() => edited(nginx, conf)).toThrow(
      "isu1:/etc/nginx/conf.d/a.conf: expected addresses, got a socket, which no other server reaches (unix:/run/notes.sock)",
    );
  });

  test("says what it passes to a port that nobody is known behind", () => {
    const { edits } = edited(nginx, { "common/etc/nginx/conf.d/a.conf": "upstream a {\n  server 127.0.0.1:3000;\n}\n" });
    expect(edits.notes).toContainEqual(
      expect.stringContaining("/etc/nginx/conf.d/a.conf: 127.0.0.1:3000: loopback, which is isu3 itself there"),
    );
  });
});

describe("what comes as it stands", () => {
  test("is what the new server has not alike", () => {
    const from = treesIn("tree\t/home/a/webapp\t10\t2\taa\ntree\t/opt/x\t5\t1\tbb\nfree\t100\n");
    const to = treesIn("tree\t/home/a/webapp\t10\t2\taa\ntree\t/opt/x\t5\t1\tcc\nfree\t50\n");
    const { from: comes, to: stays } = differing(from, to);
    expect(comes.items.map(({ name, bytes, detail }) => [name, bytes, detail])).toEqual([["/opt/x", 5, "1 file"]]);
    expect([stays.items.map(({ name }) => name), stays.free]).toEqual([["/opt/x"], 50]);
  });

  test("what the application listens at alone is opened", () => {
    const { listen } = roleNamed("app").move!(
      roleNamed("app").params.parse({ ports: [8080], services: { a: { user: "a", workingDirectory: "/srv/a", command: ["/b"] } } }),
    );
    const text = "[Service]\nExecStart=/b --bind 127.0.0.1:8080 --metrics 127.0.0.1:9090\nEnvironment=ADMIN_LISTEN=127.0.0.1:9091\n";
    expect(listen!({ path: "/etc/systemd/system/a.service", text }, "192.0.2.2")).toBe(text.replace("127.0.0.1:8080", "0.0.0.0:8080"));
  });
});

describe("what is put in the place of what is there", () => {
  const id = "20261129T100000Z-abcd";
  const back = "20261129T110000Z-ef01";
  /** A server's folders here, with one item that is there, and one that is new. */
  function server() {
    const root = mkdtempSync(join(folder, "swap-"));
    const kept = join(root, "kept");
    const local = ({ text }: { readonly text: string }, change = (own: string) => own) =>
      spawnSync("sh", ["-c", change(text.replaceAll("/var/lib/fleet/split", kept))], { encoding: "utf8" });
    const items = ["home/webapp", "home/added"].map((path) => ({ name: join(root, path), bytes: 1, detail: "" }));
    for (const [at, name] of ["webapp", "added"].entries()) {
      mkdirSync(join(kept, id, `tree-${at}`, name), { recursive: true });
      writeFileSync(join(kept, id, `tree-${at}`, name, "code"), "came");
    }
    mkdirSync(join(root, "home/webapp"), { recursive: true });
    writeFileSync(join(root, "home/webapp/code"), "was");
    const seen = () =>
      spawnSync("sh", ["-c", "cd home; find . -name '.*split*' | wc -l; cat webapp/code; cat added/code 2>/dev/null || echo -"], {
        cwd: root,
        encoding: "utf8",
      }).stdout;
    return { items, local, seen };
  }
  const [was, came] = ["0\nwas-\n", "1\ncamecame"];
  const mvs = (text: string) => text.split("\n").filter((line) => /\bmv -T/.test(line)).length;
  /** Ends where the nth of its renames would be. */
  const endedAt = (nth: number) => (text: string) => {
    let at = 0;
    return text.replace(/\bmv -T/g, (word) => (at++ === nth ? "kill -9 $$; mv -T" : word));
  };

  test("is beside it until it comes back", () => {
    const { items, local, seen } = server();
    expect(seen()).toBe(was);
    expect(local(swapScript(id, items, [])).status).toBe(0);
    expect(seen()).toBe(came);
    expect(local(swapBackScript(id, items, [])).status).toBe(0);
    expect(seen()).toBe(was);
  });

  test("comes back wherever it was killed", () => {
    const count =
      mvs(
        swapScript(id, [{ name: "/a/b", bytes: 1, detail: "" }], [])
          .text.split("\nkept=")
          .at(-1)!,
      ) * 2;
    expect(count).toBe(4);
    for (let nth = 0; nth < count; nth++) {
      const { items, local, seen } = server();
      local(swapScript(id, items, []), (text) => text.replace(/\nkept=[\s\S]*$/, (own) => endedAt(nth)(own)));
      expect(local(swapBackScript(id, items, [])).status).toBe(0);
      expect(seen(), `killed at its rename ${nth}`).toBe(was);
    }
  });

  test("goes, and comes again where the way back fails", () => {
    const { items, local, seen } = server();
    local(swapScript(id, items, []));
    const { run, undo } = swapAgain(back, id, items, []);
    expect(local(run).status).toBe(0);
    expect(seen()).toBe("2\nwas-\n");
    expect(local(undo).status).toBe(0);
    expect(seen()).toBe(came);
    expect(local(undo).status).toBe(0);
    expect(local(run).status).toBe(0);
    expect(local(swapForgetScript(back, items)).status).toBe(0);
    expect(seen()).toBe(was);
  });
});
