// The practice stack on real machines, as an event day goes: up, change, drift, reboot, down. Each test begins where the one before ended.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { leftovers } from "../../machines/sweep.ts";
import type { RoleReport } from "../../provisioners/engine/report.ts";
import { checkout } from "../../provisioners/stack.ts";
import { type Fleet, inside, practiceFleet, start, Trial } from "../support/fleet.ts";
import { ownProject } from "../support/own.ts";
import { soon, until } from "../support/soon.ts";

const servers = ["isu1", "isu2", "isu3"] as const;
type Server = (typeof servers)[number];

const trial = new Trial(
  "practice",
  practiceFleet(() => {}),
);
afterAll(() => trial.remove());

/** Throws with what it said where it fails. */
async function on(server: Server, script: string): Promise<string> {
  const { code, stdout, said } = await inside(trial.stack, server, script);
  if (code !== 0) throw new Error(`${server}: ${script}\nended with ${code}: ${said}`);
  return stdout.trim();
}

const onAll = async (script: string): Promise<readonly string[]> => await Promise.all(servers.map((server) => on(server, script)));

async function up(): Promise<string> {
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  return said;
}

/** `isu1 nginx file[/etc/nginx/nginx.conf]: what differs`, a line each. */
async function differences(): Promise<readonly string[]> {
  const { code, stdout, said } = await trial.run("verify", ["--format", "json"]);
  expect([0, 7], said).toContain(code);
  const reports = JSON.parse(stdout) as readonly RoleReport[];
  const off = reports.flatMap(({ host, role, results }) =>
    results
      .filter(({ outcome }) => outcome !== "unchanged")
      .map(({ address, changes }) => `${host} ${role} ${address}: ${changes.join(" ")}`),
  );
  expect(code).toBe(off.length > 0 ? 7 : 0);
  return off.sort();
}

