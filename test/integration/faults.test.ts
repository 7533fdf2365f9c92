// What goes wrong on the day: broken configuration, two people at once, servers that can't be reached, entered or held on to.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { linkName } from "../../machines/names.ts";
import { run } from "../../machines/run.ts";
import { ssh2 } from "../../provisioners/ssh/ssh2.ts";
import { type Fleet, inside, type Running, Trial } from "../support/fleet.ts";
import { handOut } from "../support/handed-out.ts";
import { ownNetwork } from "../support/own.ts";
import { soon } from "../support/soon.ts";

const network = ownNetwork();
const user = { name: "isucon", password: "pass of the contest", sudo: "free" } as const;
const hosts = { web: 11, db: 12, app: 13, other: 14, asks: 15, cut: 16 } as const;
type Name = keyof typeof hosts;
/** Nobody answers there. */
const nowhere = 99;

const login = (host: number) => ({ address: `${network}.${host}`, user: user.name });
const page = { kind: "front", path: "/" };

const trial = new Trial("faults", {
  target: "inventory",
  servers: {
    web: { ...login(hosts.web), roles: ["base", "nginx"] },
    db: { ...login(hosts.db), roles: ["base", "mysql"] },
    app: { ...login(hosts.app), roles: ["base"] },
    other: { ...login(hosts.other), roles: ["base"] },
  },
  params: { base: { packages: [] }, nginx: { sites: [{ name: "team", root: "/var/www/html", routes: [page] }] } },
});
const elsewhere = mkdtempSync(join(tmpdir(), "fleet-backend-"));

const servers = (fleet: Fleet) => fleet.servers as Record<string, Fleet>;
const linkOf = (name: Name): string => linkName({ stack: trial.stack, name });

/** What a server's own shell says, all in one text. */
const ask = async (name: Name, script: string): Promise<string> => (await inside(trial.stack, name, script)).said;

/** Resolves as soon as the running command has said it; fails where it ends without. */
async function heard(running: Running, sentence: RegExp): Promise<void> {
  let over = false;
  void running.done.then(() => {
    over = true;
  });
  for (;;) {
    const last = over;
    if (sentence.test(running.said())) return;
    expect(last, `expected ${sentence}, got:\n${running.said()}`).toBe(false);
    await sleep(50);
  }
}

async function isRight(): Promise<void> {
  const { code, said } = await trial.run("verify");
  expect(code, said).toBe(0);
}

beforeAll(async () => {
  const all = Object.entries(hosts).map(([name, host]) => ({
    name,
    host,
    user: name === "asks" ? { ...user, sudo: "password" as const } : user,
  }));
  await handOut(trial, network, all);
  for (const name of ["web", "db", "app", "other"]) await trial.secret(`servers.${name}.password`, user.password);
  trial.overlay("web", "/var/www/html/index.html", "the front page\n");
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
});

afterAll(async () => {
  await trial.remove();
  rmSync(elsewhere, { recursive: true, force: true });
});

const broken = {
  web: ["/etc/nginx/sites-available/team", "server {\n  listen 80;\n  lisen 81;\n}\n"],
  db: ["/etc/mysql/mariadb.conf.d/zz-fleet.cnf", "[mysqld]\ninnodb_page_size = 4k\n"],
  app: ["/etc/sudoers.d/zz-fleet", "isucon ALL=(ALL:ALL NOPASSWD: ALL\n"],
} as const;

test("a broken nginx line, sudoers file and my.cnf are refused or rolled back with the validator's and the journal's words", async () => {
  const before = await Promise.all(
    Object.entries(broken).map(([name, [path]]) => ask(name as Name, `stat -c '%a %U %n' ${path}; cat ${path}`)),
  );
  for (const [name, [path, content]] of Object.entries(broken)) trial.overlay(name, path, content);
  trial.overlay("other", "/etc/motd", "the others finish\n");
  const { code, said } = await trial.up();
  expect(code, said).not.toBe(0);
  expect(said).toContain('unknown directive "lisen" in /etc/nginx/sites-enabled/team:3');
  expect(said).toMatch(/sudoers.*syntax error/);
  expect(said).toMatch(/mariadb.service did not come up after restart; its journal:[\s\S]*Unknown\/unsupported storage engine: InnoDB/);
  expect(said).toMatch(/mariadb.service runs again with what it had before/);

  expect(await ask("other", "cat /etc/motd")).toBe("the others finish\n");
  const after = await Promise.all(
    Object.entries(broken).map(([name, [path]]) => ask(name as Name, `stat -c '%a %U %n' ${path}; cat ${path}`)),
  );
  expect(after).toEqual(before);
  await soon(() => ask("web", "curl -s http://127.0.0.1/; nginx -t 2>&1 | tail -n 1")).toContain("the front page");
  await soon(() => ask("db", "mariadb -N -e 'SELECT 42'")).toBe("42\n");
  expect(await ask("app", "su isucon -c 'sudo -n id -u'")).toBe("0\n");
});

