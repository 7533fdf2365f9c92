// The restart of a contest, rehearsed on a real machine: one that everything comes back from, faults that are found before the reboot, and one
// that the reboot shows. Each test begins where the one before ended.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Retest, Verdict } from "../../operations/retest/verdict.ts";
import { inside, Trial } from "../support/fleet.ts";
import { ownProject } from "../support/own.ts";

describe.skipIf(process.getuid?.() !== 0)("a retest (needs root on Linux)", () => {
  const trial = new Trial("retest", {
    target: "practice",
    servers: { isu1: { roles: ["base", "nginx", "mysql", "redis"], cores: 1, memory: "1GiB" } },
    params: { nginx: { sites: [{ name: "own", listen: [80], routes: [{ path: "/", kind: "return", status: 200, text: "here" }] }] } },
  });
  afterAll(() => trial.remove());

  const on = async (script: string): Promise<string> => {
    const { code, stdout, said } = await inside(trial.stack, "isu1", script);
    expect(code, `${script}\n${said}`).toBe(0);
    return stdout.trim();
  };
  const boot = () => on("cat /proc/sys/kernel/random/boot_id");
  const left = () => on("find / -xdev -name .fleet-retest; mysql -N -B -e 'show databases' | grep fleet_retest || true");
  const retest = async (...words: string[]): Promise<{ code: number; said: string; told: Retest & Verdict }> => {
    const { code, stdout, said } = await trial.bare(["retest", "--json", ...words]);
    expect(stdout, said).not.toBe("");
    return { code, said, told: JSON.parse(stdout) as Retest & Verdict };
  };
  const failures = ({ faults }: Retest) => faults.filter(({ state }) => state === "failure").map(({ what, text }) => `${what}: ${text}`);

  beforeAll(async () => {
    const { code, said } = await trial.run("up", ["--yes"]);
    expect(code, said).toBe(0);
  });

  test("what the fleet itself sets up survives: all is back, marks too, and nothing is left of them", async () => {
    const before = await boot();
    const { code, said, told } = await retest("--yes");
    expect(failures(told)).toEqual([]);
    expect([code, told.reasons], said).toEqual([0, []]);
    expect(await boot()).not.toBe(before);
    // A file and a row at least.
    expect(told.rebooted).toEqual([expect.objectContaining({ server: "isu1", dead: [], drift: [], lost: [], marks: expect.any(Number) })]);
    expect(told.rebooted?.[0]?.marks).toBeGreaterThanOrEqual(2);
    expect(await left()).toBe("");
  });

  test("faults are found before the reboot, by name, and nothing is rebooted", async () => {
    await on(`mysql -e 'set global max_connections = 77; set global slow_query_log = 1'
systemctl disable -q nginx
sysctl -qw net.ipv4.tcp_fin_timeout=11
install -d -o www-data /run/app
systemd-run -q --unit=byhand sleep 1000
echo '/dev/sdb /mnt ext4 defaults 0 0' >>/etc/fstab`);
    const before = await boot();
    const { code, told } = await retest("--yes");
    expect([code, await boot()]).toEqual([1, before]);
    const found = failures(told).join("\n");
    for (const sentence of [
      "mysql-settings: max_connections is 77 by SET GLOBAL",
      "not-enabled: nginx.service runs and is not enabled",
      "sysctl: net.ipv4.tcp_fin_timeout is 11",
      "runtime-directory: /run/app of www-data was made by hand",
      "runtime-units: byhand.service was started by systemd-run",
      "disk-names: /etc/fstab mounts /mnt from /dev/sdb",
    ])
      expect(found).toContain(sentence);
    expect(told.faults).toContainEqual(expect.objectContaining({ what: "measuring", text: expect.stringContaining("the slow log is on") }));
  });

  test("finalize switches the slow log off and keeps what a restart would end, and puts all of it back", async () => {
    const slow = () => on("mysql -N -B -e 'select @@slow_query_log'");
    expect((await trial.bare(["finalize", "--yes"])).stdout).toContain("isu1: switch the database's slow log off");
    expect(await slow()).toBe("0");
    expect((await trial.bare(["finalize", "--undo"])).stdout).toContain("put back: isu1");
    expect(await slow()).toBe("1");
  });

  test("finalized twice, all is kept; and it goes back to links, to a redis with a password, and to what somebody has under our names", async () => {
    await on(`mkdir -p /opt/netdata
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' | tee /opt/netdata/netdata.service >/opt/netdata/own.service
systemctl enable -q --now /opt/netdata/netdata.service; systemctl link -q /opt/netdata/own.service; systemctl start own
mv /etc/redis/redis.conf /etc/redis/team.conf; ln -s team.conf /etc/redis/redis.conf
sed -i 's/^appendonly .*/appendonly no/' /etc/redis/team.conf; echo 'requirepass ours' >>/etc/redis/team.conf
rm -rf /var/lib/redis/*; systemctl restart redis-server; until REDISCLI_AUTH=ours redis-cli set a 1 | grep -q OK; do sleep 0.2; done
printf '[mysqld]\\nmax_connect_errors = 99' >/etc/mysql/ours; ln -s ../ours /etc/mysql/mariadb.conf.d/zzz-fleet-kept.cnf`);
    const state = () =>
      on(`cd /etc; find mysql redis systemd/system ! -type d -printf '%p %u:%g %m %l\\n' | sort; find mysql redis -type f -exec sha256sum {} + | sort
ls /var/lib/redis; systemctl is-enabled netdata own; systemctl is-active netdata own redis-server; REDISCLI_AUTH=ours redis-cli config get appendonly`);
    const before = await state();
    const { stdout } = await trial.bare(["finalize", "--yes"]);
    for (const sentence of ["stop and disable netdata.service", "enable own.service", "(max_connections = 77)", "have redis write its log"])
      expect(stdout).toContain(`isu1: ${sentence}`.replace("isu1: (", "("));
    await on("mysql -e 'set global table_open_cache = 555'");
    await trial.bare(["finalize", "--yes"]);
    expect(
      await on("mariadbd --help --verbose 2>/dev/null | grep -E '^(max-connections|max-connect-errors|table-open-cache) ' | tr -s ' '"),
    ).toBe("max-connect-errors 99\nmax-connections 77\ntable-open-cache 555");
    expect((await trial.bare(["finalize", "--undo"])).stdout).toContain("put back: isu1");
    expect(await state()).toBe(before);
    await on(`rm /etc/mysql/mariadb.conf.d/zzz-fleet-kept.cnf /etc/mysql/ours; systemctl disable -q --now netdata own; mv /etc/redis/team.conf /etc/redis/redis.conf
sed -i '/^requirepass/d; s/^appendonly .*/appendonly yes/' /etc/redis/redis.conf; systemctl restart redis-server`);
  });

  test("rebooted anyway, it says what did not come back, on a page too", async () => {
    await on("sed -i '/sdb/d' /etc/fstab");
    const { code, told } = await retest("--yes", "--anyway");
    expect(code).toBe(1);
    expect(told.reasons).toEqual(
      expect.arrayContaining([
        "isu1: nginx.service ran before the reboot, and does not now",
        "isu1: port 80 was open before the reboot, and is not now",
        expect.stringMatching(/^isu1: http:\/\/127\.0\.0\.1:80\/ answered 200 before the reboot, and nothing now$/),
      ]),
    );
    expect(await left()).toBe("");
    const history = JSON.parse((await trial.bare(["history", "--json"])).stdout) as { what: string; result: string; summary: string }[];
    expect(history.find(({ what }) => what === "retest")).toMatchObject({
      result: "failed",
      summary: expect.stringContaining("failed: isu1: "),
    });
    const runs = join(ownProject, ".fleet/runs");
    const [newest = ""] = readdirSync(runs)
      .filter((name) => name.endsWith(`-retest-${trial.stack}`))
      .sort()
      .reverse();
    expect(readFileSync(join(runs, newest, "retest.md"), "utf8")).toContain(`# Retest of ${trial.stack}: failed`);
  });
});
