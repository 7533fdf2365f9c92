// A day's commands on a fleet that is up: two machines behind nginx, asked, followed, drained and mended by what a person types.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkout } from "../../provisioners/project.ts";
import { Browser, type Tab } from "../support/browser.ts";
import { type Answer, start, Trial } from "../support/fleet.ts";
import { ownProject } from "../support/own.ts";
import { soon } from "../support/soon.ts";

describe.skipIf(process.getuid?.() !== 0)("a fleet that is up (needs root on Linux)", () => {
  const trial = new Trial("operations", {
    target: "practice",
    servers: {
      isu1: { roles: ["base", "nginx"] },
      isu2: { roles: ["base", "nginx"] },
    },
    params: {
      nginx: {
        sites: [
          { name: "own", listen: [8080], routes: [{ path: "/", kind: "return", status: 200, text: "here" }] },
          {
            name: "team",
            listen: [80],
            upstreams: [{ name: "team", servers: ["isu1", "isu2"].map((host) => ({ host, port: 8080 })) }],
            routes: [{ path: "/", kind: "proxy", upstream: "team" }],
          },
        ],
      },
    },
  });
  const begin = (...[command, ...words]: [string, ...string[]]) =>
    start(join(checkout, "fleet"), [command, "-s", trial.stack, ...words], { env: trial.env });
  const fleet = (...words: [string, ...string[]]): Promise<Answer> => begin(...words).done;
  const json = async (...words: [string, ...string[]]) => JSON.parse((await fleet(...words)).stdout);
  /** Process ids by pgrep, on each server. */
  const left = async (how: string, pattern: string): Promise<string[][]> => {
    const { servers } = await json("run", "--json", "--sudo", "--", `pgrep ${how} '${pattern}' || echo none`);
    return servers.map(({ stdout }: { stdout: string[] }) => stdout);
  };

  beforeAll(async () => {
    const { code, said } = await trial.run("up", ["--yes"]);
    expect(code, said).toBe(0);
  });
  afterAll(() => trial.remove());

  test("run: on all of them, each with its exit code, as who is meant", async () => {
    const { servers, kept } = await json("run", "--json", "--sudo", "--", "id -un; hostname; exit 3");
    expect(servers).toMatchObject(["isu1", "isu2"].map((server) => ({ server, code: 3, stdout: ["root", server], stderr: [] })));
    expect(kept).toContain(".fleet/runs/");
  });

  test("run: what runs there ends with Ctrl-C here", async () => {
    const running = begin("run", "--", "echo begun; exec sleep 7531");
    await soon(() => running.said().match(/begun/g)?.length).toBe(2);
    running.child.kill("SIGINT");
    const { code, stderr } = await running.done;
    expect([code, stderr]).toEqual([130, expect.stringContaining("run: interrupted; what it ran on the servers was ended there")]);
    await soon(() => left("-xf", "sleep 7531")).toEqual([["none"], ["none"]]);
  });

  test("logs: files and journal of both as one, and nothing of it goes on after Ctrl-C", async () => {
    const running = begin("logs", "-f", "--role", "nginx", "--json");
    await fleet("run", "isu1", "--", "curl -s localhost:8080/first");
    await soon(() => running.said()).toContain("/first");
    running.child.kill("SIGINT");
    const { code, stdout } = await running.done;
    expect(code).toBe(130);
    const entries = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect(entries.find(({ text }) => text.includes("/first"))).toMatchObject({ server: "isu1", source: "/var/log/nginx/access.log" });
    await soon(() => left("-x", "tail|journalctl")).toEqual([["none"], ["none"]]);
  });

  test("drain and enable: every request is answered, the other server alone has them, and the next up finds nothing to do", async () => {
    const load = begin(
      "run",
      "isu1",
      "--",
      "for i in $(seq 150); do curl -s -o /dev/null -w '%{http_code}\\n' localhost; done | sort | uniq -c",
    );
    const drained = await fleet("drain", "isu2");
    expect(drained.stdout, drained.said).toContain("isu1 nginx team: isu2 out\nisu2 nginx team: isu2 out");
    expect((await load.done).stdout).toMatch(/isu1 \| +150 200/);
    const answers = await fleet("run", "isu1", "--sudo", "--", "grep -c 'isu2:8080 down' /etc/nginx/sites-available/team");
    expect(answers.stdout).toContain("isu1 | 1");
    const { code, stdout } = await trial.run("up", ["--yes"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("nothing to do")]);
    expect((await fleet("drain", "isu1")).said).toContain("expected another server that answers");
    expect((await fleet("enable", "isu2")).code).toBe(0);
  });

  test("status and doctor: what stopped and what is half installed is named, and mended where that is safe", async () => {
    const spoil = "systemctl stop nginx; sed -i '/^Package: nginx$/,/^Status/s/ok installed/ok unpacked/' /var/lib/dpkg/status";
    await fleet("run", "isu2", "--sudo", "--", spoil);
    const { servers } = await json("status", "--json");
    expect(servers[1]).toMatchObject({ server: "isu2", services: [{ unit: "nginx.service", active: "inactive" }] });
    expect(servers[1].drift.join(" ")).toContain("isu2 nginx: ");
    const before = await json("doctor", "isu2", "--json");
    const failures = (found: { state: string; of: string; what: string }[]) =>
      found.filter(({ state, of }) => state === "failure" && of === "isu2").map(({ what }) => what);
    expect(failures(before)).toEqual(["services", "packages"]);
    await fleet("doctor", "isu2", "--fix");
    expect(failures(await json("doctor", "isu2", "--json"))).not.toContain("packages");
  });

  test("edit: what was saved is the stack's own file and on the server; what nginx refuses stays here alone", async () => {
    const editWith = (script: string) =>
      start(join(checkout, "fleet"), ["edit", "-s", trial.stack, "isu1:/etc/nginx/nginx.conf", "--yes"], {
        env: { ...trial.env, VISUAL: `sed -i '${script}'` },
      }).done;
    const own = join(ownProject, "stacks", `files-${trial.stack}`, "isu1/etc/nginx/nginx.conf");
    const first = await editWith("1i # edited here");
    expect([first.code, first.stdout], first.said).toEqual([0, expect.stringContaining("file[/etc/nginx/nginx.conf]")]);
    expect(readFileSync(own, "utf8")).toContain("# edited here\n");
    const refused = await editWith("1i nonsense here;");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("isu1/etc/nginx/nginx.conf` stays; next: ./fleet edit it again"),
    ]);
    const there = await fleet("run", "isu1", "--sudo", "--", "nginx -t -q; head -n 1 /etc/nginx/nginx.conf");
    expect(there.stdout).toBe("isu1 | # edited here\n");
    const mended = await editWith("/nonsense/d");
    expect([mended.code, mended.stderr], mended.said).toEqual([0, expect.stringContaining("the server's file differs")]);
  });

  test("watch: what stopped is told, healed and told again; Ctrl-C ends it with a sum", async () => {
    const heard: string[] = [];
    const hook = createServer((request, response) => {
      request.setEncoding("utf8").on("data", (part: string) => heard.push(part));
      request.on("end", () => response.end());
    });
    await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
    const { port } = hook.address() as AddressInfo;
    try {
      await fleet("run", "isu1", "--sudo", "--", "systemctl stop nginx");
      const once = await trial.run("watch", ["--once"]);
      expect([once.code, once.stdout]).toEqual([7, expect.stringContaining("isu1 nginx service[nginx.service]: differs: ")]);
      const watching = trial.start("watch", ["--every", "5s", "--heal", "--json", "--webhook", `http://127.0.0.1:${port}/`]);
      await soon(() => heard.join("")).toContain('"kind":"healed"');
      // What an up brings meanwhile is wanted from then on, and no difference before.
      trial.overlay("isu1", "srv/watched", "as wanted\n");
      expect((await trial.run("up", ["--yes"])).code).toBe(0);
      await fleet("run", "isu1", "--sudo", "--", "echo more >> /srv/watched");
      await soon(() => heard.join("")).toMatch(/"kind":"healed",[^}]*"file\[\/srv\/watched\]"/);
      watching.child.kill("SIGINT");
      const { code, stdout, said } = await watching.done;
      expect(code, said).toBe(130);
      const events = stdout
        .split("\n")
        .filter(Boolean)
        .map((each) => JSON.parse(each));
      const of = (kind: string) =>
        events.filter((each) => each.kind === kind).map(({ server, role, resource }) => [server, role, resource]);
      expect([...new Set(events.map(({ kind }) => kind))]).toEqual(["drift", "healed", "sum"]);
      expect(events.filter(({ resource }) => resource === "file[/srv/watched]")).toMatchObject([{ what: "content" }, { kind: "healed" }]);
      expect(of("drift")).toContainEqual(["isu1", "nginx", "service[nginx.service]"]);
      expect(of("healed").sort()).toEqual(of("drift").sort());
      expect(events.at(-1)).toMatchObject({ healed: of("drift").length, left: 0, off: 0 });
      expect((await trial.run("watch", ["--once"])).code).toBe(0);
    } finally {
      hook.closeAllConnections();
      await new Promise((resolve) => hook.close(resolve));
    }
  });

  test("page: a browser sees what becomes of the servers, and nothing that they say is more than text", async () => {
    const hostile = `</pre></div><script>document.title='in'</script><img src=x onerror="document.title='in'">&lt;b&gt;`;
    const running = begin("page", "--json", "--every", "1", "--listen", "127.0.0.1:0", "--sudo", "-c", "cat /srv/says", "-f", "/srv/says");
    const browser = await Browser.start();
    try {
      await fleet("run", "isu1", "--sudo", "--", `printf '%s\\n' '${hostile.replaceAll("'", `'\\''`)}' >/srv/says`);
      await soon(() => running.said()).toContain('"link"');
      const { link, url } = JSON.parse(
        running
          .said()
          .split("\n")
          .find((line) => line.includes('"link"'))!,
      );
      const [wide, phone] = [await browser.tab(link), await browser.tab(link, 390)];
      const seen = (tab: Tab) => soon(() => tab.text());
      for (const tab of [wide, phone]) {
        await seen(tab).toMatch(/as the last run left it[\s\S]*as the last run left it/);
        await seen(tab).toContain(hostile);
        await seen(tab).toContain("live");
        expect(await tab.value("document.querySelectorAll('img, script:not([src])').length")).toBe(0);
        expect(await tab.value("document.title")).toBe(trial.stack);
        expect(await tab.value("location.search")).toBe("");
        expect(await tab.value("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      }
      await fleet("run", "isu2", "--sudo", "--", "systemctl stop nginx");
      await seen(wide).toMatch(/isu2[\s\S]*nginx inactive/);
      await seen(phone).toContain("systemctl stop nginx");
      await fleet("run", "isu2", "--sudo", "--", "systemctl start nginx");
      await seen(wide).not.toContain("nginx inactive");
      // Who was shown a stranger's page that points here has no token for it, and is not let in with one either.
      const stranger = await browser.tab(url.replace("127.0.0.1", "localhost.").concat("/page.js"));
      await seen(stranger).toContain("expected the whole link");
      running.child.kill("SIGINT");
      await seen(wide).toContain("ended at");
      const { code, stderr } = await running.done;
      expect([code, stderr]).toEqual([130, expect.stringContaining("page: interrupted; nothing of it goes on on the servers")]);
    } finally {
      running.child.kill("SIGINT");
      await browser.close();
      await running.done;
    }
  });
  test("watch: the Game Day's attacks, each named and healed in its turn", async () => {
    const shell = async (script: string) => {
      const { code, said } = await fleet("run", "isu1", "--sudo", "--", script);
      expect(code, said).toBe(0);
    };
    // A firewall of the team's own, as a boot loads it.
    const rules = "flush ruleset\ntable inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter;\n\t}\n}\n";
    await shell(
      "command -v nft >/dev/null || { apt-get -qq update && apt-get -qq -y install nftables; } >/dev/null; systemctl enable -q --now nftables",
    );
    trial.overlay("isu1", "etc/nftables.conf", rules);
    trial.overlay("isu1", "srv/watched", "as wanted\n");
    const up = await trial.run("up", ["--yes"]);
    expect(up.code, up.said).toBe(0);
    const evil =
      "add table inet evil; add chain inet evil input { type filter hook input priority 0; }; add rule inet evil input tcp dport 80 drop";
    const attacks: readonly (readonly [script: string, resource: string])[] = [
      ["systemctl disable -q --now nginx", "service[nginx.service]"],
      ["sed -i 's/here/gone/' /etc/nginx/sites-available/own", "file[/etc/nginx/sites-available/own]"],
      ["chmod 0600 /etc/nginx/nginx.conf", "file[/etc/nginx/nginx.conf]"],
      ["nft add rule inet filter input tcp dport 80 drop", "live[nftables]"],
      [`nft '${evil}'`, "live[nftables]"],
      ["userdel -rf isucon 2>/dev/null || [ $? = 12 ]", "user[isucon]"],
      ["rm /srv/watched && mkdir /srv/watched", "file[/srv/watched]"],
    ];
    const watching = trial.start("watch", ["--every", "5s", "--heal", "--json"]);
    const told = (kind: string, resource: string) =>
      watching
        .said()
        .split("\n")
        .filter((line) => line.includes(`"kind":"${kind}"`) && line.includes(JSON.stringify(resource))).length;
    for (const [script, resource] of attacks) {
      const before = told("healed", resource);
      await shell(script);
      await soon(() => told("healed", resource), `${script}: ${watching.said()}`).toBe(before + 1);
      expect(told("drift", resource)).toBeGreaterThan(before);
    }
    // What no up puts right is named all the same, and left to people.
    await shell("systemd-run -q --unit=broken false");
    await soon(watching.said).toContain('"kind":"left","server":"isu1","role":"health"');
    await shell("systemctl reset-failed broken");
    watching.child.kill("SIGINT");
    expect((await watching.done).code).toBe(130);
    const after = await trial.run("watch", ["--once"]);
    expect([after.code, after.stdout]).toEqual([0, expect.stringContaining("all as it should be")]);
  });

  test("history and diff: who did what, and what an up changed", async () => {
    const runs = (await json("history", "--json", "-n", "100")) as { what: string; result: string; id: string }[];
    expect(runs.map(({ what }) => what)).toEqual(expect.arrayContaining(["up", "run", "drain", "enable", "doctor"]));
    expect(runs.find(({ what, result }) => what === "run" && result === "interrupted")).toBeDefined();
    const first = runs.findLast(({ what }) => what === "up")!;
    expect((await fleet("diff", first.id)).stdout).toContain("+ file[/etc/nginx/sites-available/team]  nginx");
  });
});