test("the next up goes on from there", async () => {
  for (const [name, [path]] of Object.entries(broken)) trial.overlay(name, path);
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  await isRight();
});

test("a package that can't be had is blamed, and stops neither its role nor those behind it", async () => {
  trial.overlay("other", "/etc/team.conf", "behind base\n");
  trial.edit((fleet) => {
    servers(fleet).other!.params = { base: { packages: ["no-such-package"], timezone: "Asia/Tokyo" } };
  });
  // In the fleet's own words: `trial.up` has Pulumi's.
  const { code, said } = await trial.run("up", ["--yes"]);
  expect(code, said).toBe(1);
  expect(said).toMatch(/other base: package\[no-such-package\]: `install` ended .*\n[\s\S]*Unable to locate package no-such-package/);
  expect(said).toMatch(/, 1 failed; /);
  expect(said).not.toMatch(/failed to register|at async|RunError/);
  expect(await ask("other", "cat /etc/team.conf; readlink /etc/localtime")).toMatch(/^behind base\n.*Asia\/Tokyo/);
  const verified = await trial.run("verify");
  expect(verified.code, verified.said).toBe(7);
  trial.overlay("other", "/etc/team.conf");
  trial.edit((fleet) => {
    delete servers(fleet).other!.params;
  });
  const mended = await trial.up();
  expect(mended.code, mended.said).toBe(0);
  expect(mended.said).not.toContain("no-such-package");
});

test("what stands behind a role that failed is left as it is", async () => {
  const urns = async () => (await trial.state()).resources.map(({ urn }) => urn).sort();
  const before = await urns();
  trial.overlay("web", "/etc/sudoers.d/team", "isucon ALL=(ALL NOPASSWD\n");
  const { code, said } = await trial.up();
  expect(code, said).not.toBe(0);
  expect(said).toMatch(/refused by its validator, not installed: \/etc\/sudoers\.d\/team/);
  expect(said).not.toMatch(/delet(?:ing|ed)/);
  expect(await urns()).toEqual(before);
  await soon(() => ask("web", "systemctl is-active nginx; curl -s http://127.0.0.1/")).toBe("active\nthe front page\n");
  trial.overlay("web", "/etc/sudoers.d/team");
  const mended = await trial.up();
  expect(mended.code, mended.said).toBe(0);
});

/** Somebody's own apt run on the server: whoever wants to install there waits, until `freeApt`. */
const holdApt = `nohup setsid perl -e '
use Fcntl;
open my $lock, ">", "/var/lib/dpkg/lock-frontend" or die;
my $whole = pack("s s l! l! i", F_WRLCK, 0, 0, 0, 0);
fcntl($lock, F_SETLK, $whole) or die "locked already";
open my $pid, ">", "/run/held" or die; print $pid $$; close $pid;
sleep 3000;' > /run/held.log 2>&1 &
for i in $(seq 1200); do [ ! -s /run/held ] || exit 0; sleep 0.05; done; cat /run/held.log; exit 1`;
const freeApt = "kill $(cat /run/held); rm /run/held";

