// A server of an organiser's becomes a stack by `fleet adopt`: the server is read alone, the stack changes nothing but the fleet's own users and keys
// there, what is edited on it by hand comes in by a second look, and `down` gives it back as it was.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ContestServer, login } from "../support/contest/server.ts";
import { type Answer, Trial } from "../support/fleet.ts";
import { ownNetwork, ownProject } from "../support/own.ts";
import { soon } from "../support/soon.ts";

const network = ownNetwork();
const trial = new Trial("adopt", {});
const server = new ContestServer(trial.stack, network);
const stacks = join(ownProject, "stacks");

/** Beside what every contest has: the team keeps /etc/nginx elsewhere, a setting never came to count, a unit is up for today alone. */
const somebodys = `
mv /etc/nginx /home/isucon/etc-nginx; ln -s /home/isucon/etc-nginx /etc/nginx
printf 'CONTEST_DB_PASSWORD="pass of the {{ contest }}"\\n' >> /home/isucon/env.sh
printf 'net.ipv4.tcp_fin_timeout = 17\\n' > /etc/sysctl.d/90-never-live.conf
printf '[Service]\\nUser=isucon\\nExecStart=/bin/sleep 1000000\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/by-hand.service
systemctl daemon-reload; systemctl start by-hand; systemctl restart nginx notes-python
printf 'isucon:x\\n' > /etc/nginx/htpasswd; chmod 600 /etc/nginx/htpasswd`;

const git = (...args: readonly string[]): string =>
  execFileSync("git", ["-C", ownProject, "-c", "core.excludesFile=", ...args], { encoding: "utf8" });
const identity = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@localhost", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@localhost" };
const adopt = (args: readonly string[]): Promise<Answer> =>
  trial.run("adopt", args, { env: { ...identity, FLEET_PASSWORD: login.password } });
const starts = () =>
  server.told("systemctl show -p Id,MainPID,ActiveEnterTimestampMonotonic,NRestarts nginx mariadb notes-python by-hand ssh");
const overlaid = (layer: string, path: string) => readFileSync(join(stacks, `files-${trial.stack}`, layer, path), "utf8");

describe.skipIf(process.getuid?.() !== 0)("adopting a server (these need root on Linux)", () => {
  let before: { sums: readonly string[]; starts: string };

  beforeAll(async () => {
    await server.make();
    await server.told(somebodys);
    await server.settled();
    before = { sums: await server.sums(), starts: await starts() };
    rmSync(trial.file);
    git("init", "-q");
    writeFileSync(join(ownProject, "of-mine"), "staged\n");
    git("add", "of-mine");
  });

  afterAll(async () => {
    await trial.remove();
    for (const each of [join(ownProject, ".git"), join(ownProject, "of-mine"), join(stacks, `${trial.stack}.md`)])
      rmSync(each, { recursive: true, force: true });
  });

  test("reads it alone, and writes a stack, the server's files and a page, in one commit", async () => {
    const { code, said, stdout } = await adopt([`isu1=${server.address}`]);
    expect(code, said).toBe(0);
    expect(await server.sums()).toEqual(before.sums);
    expect(await starts()).toBe(before.starts);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    for (const sentence of [
      "by-hand.service runs and is not enabled: a reboot ends it",
      "isu1 nginx → isu1:8080 python3",
      "sysctl[etc-sysctl-d-90-never-live-conf]: live `net.ipv4.tcp_fin_timeout`",
      "/etc/nginx/htpasswd: not for everybody to read",
    ])
      expect(stdout.replaceAll("\n  ", " ")).toContain(sentence);
    expect(overlaid("common", "home/isucon/env.sh.tmpl")).toContain('CONTEST_DB_PASSWORD="{{ "secrets.contest-db-password" | secret }}"');
    const committed = git("show", "--name-only", "--format=", "HEAD").trim().split("\n");
    expect(committed.filter((path) => !path.startsWith(`stacks/files-${trial.stack}/`))).toEqual([
      `stacks/Pulumi.${trial.stack}.yaml`,
      `stacks/${trial.stack}.md`,
    ]);
    expect(git("diff", "--cached", "--name-only").trim()).toBe("of-mine");
    expect(() => git("grep", "-lF", "pass of the", "HEAD"), "the password is in no file").toThrow("Command failed");
    expect(git("grep", "-lF", "CONTEST_DB_PASSWORD", "HEAD")).not.toBe("");
  });

  test("its stack has the roles that run there, and adds users and keys alone: nothing restarts", async () => {
    const { servers } = (
      parse(readFileSync(trial.file, "utf8")) as { config: Record<string, { servers: Record<string, { roles: string[] }> }> }
    ).config["contest-fleet:fleet"]!;
    expect(servers.isu1?.roles).toEqual(["base", "mysql", "app", "nginx"]);
    const up = await trial.up();
    expect(up.code, up.said).toBe(0);
    expect(await starts()).toBe(before.starts);
    const changed = before.sums.filter(
      (line) => !line.startsWith("path /var/lib") && !line.startsWith("path /etc ") && !line.startsWith("path /home "),
    );
    const after = new Set(await server.sums());
    expect(
      changed.filter((line) => !after.has(line) && !/ssh|account |group |shadow|\/root |passwd|\/etc\/sub|sudoers.d /.test(line)),
    ).toEqual([]);
    const verify = await trial.run("verify");
    expect([verify.code, verify.stdout]).toEqual([0, expect.stringContaining("all as it should be")]);
    expect((await trial.run("preview")).stdout).toContain("nothing to change");
  });

  test("a second look brings in what was edited on the server, and the stack agrees again", async () => {
    await server.told("sed -i 's/^}/  # by hand\\n}/' /etc/nginx/sites-available/*");
    const again = await adopt(["--again"]);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("+  # by hand")]);
    expect((await trial.run("preview")).stdout).toContain("nothing to change");
    expect((await adopt(["--again"])).stdout).toContain("nothing changed on the servers since");
    await server.told("systemctl enable -q by-hand");
    expect((await adopt(["--again"])).stdout).toContain("servers.isu1.services.by-hand.service: unsaid → on");
  });

  test("an edit of its tree is checked and heard by the program alone, and down gives back what was there", async () => {
    const site = join(stacks, `files-${trial.stack}`, "common/etc/nginx/sites-available/notes.conf");
    writeFileSync(site, readFileSync(site, "utf8").replace("# by hand", "# by the tree"));
    // What drifted and is healed is not what was there.
    await server.told("echo 'no nginx would take this' >> /etc/nginx/nginx.conf");
    const up = await trial.up();
    expect([up.code, up.said]).toEqual([0, expect.stringMatching(/nginx.service.*reload/)]);
    expect(await starts()).toBe(before.starts);
    expect(await server.told("nginx -T 2>/dev/null")).toContain("# by the tree");
    const down = await trial.run("down", ["--yes"]);
    expect(down.code, down.said).toBe(0);
    // But for what somebody did meanwhile, to what no up has changed.
    await server.told("sed -i '/# by hand/d' /etc/nginx/sites-available/default; systemctl disable -q by-hand");
    await soon(() => server.sums()).toEqual(before.sums);
  });
});
