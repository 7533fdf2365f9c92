// Package layers: a machine with its packages from a layer is what it would be had apt installed them in it; made once, whole or not at all.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureImage } from "../../machines/image.ts";
import { ensureLayer, keyOf } from "../../machines/layers/layer.ts";
import { pruneLayers, replacedMark } from "../../machines/layers/prune.ts";
import type { MachineSpec } from "../../machines/machine.ts";
import { layersDirectory, pathsOf } from "../../machines/names.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { mounts } from "../../machines/nspawn/overlay.ts";
import { leftovers, sweep } from "../../machines/sweep.ts";
import { ssh2 } from "../../provisioners/ssh/ssh2.ts";
import { inside } from "../support/fleet.ts";
import { own, ownNetwork, ownStack } from "../support/own.ts";
import { until } from "../support/soon.ts";

/** Of packages that bring services, users, debconf answers, keys, triggers and a database that is set up at its installation. */
const packages = ["mariadb-server", "memcached", "nginx", "redis-server", "ssl-cert"];
const [stack, network] = [ownStack("layers"), ownNetwork()];
const release = "bookworm";
const authorizedKey = `${ssh2.utils.generateKeyPairSync("ed25519").public} nobody`;

const machine = (name: string, host: number, preinstalled: readonly string[]): MachineSpec => ({
  ...{ stack, name, driver: "nspawn", cores: 2, memoryMiB: 1024, release, authorizedKey, preinstalled },
  ...{ address: `${network}.${host}`, subnet: `${network}.0/24` },
});

async function on(server: string, script: string): Promise<string> {
  const { code, stdout, said } = await inside(stack, server, script);
  if (code !== 0) throw new Error(`${server}: ${script}\nended with ${code}: ${said}`);
  return stdout.trim();
}

/** What apt does in a machine that runs, in a role's words. */
const byApt = `export DEBIAN_FRONTEND=noninteractive
apt-get -q -y update >/dev/null
apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends ${packages.join(" ")} >/dev/null 2>&1
apt-get clean`;

const settled = "systemctl is-system-running --wait >/dev/null || systemctl --failed --no-legend";

/** Each a text that must be the same on both. */
const facets: Readonly<Record<string, string>> = {
  "packages, their versions and states": "dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev} ${db:Status-Want}\\n'",
  "what dpkg has yet to do": "dpkg --audit; cat /var/lib/dpkg/triggers/Unincorp",
  "what was asked for and what came along": "apt-mark showmanual; echo; apt-mark showauto",
  "debconf's answers": "sed -e '/^$/d' /var/cache/debconf/config.dat | grep -v -i 'password' | sort",
  "unit files and what is enabled": "systemctl list-unit-files --no-legend | grep -v '^-\\.mount'",
  "services that run":
    "systemctl list-units --type=service,socket,timer --state=active --plain --no-legend | cut -d ' ' -f 1 | grep -v '^user' | sort",
  "units that failed": "systemctl list-units --failed --plain --no-legend",
  "users and groups":
    "sort /etc/passwd; sort /etc/group; sort /etc/gshadow; cut -d : -f 1,2 /etc/shadow | grep -v '^fleet:' | sort; stat -c '%a %U:%G %n' /etc/passwd /etc/group /etc/shadow /etc/gshadow",
  "links of units": "find /etc/systemd -type l -printf '%p %l\\n' | sort; ls /var/lib/systemd/deb-systemd-helper-enabled",
  "links of boot scripts": "find /etc/rc?.d -printf '%p %l\\n' | sort",
  "files of /etc, but for what is each machine's": `cd /etc; find . -type f ! -path './ssl/certs/ssl-cert-snakeoil.pem' ! -path './ssl/private/*' ! -path './ssh/ssh_host_*' \\
    ! -name machine-id ! -name '*-' ! -path './hosts' ! -path ./passwd ! -path ./group ! -path ./shadow ! -path ./gshadow ! -name hostname ! -name '10-host0.network' ! -name ld.so.cache -printf '%m %u:%g %p ' -exec sha256sum {} \\; | sed 's/  .*//' | sort -k 3`,
  "files of programs and data":
    "find /usr /opt /srv /var/lib/mysql-files /var/www /usr/local -xdev ! -name '*.pyc' -printf '%y %m %u:%g %s %p %l\\n' 2>/dev/null | sed 's/^d \\(.*\\) [0-9]* \\//d \\1 \\//' | sort -k 5",
  "owners and modes below /var/lib and /var/log":
    "find /var/lib/mysql /var/lib/redis /var/log /run/mysqld /run/redis -maxdepth 1 ! -name 'ib*' ! -name '*.pid' -printf '%y %m %u:%g %p\\n' | grep -v -e journal -e -tc.log | sort -k 4",
  "temporary files of the installation":
    "ls /usr/sbin/policy-rc.d /var/cache/apt/archives/*.deb /tmp/* 2>&1 | grep -v 'cannot access' | grep -v systemd-private || :",
  "the database's users": "mariadb -N -e 'SELECT user, host, plugin FROM mysql.user ORDER BY 1, 2'",
};