test("of two people who run up at once, one works, and the other is told who is at it since when", async () => {
  expect(await ask("other", holdApt)).toBe("");
  trial.edit((fleet) => {
    servers(fleet).other!.roles = ["base", "memcached"];
  });
  const first = trial.start("up", ["--yes", "--verbose"]);
  await heard(first, /package\[memcached\]: install/);

  const here = await trial.up();
  expect(here.code, here.said).not.toBe(0);
  expect(here.said).toMatch(/expected to be alone at work, got \w+@\S+ \(process \d+\) since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);

  // With a state of their own they don't meet before the server.
  const there = await trial.up({ env: { PULUMI_BACKEND_URL: `file://${elsewhere}` } });
  expect(there.code, there.said).not.toBe(0);
  expect(there.said).toMatch(/waits up to 30 s: locked by `\w+@\S+` for `stack trial-faults-\d+` since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
  expect(there.said).toMatch(/other: locked by `\w+@\S+` for `stack trial-faults-\d+` since \S+; that is you: a run that goes on/);

  await ask("other", freeApt);
  const { code, said } = await first.done;
  expect(code, said).toBe(0);
  await soon(() => ask("other", "systemctl is-active memcached")).toBe("active\n");
});

test("a run that was killed holds nobody up: its lock goes with its shell", async () => {
  expect(await ask("other", holdApt)).toBe("");
  trial.edit((fleet) => {
    servers(fleet).other!.roles = ["base", "memcached", "redis"];
  });
  const killed = trial.start("up", ["--yes", "--verbose"]);
  await heard(killed, /package\[redis-server\]: install/);
  await killed.kill();
  await ask("other", freeApt);
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  await isRight();
});

test("a dead server, a wrong key, a wrong password, a sudo that asks and a cut link each have a sentence; the others finish", async () => {
  const wrongKey = ssh2.utils.generateKeyPairSync("ed25519").public;
  const own = ssh2.utils.generateKeyPairSync("ed25519");
  const grant = `install -d -m 700 -o isucon -g isucon ~isucon/.ssh; printf '%s\\n' '${own.public}' > ~isucon/.ssh/authorized_keys; chown isucon: ~isucon/.ssh/authorized_keys`;
  expect(await ask("asks", grant)).toBe("");
  trial.edit((fleet) => {
    servers(fleet).app!.hostKey = wrongKey;
    Object.assign(servers(fleet), {
      dead: { ...login(nowhere), roles: ["base"] },
      asks: { ...login(hosts.asks), roles: ["base"] },
      cut: { ...login(hosts.cut), roles: ["memcached"] },
    });
  });
  await trial.secret("servers.other.password", "not the pass of the contest");
  for (const name of ["dead", "cut"]) await trial.secret(`servers.${name}.password`, user.password);
  await trial.secret("servers.asks.privateKey", own.private);
  trial.overlay("web", "/etc/motd", "the others finish\n");
  expect(await ask("cut", holdApt)).toBe("");

  const running = trial.start("up", ["--yes", "--verbose"]);
  const faults = [
    heard(running, /dead: no (?:route to|answer from) `10\.213\.\d+\.99:22`/),
    heard(
      running,
      /app: expected host key `ssh-ed25519 SHA256:\S+`, got `ssh-ed25519 SHA256:\S+` from `10\.213\.\d+\.13:22`; if the server was rebuilt/,
    ),
    heard(running, /other: `10\.213\.\d+\.14:22` refused user `isucon` with the given password.*; check them in the stack file/),
    heard(running, /asks: `10\.213\.\d+\.15:22`: sudo asks for the password of `isucon` and none is given; set `sudoPassword`/),
  ];
  await heard(running, /package\[memcached\]: install/);
  await run("ip", ["link", "set", linkOf("cut"), "down"]);
  await heard(
    running,
    /cut: the link to `10\.213\.\d+\.16:22` broke while a script ran \(no answer to 3 keepalives\); what it did is unknown/,
  );
  await Promise.all(faults);
  const { code, said } = await running.done;
  expect(code, said).not.toBe(0);
  expect(await ask("web", "cat /etc/motd")).toBe("the others finish\n");
  await ask("cut", freeApt);
  await run("ip", ["link", "set", linkOf("cut"), "up"]);
});

test("and when all that is put right, up goes on from there", async () => {
  trial.edit((fleet) => {
    delete servers(fleet).app!.hostKey;
    delete servers(fleet).dead;
  });
  for (const name of ["other", "asks"])
    await trial.secret(`servers.${name}.${name === "other" ? "password" : "sudoPassword"}`, user.password);
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  await isRight();
});

test("a preview with a server down shows what the state remembers, with a warning", async () => {
  await run("ip", ["link", "set", linkOf("db"), "down"]);
  trial.overlay("web", "/etc/motd", "changed meanwhile\n");
  trial.overlay("db", "/etc/motd", "for a server that is down\n");
  const { code, said } = await trial.run("preview");
  expect(code, said).toBe(0);
  expect(said).toMatch(
    /^db\n {2}not looked at, shown (?:as the state remembers it|from the stack file alone): .*no (?:route to|answer from) `10\.213\.\d+\.12:22`/m,
  );
  expect(said).toMatch(/\+changed meanwhile/);
  expect(said).toMatch(/for a server that is down/);
  const verified = await trial.run("verify");
  expect(verified.code, verified.said).toBe(7);
  expect(verified.said).toMatch(/host\[db\][\s\S]*db: no (?:route to|answer from)/);
});