/** What `pulumi … --diff` shows as changed, each line under its server, role and resource. */
function shownIn(text: string): readonly string[] {
  let [role, resource] = ["", ""];
  return text.split("\n").flatMap((line) => {
    role = /^\s+\[id=(isu\d\/[a-z-]+)\]$/.exec(line)?.[1] ?? role;
    resource = /^\s+[-+~] ([a-z-]+\[.*\])\s*: \{$/.exec(line)?.[1] ?? resource;
    const [, changed] = /^\s+([-+] .*|~ .* => .*)$/.exec(line) ?? [];
    return changed === undefined ? [] : [`${role} ${resource} ${changed.replace(/ {2,}/g, " ")}`];
  });
}

interface Snapshot {
  readonly files: readonly string[];
  readonly services: Readonly<Record<string, string>>;
}

const fileList = `cd /; find etc home opt root srv usr var/lib/fleet var/lib/wordpress -xdev ! -type d -printf '%p %C@ %T@ %m %u:%g %s %l\\n' | LC_ALL=C sort`;
/** Those that were started and stay; what runs by the clock comes and goes. */
const serviceList = `for unit in $(systemctl list-units --type=service --state=running --plain --no-legend | cut -d ' ' -f 1 | grep -v '^user@'); do
  echo "$unit $(systemctl show -p MainPID --value "$unit") $(systemctl show -p InvocationID --value "$unit")"; done`;

/** Everything that a run could touch: times of change of each file, and which start of each service runs. */
async function snapshot(server: Server): Promise<Snapshot> {
  const lines = async (script: string) => (await on(server, script)).split("\n");
  const rows = (await lines(serviceList)).map((line) => [line.split(" ")[0]!, line] as const);
  return { files: await lines(fileList), services: Object.fromEntries(rows) };
}

const snapshots = async (): Promise<readonly Snapshot[]> => await Promise.all(servers.map(snapshot));

/** The paths and units that are not as they were. */
function touched(before: Snapshot, after: Snapshot): { readonly files: readonly string[]; readonly services: readonly string[] } {
  const [was, is] = [new Set(before.files), new Set(after.files)];
  const lines = [...before.files.filter((line) => !is.has(line)), ...after.files.filter((line) => !was.has(line))];
  const units = new Set([...Object.keys(before.services), ...Object.keys(after.services)]);
  return {
    files: [...new Set(lines.map((line) => `/${line.split(" ")[0]}`))].sort(),
    services: [...units].filter((unit) => before.services[unit] !== after.services[unit]).sort(),
  };
}

const nothing = { files: [], services: [] };

/** The body of a page as a visitor gets it: past redirects, through the network of the machines. */
async function page(server: Server, path: string, host = trial.address(server)): Promise<string> {
  const response = await fetch(`http://${trial.address(server)}${path}`, { signal: AbortSignal.timeout(120_000) });
  expect(response.status, `${server}${path}`).toBe(200);
  return (await response.text()).replaceAll(host, "HOST");
}

const post = "Written before the reboot";
const write = `cd /usr/share/wordpress && runuser -u www-data -- env HTTP_HOST=localhost php -r '
  $_SERVER["HTTP_HOST"] = "localhost"; require "wp-load.php";
  echo wp_insert_post(["post_title" => "A first title", "post_content" => "It stays.", "post_status" => "publish"], true);'`;
let postId = "";

beforeAll(async () => {
  await up();
});

test("the application answers through both web servers with the same content, from the database on the third", async () => {
  postId = await on("isu1", write);
  expect(postId).toMatch(/^\d+$/);
  // Whatever the pages show comes from there, and nowhere else is a database.
  await on("isu3", `mysql wordpress -e "UPDATE wp_posts SET post_title = '${post}' WHERE ID = ${postId}"`);
  for (const server of ["isu1", "isu2"] as const) expect(await on(server, "pgrep -c 'mariadbd|mysqld' || :")).toBe("0");
  const [one, two] = [await page("isu1", `/?p=${postId}`), await page("isu2", `/?p=${postId}`)];
  expect(one).toContain(post);
  expect(two).toBe(one);
});

/** What a first up brings (nginx's user) is a fact of the server that the next one writes down. */
const withoutFacts = (state: object): unknown =>
  JSON.parse(JSON.stringify(state, (key, value) => (["facts", "remarks"].includes(key) ? undefined : value)));

test("a second up changes nothing, in the state and on the servers", async () => {
  expect(await differences()).toEqual([]);
  const [state, before] = [await trial.state(), await snapshots()];
  expect(await up()).toMatch(/^trial: nothing to do; \d+ resources on 3 servers as they should be$/m);
  expect(await trial.state()).toEqual(state);
  const engine = await trial.run("up", ["--yes", "--engine", "--verbose"]);
  expect([engine.code, engine.said]).toEqual([0, expect.stringMatching(/Resources:\n\s+\d+ unchanged\n/)]);
  expect(withoutFacts(await trial.state())).toEqual(withoutFacts(state));
  expect(state.pending).toEqual([]);
  const after = await snapshots();
  expect(after.map((each, index) => touched(before[index]!, each))).toEqual([nothing, nothing, nothing]);
});

test("three lines of a stack file: shown as such, made so, and nothing else is touched", async () => {
  trial.edit((fleet) => {
    const params = fleet.params as Record<string, Fleet>;
    params.base!.sysctl = { preset: "isucon", overrides: { "net.ipv4.tcp_fin_timeout": "11" } };
    (params.mysql as Fleet).settings = { max_allowed_packet: "96M" };
    ((fleet.servers as Record<string, Fleet>).isu1 as Fleet).params = { nginx: { main: { keepaliveTimeout: 77 } } };
  });
  const preview = await trial.pulumi(["preview", "--diff"]);
  expect(preview.code, preview.said).toBe(0);
  const sysctl = servers.map((server) => `${server}/base sysctl[base] ~ net.ipv4.tcp_fin_timeout: "10" => "11"`);
  expect([...shownIn(preview.stdout)].sort()).toEqual(
    [
      ...sysctl,
      "isu1/nginx file[/etc/nginx/nginx.conf] - keepalive_timeout 600;",
      "isu1/nginx file[/etc/nginx/nginx.conf] + keepalive_timeout 77;",
      "isu3/mysql file[/etc/mysql/mariadb.conf.d/zz-fleet.cnf] + max_allowed_packet = 96M",
    ].sort(),
  );
  const own = await trial.run("preview");
  const shared = /^isu1, isu2, isu3\n {2}~ sysctl\[base\] {2}base\n/;
  const ofOne = /^isu1\n(?: .*\n)*? {2}~ file\[\/etc\/nginx\/nginx\.conf\] {2}nginx\n/m;
  expect([own.code, own.stdout]).toEqual([0, expect.stringMatching(shared)]);
  expect(own.stdout).toMatch(ofOne);
  expect(own.stdout).toMatch(/^ +-\s+keepalive_timeout 600;\n +\+\s+keepalive_timeout 77;$/m);
  expect(own.stdout).toMatch(/\n\ntrial: 5 to update\n$/);
  const before = await snapshots();
  const nginx = "echo $(systemctl show -p MainPID --value nginx) $(pgrep -d ' ' -f 'nginx: worker process$')";
  const [main, ...workers] = (await on("isu1", nginx)).split(" ");
  await up();
  const after = await snapshots();
  const sysctlFile = "/etc/sysctl.d/99-zz-fleet-base.conf";
  expect(after.map((each, index) => touched(before[index]!, each))).toEqual([
    { files: ["/etc/nginx/nginx.conf", sysctlFile], services: [] },
    { files: [sysctlFile], services: [] },
    { files: ["/etc/mysql/mariadb.conf.d/zz-fleet.cnf", sysctlFile], services: ["mariadb.service"] },
  ]);
  const [mainNow, ...workersNow] = (await on("isu1", nginx)).split(" ");
  expect(mainNow).toBe(main);
  expect(workersNow.filter((pid) => workers.includes(pid))).toEqual([]);
  expect(await onAll("sysctl -n net.ipv4.tcp_fin_timeout")).toEqual(["11", "11", "11"]);
  expect(await on("isu3", "mysql -N -e 'SELECT @@max_allowed_packet'")).toBe(String(96 * 2 ** 20));
  expect(await differences()).toEqual([]);
});

test("hand edits appear in refresh and verify, and up heals them", async () => {
  await on("isu1", "printf '# by hand\\n' >> /etc/nginx/nginx.conf; dpkg --purge --force-depends git 2>&1");
  await on("isu2", "systemctl stop php8.2-fpm; chmod 0644 /etc/wordpress/config-default.php");
  await on("isu3", "sysctl -q -w net.core.somaxconn=99");
  const refresh = await trial.pulumi(["refresh", "--preview-only", "--diff"]);
  expect(refresh.code, refresh.said).toBe(0);
  const shown = shownIn(refresh.stdout);
  expect(shown).toEqual(
    expect.arrayContaining([
      "isu1/nginx file[/etc/nginx/nginx.conf] + # by hand",
      'isu1/base package[git] - name : "git"',
      "isu2/php-fpm service[php8.2-fpm.service] ~ running: true => false",
      'isu2/wordpress file[/etc/wordpress/config-default.php] ~ mode: "0640" => "0644"',
      'isu3/base sysctl[base] ~ net.core.somaxconn: "65535" => "99"',
    ]),
  );
  const found = await differences();
  expect(found).toEqual(
    expect.arrayContaining([
      "isu1 base package[git]: is missing",
      "isu1 nginx file[/etc/nginx/nginx.conf]: content differs: -# by hand",
      "isu1 nginx live[nginx]: /etc/nginx/nginx.conf was changed after nginx read it",
      "isu2 php-fpm service[php8.2-fpm.service]: running is `false`, wanted `true`",
      "isu2 wordpress file[/etc/wordpress/config-default.php]: mode is `0644`, wanted `0640`",
      'isu3 base sysctl[base]: settings["net.core.somaxconn"] is `99`, wanted `65535`',
    ]),
  );
  // Beside them only what stands on them: the checks of a site whose php is stopped.
  expect(found.filter((line) => !/^isu2 \S+ check\[|^isu2 wordpress command\[/.test(line))).toHaveLength(6);
  await up();
  expect(await differences()).toEqual([]);
  expect(await page("isu2", `/?p=${postId}`)).toContain(post);
});

test("after a reboot of all three every check passes again, and the content is there", async () => {
  const boots = await onAll("cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat | cut -d ' ' -f 22");
  await onAll("systemctl reboot --no-block");
  for (const [index, server] of servers.entries()) {
    const again = async () => await on(server, "cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat | cut -d ' ' -f 22").catch(() => "");
    await until(async () => !["", boots[index]].includes(await again()), `${server} to boot again`);
  }
  // Asked again and again: for its first moments a machine that boots has nobody who could answer.
  const states = async () => await onAll("systemctl is-system-running 2>&1 || :");
  await soon(states).toEqual(["running", "running", "running"]);
  expect(await differences()).toEqual([]);
  const [one, two] = [await page("isu1", `/?p=${postId}`), await page("isu2", `/?p=${postId}`)];
  expect(one).toContain(post);
  expect(two).toBe(one);
});

test("down leaves no process, mount, link, rule or file of the fleet", async () => {
  for (const server of servers) {
    const { code, said } = await start(join(checkout, "fleet"), ["ssh", "--stack", trial.stack, server, "hostname"], { env: trial.env })
      .done;
    expect(code, said).toBe(0);
  }
  const there = new Set((await leftovers(trial.stack)).map(({ kind }) => kind));
  expect([...there].sort()).toEqual(["cgroup", "file", "link", "mount", "nft table", "process"]);
  const { code, said } = await trial.run("down", ["--yes"]);
  expect(code, said).toBe(0);
  expect(said).toContain("nothing is left on this computer");
  expect(await leftovers(trial.stack)).toEqual([]);
  expect(trial.stateFiles()).toEqual([]);
  expect(existsSync(join(ownProject, ".fleet", "ssh", trial.stack))).toBe(false);
});