/** What must differ from one machine to the next. */
const identity: Readonly<Record<string, string>> = {
  "machine id": "cat /etc/machine-id",
  "host key": "cat /etc/ssh/ssh_host_ed25519_key.pub",
  "key of ssl-cert": "sha256sum </etc/ssl/private/ssl-cert-snakeoil.key",
};

const entries = (): readonly string[] => (existsSync(layersDirectory()) ? readdirSync(layersDirectory()) : []);

let image = "";
beforeAll(async () => {
  image = await ensureImage({ release });
});
afterAll(() => sweep(stack));

describe("a machine with its packages from a layer", () => {
  beforeAll(async () => {
    await Promise.all([
      nspawn.ensure(machine("layered", 11, packages)),
      nspawn.ensure(machine("second", 12, packages)),
      nspawn.ensure(machine("plain", 13, [])).then(() => on("plain", byApt)),
    ]);
    for (const server of ["layered", "second", "plain"]) await on(server, settled);
  });

  test.each(Object.entries(facets))("is as apt would have made it: %s", async (_, script) => {
    // A timer's work of one machine is another's a moment later.
    const alike = async () => {
      const [layered, plain] = await Promise.all([on("layered", script), on("plain", script)]);
      expect(layered.split("\n")).toEqual(plain.split("\n"));
      return true;
    };
    await until(alike, "both machines alike");
  });

  test("is somebody of its own", async () => {
    for (const [what, script] of Object.entries(identity)) {
      const all = await Promise.all(["layered", "second", "plain"].map((server) => on(server, script)));
      expect(new Set(all).size, what).toBe(3);
    }
    expect(await on("layered", "openssl x509 -noout -subject -in /etc/ssl/certs/ssl-cert-snakeoil.pem")).toContain("layered");
  });

  test("takes more packages, and gives back what it has, as any other", async () => {
    await on("layered", "DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends jq >/dev/null 2>&1; jq --version");
    await on("layered", "DEBIAN_FRONTEND=noninteractive apt-get -q -y purge memcached >/dev/null 2>&1");
    expect(await on("layered", "dpkg-query -W -f '${db:Status-Abbrev}' memcached 2>/dev/null || echo none")).toBe("none");
    expect(await on("second", "dpkg-query -W -f '${db:Status-Abbrev}' memcached"), "the layer itself is untouched").toBe("ii");
  });

  test("stays itself when other packages are named", async () => {
    const { leaderPid } = (await nspawn.read({ stack, name: "second" }))!;
    expect((await nspawn.ensure(machine("second", 12, ["jq"]))).leaderPid).toBe(leaderPid);
  });
});

describe("a layer", () => {
  const names = ["jq"];
  const key = () => keyOf(image, names);
  const pointer = () => join(layersDirectory(), `${key()}.json`);
  const layer = (): string => (JSON.parse(readFileSync(pointer(), "utf8")) as { layer: string }).layer;
  const days = (count: number): Date => new Date(Date.now() - count * 86_400_000);

  // A cache of this test's own, where nothing is made yet.
  const cache = process.env.XDG_CACHE_HOME;
  beforeAll(() => {
    process.env.XDG_CACHE_HOME = join(own, "cache");
  });
  afterAll(() => {
    if (cache === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cache;
  });

  function makeElsewhere(): ChildProcess {
    const code = join(import.meta.dirname, "../../machines/layers/layer.ts");
    const text = `import { ensureLayer } from ${JSON.stringify(code)}; await ensureLayer(${JSON.stringify(image)}, ${JSON.stringify(names)});`;
    return spawn(process.execPath, ["--input-type=module", "--eval", text], { stdio: "ignore" });
  }

  test("is there whole or not at all, whenever its making is killed; two who want it make it once", async () => {
    for (const delay of [400, 1000, 1800]) {
      const child = makeElsewhere();
      const gone = once(child, "exit");
      await sleep(delay);
      child.kill("SIGKILL");
      await gone;
      const there = entries().filter((name) => !name.endsWith(".partial"));
      expect(there.length === 0 || there.includes(`${key()}.json`), `${delay} ms: ${there}`).toBe(true);
    }
    for (const each of entries().filter((name) => !name.endsWith(".partial"))) rmSync(join(layersDirectory(), each), { recursive: true });
    const said: string[] = [];
    const both = await Promise.all([1, 2].map(() => ensureLayer(image, names, { log: (line) => said.push(line) })));
    expect(both).toEqual([`${layer()}:${image}`, `${layer()}:${image}`]);
    expect(said).toEqual([
      "installing jq into a layer, once for all machines with them",
      expect.stringMatching(/^the layer of 1 package is ready: \d+\.\d s$/),
    ]);
    expect(existsSync(join(layer(), "usr/bin/jq"))).toBe(true);
    expect(entries().filter((name) => name.endsWith(".partial"))).toEqual([]);
    expect(await mounts(layersDirectory())).toEqual([]);
  });

  test("is asked about once a day: kept where the archive has the same, made anew where it has other versions", async () => {
    const first = layer();
    utimesSync(pointer(), days(2), days(2));
    expect(await ensureLayer(image, names)).toBe(`${first}:${image}`);
    expect(statSync(pointer()).mtimeMs).toBeGreaterThan(days(1).getTime());
    // As an archive of another day would have had it.
    const old = `${layersDirectory()}/${key()}-0000000000000000`;
    renameSync(first, old);
    writeFileSync(pointer(), JSON.stringify({ layer: old, versions: "0000000000000000", packages: names }));
    utimesSync(pointer(), days(2), days(2));
    expect(await ensureLayer(image, names)).toBe(`${first}:${image}`);
    expect(existsSync(join(first, "usr/bin/jq"))).toBe(true);
    expect(entries()).toContain(`${basename(old)}${replacedMark}`);
  });

  test("stays where the archive can't be asked", async () => {
    utimesSync(pointer(), days(2), days(2));
    const said: string[] = [];
    // An image of that name in which nothing runs.
    const bare = join(own, basename(image));
    mkdirSync(bare);
    expect(await ensureLayer(bare, names, { log: (line) => said.push(line) })).toBe(`${layer()}:${bare}`);
    expect(said).toEqual([expect.stringMatching(/^the package archive can't be asked whether the layer is of today; it stays: /)]);
    said.length = 0;
    expect(await ensureLayer(bare, names, { log: (line) => said.push(line) })).toBe(`${layer()}:${bare}`);
    expect(said, "asked again at once").toEqual([]);
  });

  test("goes when nothing uses it: the replaced after an hour, the others after a month; one under a machine stays", async () => {
    const [now, old] = [layer(), `${layersDirectory()}/${key()}-0000000000000000`];
    expect(await pruneLayers()).toEqual([]);
    const user = pathsOf({ stack, name: "user" });
    mkdirSync(user.directory, { recursive: true });
    writeFileSync(user.record, JSON.stringify({ image: `${now}:${image}` }));
    utimesSync(`${old}${replacedMark}`, days(1), days(1));
    utimesSync(pointer(), days(31), days(31));
    expect(await pruneLayers()).toEqual([old]);
    expect(existsSync(now), "a machine lies over it").toBe(true);
    await nspawn.destroy({ stack, name: "user" });
    expect(await pruneLayers()).toEqual([now]);
    expect(entries()).toEqual([]);
  });
});

test("nothing is left of the machines", async () => {
  await sweep(stack);
  expect(await leftovers(stack)).toEqual([]);
});
