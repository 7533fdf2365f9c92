// The kinds that run things, each on a real practice machine: units, services, cron, checkouts, archives, MySQL, commands, checks.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { converge, failures, inspect } from "../../provisioners/engine/converge.ts";
import { readFacts } from "../../provisioners/engine/facts.ts";
import { quote } from "../../provisioners/engine/shell-quote.ts";
import { timer } from "../../provisioners/resources/timer.ts";
import { type Declared, want } from "../../provisioners/resources/want.ts";
import { app } from "../../provisioners/roles/app/role.ts";
import type { Session } from "../../provisioners/ssh/session.ts";
import { keepsContract, text, wantsOf } from "../support/kind-contract.ts";
import { type OneMachine, oneMachine } from "../support/one-machine.ts";
import { soon } from "../support/soon.ts";

let machine: OneMachine;
let shell: Session;

const packages = "nginx-light mariadb-server curl git";

describe.skipIf(process.getuid?.() !== 0)("kinds that run things (these need root on Linux)", () => {
  beforeAll(async () => {
    machine = await oneMachine("kinds-services");
    ({ shell } = machine);
    await text(
      shell,
      `set -e\nexport DEBIAN_FRONTEND=noninteractive\napt-get update -q\napt-get install -qy --no-install-recommends ${packages}`,
    );
    await text(shell, "useradd -m -s /bin/sh isucon");
  });

  afterAll(() => machine?.gone());

  const appUnit = (run: string) =>
    `[Unit]\nRequires=nosuch-yet.service\n[Service]\nExecStart=${run}\nUser=isucon\n[Install]\nWantedBy=multi-user.target\n`;

  test("unit and service", () =>
    keepsContract(shell, {
      role: "unit",
      before: "mkdir -p /opt/units; ln -s /opt/units /etc/systemd/system/app.service.d",
      declared: [
        want.unit({ name: "app.service", content: appUnit("/bin/sleep infinity").replace("Requires=nosuch-yet.service", "") }),
        want.unit({ name: "app.service", dropIn: "fleet.conf", content: "[Service]\nLimitNOFILE=12345\n" }),
        want.service({ unit: "app.service", restartOn: ["unit[app.service]", "unit[app.service.d/fleet.conf]"] }),
      ],
      right:
        "systemctl is-active app.service; systemctl is-enabled app.service; grep -q '12345' /proc/$(systemctl show -p MainPID --value app.service)/limits",
      drifts: {
        "an edited unit": "echo '# mine' >> /etc/systemd/system/app.service; systemctl daemon-reload",
        "an edited drop-in": "echo '# mine' >> /etc/systemd/system/app.service.d/fleet.conf",
        "a removed drop-in": "rm /etc/systemd/system/app.service.d/fleet.conf; systemctl daemon-reload; systemctl restart app.service",
        "a unit that systemd has not read": "touch -d '+1 hour' /etc/systemd/system/app.service",
        "a stopped service": "systemctl stop app.service",
        "a disabled service": "systemctl disable app.service",
      },
    }));

  test("service that is not wanted", () =>
    keepsContract(shell, {
      role: "off",
      declared: [want.service({ unit: "nginx.service", enabled: false, running: false })],
      right: "! systemctl is-active nginx.service; ! systemctl is-enabled nginx.service",
      drifts: { "a started service": "systemctl start nginx.service", "an enabled service": "systemctl enable nginx.service" },
    }));

  test("service that nothing may start", () =>
    keepsContract(shell, {
      role: "masked",
      declared: [want.service({ unit: "nginx.service", enabled: false, running: false, masked: true })],
      right: "! systemctl is-active nginx.service; systemctl is-enabled nginx.service | grep -qx masked; ! systemctl start nginx.service",
      drifts: { "an unmasked service": "systemctl unmask nginx.service; systemctl enable --now nginx.service" },
    }));

  const link = "ln -sfn /opt/probe/probe.service /etc/systemd/system/probe.service; systemctl daemon-reload";
  const probe = `mkdir -p /opt/probe
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' > /opt/probe/probe.service
${link}; systemctl enable --now -q probe.service`;

  test("service that is not wanted, whose file systemd knows by a link alone", () =>
    keepsContract(shell, {
      role: "off-linked",
      before: probe,
      declared: [want.service({ unit: "probe.service", enabled: false, running: false })],
      right: "! systemctl is-active probe.service; systemctl is-enabled probe.service | grep -qx linked",
      drifts: { "a started service": "systemctl start probe.service", "an enabled service": "systemctl enable probe.service" },
    }));

  test("service that nothing may start, whose file systemd knows by a link alone", () =>
    keepsContract(shell, {
      role: "masked-linked",
      before: probe,
      declared: [want.service({ unit: "probe.service", enabled: false, running: false, masked: true })],
      right: "! systemctl is-active probe.service; systemctl is-enabled probe.service | grep -qx masked",
      drifts: { "an unmasked service": `systemctl unmask probe.service; ${link}; systemctl enable --now probe.service` },
    }));

  test("service that is wanted, whose file systemd knows by a link alone", () =>
    keepsContract(shell, {
      role: "on-linked",
      before: `${probe}; systemctl disable -q --now probe.service; ${link}`,
      declared: [want.service({ unit: "probe.service" })],
      right: "systemctl is-active probe.service; systemctl is-enabled probe.service | grep -qx enabled",
      drifts: { "a disabled service": `systemctl disable probe.service; ${link}`, "a stopped service": "systemctl stop probe.service" },
    }));

  test("service that is not wanted by another of its names", () =>
    keepsContract(shell, {
      role: "off-alias",
      before: `${probe}; systemctl disable -q --now probe.service; mv /opt/probe/probe.service /etc/systemd/system/probe.service
printf 'Alias=measure.service\\n' >> /etc/systemd/system/probe.service; systemctl daemon-reload; systemctl enable -q --now probe.service`,
      declared: [want.service({ unit: "measure.service", enabled: false, running: false })],
      right: "! systemctl is-active probe.service; systemctl is-enabled probe.service | grep -qx disabled",
      drifts: { "an enabled service": "systemctl enable -q --now probe.service" },
    }));

  test("a virtual package is there with what provides it, and goes with it, also where somebody holds that", async () => {
    const wants = wantsOf([want.package({ name: "libz-dev" })]);
    expect(failures(await converge(shell, "virtual", wants))).toEqual([]);
    expect((await inspect(shell, "virtual", wants)).report.results.map(({ outcome }) => outcome)).toEqual(["unchanged"]);
    await text(shell, "dpkg -s zlib1g-dev >/dev/null; apt-mark hold zlib1g-dev");
    expect(failures(await converge(shell, "virtual", {}))).toEqual([]);
    await text(shell, "! dpkg -s zlib1g-dev 2>/dev/null | grep -q 'ok installed'; apt-mark unhold zlib1g-dev");
  });

  test("timer and cron", () =>
    keepsContract(shell, {
      role: "timer",
      before: "mkdir -p /etc/cron.d; echo '@daily root true' > /etc/cron.d/mine; chmod 0600 /etc/cron.d/mine",
      declared: [
        ...timer({ name: "job", calendar: "*:0/5", command: ["/bin/touch", "/run/job"] }),
        want.cron({ name: "new", jobs: [{ schedule: "*/5 * * * *", user: "isucon", run: "date +%s" }] }),
        want.cron({ name: "mine", environment: { MAILTO: "root" }, jobs: [{ schedule: "@hourly", run: "true" }] }),
      ],
      right: "systemctl is-active job.timer; systemctl start job.service; test -e /run/job; grep -qF 'isucon date +\\%s' /etc/cron.d/new",
      drifts: { "a stopped timer": "systemctl disable --now job.timer", "another line": "echo '* * * * * root true' >> /etc/cron.d/new" },
    }));

  test("command, archive and git", async () => {
    await text(
      shell,
      `set -e
cd /root; rm -rf up; git init -q -b main up; cd up; git config user.email a@b; git config user.name x
echo 1 > f; git add f; git commit -qm 1; mv /root/up /var/lib/up; chown -R isucon /var/lib/up`,
    );
    const tar = Buffer.from(await text(shell, "cd /var/lib/up; tar -cf - f | base64 -w0"), "base64");
    await keepsContract(shell, {
      role: "code",
      declared: [
        want.git({ path: "/srv/app", repository: "/var/lib/up", ref: "main", owner: "isucon", group: "isucon" }),
        want.archive({ path: "/srv/static", content: tar.toString("base64"), sha256: createHash("sha256").update(tar).digest("hex") }),
        want.command({ name: "build", run: "cp /srv/app/f built", creates: "/home/isucon/built", user: "isucon", undo: "rm built" }),
      ],
      right: "test -d /srv/app/.git; cmp /srv/app/f /srv/static/f; cmp /srv/app/f ~isucon/built",
      drifts: {
        "a new commit":
          "cd /var/lib/up; HOME=/root; git config --global safe.directory '*'; git commit -q --allow-empty -m 2; chown -R isucon .",
        "a removed checkout": "rm -rf /srv/app",
        "a removed archive": "rm -rf /srv/static",
        "a command's work undone": "rm ~isucon/built",
      },
    });
  });

  describe("a deploy by git", () => {
    const up = "/var/lib/deploy";
    /** A commit whose build copies `run` to `built`, which the service runs. */
    const commit = (run: string, build = "cp run built", how = "-m next") =>
      text(
        shell,
        `cd ${up}; printf '%s\\n' '#!/bin/sh' ${quote(run)} > run; chmod +x run; printf '%s\\n' ${quote(build)} > build; git add .; git commit -q ${how}; git rev-parse HEAD; chown -R isucon .`,
      );
    const params = (change: object = {}) =>
      app.params.parse({
        git: { repository: up, path: "/home/isucon/live", ...change },
        build: "sh build",
        services: { live: { user: "isucon", workingDirectory: "/home/isucon/live", command: ["/home/isucon/live/built"] } },
      });
    const self = { name: "isu1", privateAddress: "127.0.0.1", account: "isucon", roles: ["app"], ports: [] };
    const wants = async (change: object = {}) =>
      wantsOf(
        app.resources({
          params: params(change),
          facts: await readFacts(shell),
          shared: false,
          self,
          team: { name: "t", servers: [self], members: [], endpoints: [] },
        }),
      );
    const deploy = async (change: object = {}) => failures(await converge(shell, "deploy", await wants(change)));
    /** Where it comes to it, once the script of the commit has begun its program. */
    const runs = () =>
      text(
        shell,
        "of() { tr '\\0' ' ' < /proc/$(systemctl show -p MainPID --value live)/cmdline; }; for _ in $(seq 300); do of | grep -q ^sleep && break; sleep 0.1; done; cd /home/isucon/live; runuser -u isucon -- git rev-parse HEAD; systemctl is-active live; tail -n 1 built; of",
      );
    const good = (words: string) => `echo ${words}; exec sleep 1234`;

    test("what breaks goes back to the commit that ran, built anew and running", async () => {
      await text(
        shell,
        `rm -rf ${up}; mkdir ${up}; cd ${up}; git init -q -b main; git config user.email a@b; git config user.name x; HOME=/root git config --global safe.directory '*'`,
      );
      await commit(good("one"));
      expect(await deploy()).toEqual([]);
      const two = await commit(good("two"));
      expect(await deploy()).toEqual([]);
      const before = await runs();
      expect(before).toContain(`${two}active\n${good("two")}\n`);
      await commit("exit 3");
      expect((await deploy()).map(({ address }) => address)).toEqual(["service[live.service]"]);
      expect(await runs()).toBe(before);
      await commit(good("four"), "echo no such compiler >&2; exit 9");
      const [broken] = await deploy();
      expect(broken?.address).toBe("command[app-build]");
      expect(broken?.reason).toContain("no such compiler");
      expect(await runs()).toBe(before);
      const five = await commit(good("five"));
      expect(await deploy()).toEqual([]);
      expect(await runs()).toContain(`${five}active\n${good("five")}\n`);
    });

    test("a rewritten branch is followed; commits of the server alone, and a silent repository, are said", async () => {
      const amended = await commit(good("six"), "cp run built", "--amend -m better");
      expect(await deploy()).toEqual([]);
      expect(await runs()).toContain(amended);
      const change = async () =>
        (await inspect(shell, "deploy", await wants())).report.results.find(({ address }) => address.startsWith("git["));
      await text(shell, `mv ${up} ${up}.away`);
      expect((await change())?.changes[0]).toContain(`ask \`${up}\` for \`main\` again: fatal: `);
      expect((await deploy())[0]?.reason).toContain(`expected an answer from ${up}, got none`);
      await text(
        shell,
        `mv ${up}.away ${up}; runuser -u isucon -- git -C /home/isucon/live -c user.name=x -c user.email=x@x commit -q --allow-empty -m night`,
      );
      expect((await change())?.changes).toEqual(["refuse: 1 commit that `origin` does not have"]);
      expect(await deploy({ force: true })).toEqual([]);
      expect(await runs()).toContain(amended);
      expect(
        (await inspect(shell, "deploy", await wants({ force: true }))).report.results.filter(({ outcome }) => outcome !== "unchanged"),
      ).toEqual([]);
      // What a build left is not known to be worthless: without it the checkout goes.
      await text(shell, "rm /home/isucon/live/built");
      await converge(shell, "deploy", {});
      await text(shell, "test ! -e /home/isucon/live");
    });

    test("a folder with files is refused, or becomes the checkout and keeps them", async () => {
      await text(
        shell,
        "rm -rf /home/isucon/live; install -d -o isucon /home/isucon/live; cd /home/isucon/live; echo mine > own; chown isucon own",
      );
      const [refused] = await deploy();
      expect(refused?.reason).toContain("got a folder of 1 entry without git; set `adopt: true`");
      await text(shell, "test ! -e /home/isucon/live.fleet-new; cd /home/isucon/live; echo other > run; chown isucon run");
      expect((await deploy({ adopt: true }))[0]?.reason).toContain("got these differences");
      await text(shell, "cd /home/isucon/live; grep -qx other run; rm run; runuser -u isucon -- git checkout -q -- run");
      expect(await deploy({ adopt: true })).toEqual([]);
      expect(await text(shell, "cd /home/isucon/live; cat own; git rev-parse --abbrev-ref HEAD")).toBe("mine\nmain\n");
      await converge(shell, "deploy", {});
      expect(await text(shell, "cd /home/isucon/live; cat own; ls -A | grep -c git || true")).toBe("mine\n0\n");
      await text(shell, "rm -rf /home/isucon/live /var/lib/deploy");
    });
  });

  test("a checkout whose submodules are empty gets them", async () => {
    await text(
      shell,
      `set -e; export HOME=/root; cd /root; git config --system protocol.file.allow always; git config --system user.email a@b; git config --system user.name x
      git init -q -b main part; (cd part; echo inside > file; git add .; git commit -q -m one)
      git init -q -b main whole; (cd whole; git submodule -q add /root/part lib; git commit -q -m one); git clone -q whole /srv/whole; ls -A /srv/whole/lib`,
    );
    const wants = wantsOf([want.git({ path: "/srv/whole", repository: "/root/whole", ref: "main" })]);
    const { report } = await inspect(shell, "whole", wants);
    expect(report.results.map(({ changes }) => changes)).toEqual([["check out the submodules lib"]]);
    expect(failures(await converge(shell, "whole", wants))).toEqual([]);
    expect(await text(shell, "cat /srv/whole/lib/file")).toBe("inside\n");
    expect((await inspect(shell, "whole", wants)).report.results.map(({ outcome }) => outcome)).toEqual(["unchanged"]);
    await converge(shell, "whole", {});
    await text(shell, "rm -r /srv/whole /root/whole /root/part /etc/gitconfig");
  });

  const password = "kept ' \\ secret";
  const database: readonly Declared[] = [
    want.mysqlDatabase({ name: "my_app", charset: "utf8mb4", collation: "utf8mb4_bin", dump: "/var/lib/dump.sql.gz", dropOnUndo: true }),
    want.mysqlUser({ name: "app", host: "localhost", password }),
    want.mysqlGrant({ user: "app", host: "localhost", database: "my_app" }),
    want.mysqlGrant({ user: "app", host: "localhost", database: "*", privileges: ["PROCESS", "GRANT OPTION"] }),
  ];
  const login = `MYSQL_PWD='${password.replaceAll("'", "'\\''")}' mariadb -u app -N my_app`;

  test("nothing is made, put back or taken away where a user's link leads to, whatever the kind", async () => {
    const keys = { owner: "trudy", group: "trudy" } as const;
    const app = "/home/trudy/app";
    const told = async (script: string) => (await shell.run({ text: script, masked: script })).stdout.toString();
    const words = (report: { results: readonly { outcome: string; reason?: string | undefined }[] }) =>
      report.results.map(({ outcome, reason }) => (outcome === "failed" ? reason : outcome)).join("\n");
    await told(`useradd -m -s /bin/bash trudy; install -d -o trudy -g trudy ${app} /home/trudy/tar/conf
      runuser -u trudy -- sh -c 'cd ${app}; for each in kept blocked gone; do echo hers > $each; done; mkdir removed'
      echo 1 > /home/trudy/tar/conf/a; echo 2 > /home/trudy/tar/b; install -d /root/place/conf /root/place/removed
      cp -a ${app}/kept ${app}/blocked ${app}/gone /root/place; chown -R root: /root/place; git init -q /root/code
      git -C /root/code -c user.name=t -c user.email=t@t commit -q --allow-empty -m one; chmod -R a+rX /root/code; mv /root/code /opt/trudy`);
    const tar = Buffer.from(await told("tar -C /home/trudy/tar -cz . | base64 -w 0"), "base64");
    const wants = {
      made: want.file({ path: `${app}/made`, content: "fleet's\n", ...keys, mode: "0600" }),
      kept: want.file({ path: `${app}/kept`, content: "fleet's\n", ...keys, mode: "0600" }),
      deep: want.directory({ path: `${app}/deep`, ...keys }),
      link: want.link({ path: `${app}/link`, target: "/etc/hostname" }),
      gone: want.absent({ path: `${app}/gone` }),
      removed: want.absent({ path: `${app}/removed` }),
      blocked: want.block({ path: `${app}/blocked`, name: "team", content: "fleet's\n", ...keys }),
      archive: want.archive({
        path: `${app}/below/static`,
        content: tar.toString("base64"),
        sha256: createHash("sha256").update(tar).digest("hex"),
        ...keys,
      }),
      git: want.git({ path: `${app}/code`, repository: "/opt/trudy", ref: "HEAD", owner: "root", group: "root" }),
    };
    const there = () => told("find /root/place -printf '%p %M %u:%g %l\\n' | sort; cat /root/place/*");
    const hers = () => told(`find ${app} -printf '%p %M %u:%g %l\\n' | sort; cat ${app}/*`);
    const swap = () => told(`mv ${app} /home/trudy/own; runuser -u trudy -- ln -s /root/place ${app}`);
    const swapBack = () => told(`rm -f ${app}; mv /home/trudy/own ${app}`);
    const begun = await hers();
    const each = async (run: (name: string, wanted: (typeof wants)[keyof typeof wants]) => Promise<string>, expected: string | RegExp) => {
      for (const [name, wanted] of Object.entries(wants))
        expect([name, await run(`trudy-${name}`, wanted)]).toEqual([name, expect.stringMatching(expected)]);
    };
    await swap();
    const before = await there();
    await each(async (role, wanted) => words(await converge(shell, role, wantsOf([wanted]))), /nothing is written there/);
    expect(await there()).toBe(before);
    await swapBack();
    await each(async (role, wanted) => words(await converge(shell, role, wantsOf([wanted]))), /^changed$/);
    await swap();
    await told("cd /home/trudy/own && cp -a made deep link below code blocked /root/place; chown -hR root: /root/place");
    const alike = await there();
    await each(async (role) => words(await converge(shell, role, {})), /nothing is written there/);
    expect(await there()).toBe(alike);
    await swapBack();
    await each(async (role) => words(await converge(shell, role, {})), /^(changed)?$/);
    expect(await hers()).toBe(begun);
  });

  test("mysql database, user and grants", async () => {
    await text(shell, `printf '%s\\n' 'CREATE TABLE t (x int);' 'INSERT INTO t VALUES (42);' | gzip > /var/lib/dump.sql.gz`);
    await keepsContract(shell, {
      role: "mysql",
      declared: database,
      right: `[ "$(${login} -e 'SELECT x FROM t')" = 42 ]; ${login} -e 'CREATE OR REPLACE TABLE u (x int)'; ! MYSQL_PWD=other mariadb -u app my_app -e ''`,
      drifts: {
        "another password": "mariadb -e \"ALTER USER app@localhost IDENTIFIED BY 'x'\"",
        "a dropped account": "mariadb -e 'DROP USER app@localhost'",
        "a right too many": "mariadb -e 'GRANT SUPER ON *.* TO app@localhost'",
        "rights not to be handed on": "mariadb -e 'REVOKE GRANT OPTION ON *.* FROM app@localhost'",
        "a right too few": "mariadb -e 'REVOKE DELETE ON `my\\_app`.* FROM app@localhost'",
        "another character set": "mariadb -e 'ALTER DATABASE my_app CHARACTER SET latin1'",
        "a loading that was cut short": "mariadb -e 'CREATE DATABASE my_app__loading; DROP TABLE my_app.t'",
      },
    });
  });

  test("a dump never runs over a database that was there while the server was down", async () => {
    await text(
      shell,
      "mariadb -e 'CREATE DATABASE my_app CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; CREATE TABLE my_app.mine (x int)'; systemctl stop mariadb",
    );
    const wants = wantsOf([want.service({ unit: "mariadb.service" }), ...database]);
    expect(failures(await converge(shell, "mysql-down", wants))).toEqual([]);
    expect(await text(shell, "mariadb -N -e 'SHOW TABLES IN my_app'")).toBe("mine\n");
    const undone = await converge(shell, "mysql-down", {});
    expect(undone.results.find(({ address }) => address === "mysql-database[my_app]")?.reason).toContain("what was in it is not known");
    // The server was down when the role came: so the undo stops it.
    await text(
      shell,
      "! systemctl is-active -q mariadb; systemctl start mariadb; mariadb -e 'DROP DATABASE my_app; DROP USER IF EXISTS app@localhost'",
    );
  });

  test("no password is in an argument list or a log of the server", async () => {
    await text(shell, "mariadb -e 'SET GLOBAL general_log_file=\"/var/lib/mysql/all.log\"; SET GLOBAL general_log=1'");
    const wants = wantsOf([want.mysqlUser({ name: "canary", password: "CaNaRy-17" })]);
    expect(failures(await converge(shell, "canary", wants))).toEqual([]);
    const found = await text(
      shell,
      "grep -rl CaNaRy-17 /var/lib/mysql /var/log /var/lib/fleet /etc /tmp /run 2>/dev/null | cat; grep -c canary /var/lib/mysql/all.log",
    );
    expect(found).toMatch(/^[1-9][0-9]*\n$/);
    await converge(shell, "canary", {});
    await text(shell, "mariadb -e 'SET GLOBAL general_log=0'; rm /var/lib/mysql/all.log");
  });

  test("a server whose root has a password is said, and let in to with it", async () => {
    await text(shell, 'mariadb -e "ALTER USER root@localhost IDENTIFIED VIA mysql_native_password USING PASSWORD(\'a \\"b\')"');
    const login = want.file({ path: "/root/.my.cnf", content: '[client]\npassword = "a \\"b"\n', mode: "0600", sensitive: true });
    const other = want.mysqlDatabase({ name: "behind", charset: "utf8", dropOnUndo: true });
    const refused = (await inspect(shell, "root", wantsOf([other]))).report.results[0];
    expect(refused?.changes[0]).toContain("does not let root in without a password; give it as `params.mysql.rootPassword`");
    expect(failures(await converge(shell, "root", wantsOf([other])))).toHaveLength(1);
    expect(failures(await converge(shell, "root", wantsOf([login, other])))).toEqual([]);
    const after = (await inspect(shell, "root", wantsOf([login, other]))).report.results;
    expect(
      after.filter(({ outcome }) => outcome !== "unchanged"),
      "also by its alias utf8",
    ).toEqual([]);
    await text(shell, "mariadb -e 'DROP DATABASE behind; ALTER USER root@localhost IDENTIFIED VIA unix_socket'; rm -f /root/.my.cnf");
    await converge(shell, "root", {});
  });

  const site = (line: string) => want.file({ path: "/etc/nginx/conf.d/fleet.conf", content: `server { listen 8080; ${line} }\n` });
  const nginx = (line: string) => {
    const service = want.service({ unit: "nginx.service", reloadOn: ["file[/etc/nginx/conf.d/fleet.conf]"], validate: "nginx -t" });
    return wantsOf([
      site(line),
      service,
      want.check({ name: "answer", http: { url: "http://127.0.0.1:8080/", contains: "one" }, after: [service.address] }),
    ]);
  };

  test("a line that nginx refuses goes back, the old service answers, and the next run goes on", async () => {
    expect(failures(await converge(shell, "nginx", nginx("return 200 one;")))).toEqual([]);
    const pid = await text(shell, "systemctl show -p MainPID --value nginx");
    const broken = await converge(shell, "nginx", nginx("retrun 200 two;"));
    expect(failures(broken).map(({ address }) => address)).toEqual(["service[nginx.service]"]);
    expect(failures(broken)[0]?.reason).toContain('unknown directive "retrun"');
    await soon(() => text(shell, "cat /etc/nginx/conf.d/fleet.conf; curl -s http://127.0.0.1:8080/")).toBe(
      "server { listen 8080; return 200 one; }\none",
    );
    expect(failures(await converge(shell, "nginx", nginx('return 200 "one more";')))).toEqual([]);
    await soon(() => text(shell, "systemctl show -p MainPID --value nginx; curl -s http://127.0.0.1:8080/")).toBe(`${pid}one more`);
  });

  test("a my.cnf on which the server does not start goes back, and the journal says why", async () => {
    const path = "/etc/mysql/mariadb.conf.d/zz-fleet.cnf";
    const mysql = (line: string) =>
      wantsOf([
        want.file({ path, content: `[mysqld]\n${line}\n` }),
        want.service({ unit: "mariadb.service", restartOn: [`file[${path}]`] }),
      ]);
    expect(failures(await converge(shell, "my-cnf", mysql("max_connections=77")))).toEqual([]);
    const [failed, ...others] = failures(await converge(shell, "my-cnf", mysql("no_such_option=1")));
    expect(others).toEqual([]);
    expect(failed?.reason).toContain("no_such_option=1");
    expect(failed?.reason).toContain("mariadb.service runs again with what it had before");
    expect(await text(shell, "mariadb -N -e 'SELECT @@max_connections'")).toBe("77\n");
    expect(failures(await converge(shell, "my-cnf", mysql("max_connections=88")))).toEqual([]);
    expect(await text(shell, "mariadb -N -e 'SELECT @@max_connections'")).toBe("88\n");
    expect(failures(await converge(shell, "my-cnf", {}))).toEqual([]);
    expect(await text(shell, `mariadb -N -e 'SELECT @@max_connections'; test ! -e ${path}`)).toBe("151\n");
  });

  test("a value that the server lowers, or that somebody set live, is named; what it takes it is given without a restart", async () => {
    const path = "/etc/mysql/mariadb.conf.d/zz-fleet.cnf";
    const mysql = (settings: Record<string, string>) => {
      const content = ["[mysqld]", ...Object.entries(settings).map(([name, value]) => `${name}=${value}`), ""].join("\n");
      const service = want.service({ unit: "mariadb.service", restartOn: [`file[${path}]`] });
      return wantsOf([want.file({ path, content }), service, want.live({ of: "mysql", file: path, after: [service.address] })]);
    };
    const lowered = failures(await converge(shell, "live", mysql({ max_connections: "60000", skip_name_resolve: "maybe" })));
    expect(lowered.map(({ address }) => address)).toEqual(["live[mysql]"]);
    expect(lowered[0]?.reason).toMatch(/^max_connections is `\d+` live, `60000` in .*; skip_name_resolve is `OFF` live, `maybe` in /);
    const right = mysql({ max_connections: "222", sort_buffer_size: "512K", slow_query_log: "0" });
    expect(failures(await converge(shell, "live", right))).toEqual([]);
    const pid = await text(shell, "systemctl show -p MainPID mariadb; mariadb -e 'SET GLOBAL max_connections = 50'");
    const { report, seen } = await inspect(shell, "live", right);
    expect(report.results.flatMap(({ changes }) => changes)).toEqual([`max_connections is \`50\` live, \`222\` in ${path}`]);
    expect(seen["live[mysql]"]).toMatchObject({ differs: `max_connections is \`50\` live, \`222\` in ${path}` });
    expect(failures(await converge(shell, "live", right))).toEqual([]);
    expect(await text(shell, "systemctl show -p MainPID mariadb; mariadb -N -e 'SELECT @@max_connections'")).toBe(`${pid}222\n`);
    expect(failures(await converge(shell, "live", {}))).toEqual([]);
  });

  test("what a service runs with since before its files, the time zone or the language changed is named, and how it takes them", async () => {
    const [unit, env] = ["/etc/systemd/system/older.service", "/etc/older.env"];
    const wants = wantsOf([want.live({ of: "systemd", file: unit })]);
    const notes = async () => (await inspect(shell, "older", wants)).report.results.flatMap((each) => each.notes ?? []).join("; ");
    await text(
      shell,
      `systemctl set-environment LANG=C.UTF-8; [ ! -e /etc/default/locale ] || mv /etc/default/locale /root/locale; cp -a /etc/localtime /root/localtime; printf 'TZ=UTC\n' > ${env}
printf '[Service]\nEnvironmentFile=%s\nExecStart=/usr/bin/sleep 600\n' ${env} > ${unit}; sed s/Env.*// ${unit} > /etc/systemd/system/zoned.service
systemctl daemon-reload; systemctl start older zoned`,
    );
    const zoned = wantsOf([want.live({ of: "systemd", file: "/etc/systemd/system/zoned.service" })]);
    expect(await notes()).toBe("");
    await text(
      shell,
      `printf 'TZ="Asia/Tokyo"\n' > ${env}; printf 'LANG="C"\n' > /etc/default/locale
sleep 4; ln -sfn /usr/share/zoneinfo/Asia/Tokyo /etc/localtime`,
    );
    expect(await notes()).toBe(
      "older.service: LANG is `C.UTF-8` live, `C` in its files; `systemctl daemon-reexec`, and then `systemctl restart older.service` has it take that; " +
        "TZ is `UTC` live, `Asia/Tokyo` in its files; `systemctl restart older.service` has it take that",
    );
    expect((await inspect(shell, "zoned", zoned)).report.results.flatMap((each) => each.notes ?? []).join("; ")).toContain(
      "zoned.service: it runs since before /etc/localtime was changed, and with the time zone of then where it read one; ",
    );
    await text(shell, "systemctl set-environment LANG=C; systemctl restart older zoned");
    expect(await notes()).toBe("");
    expect((await inspect(shell, "zoned", zoned)).report.results.flatMap((each) => each.notes ?? [])).toEqual([]);
    await text(
      shell,
      `systemctl stop older zoned; rm ${unit} /etc/systemd/system/zoned.service ${env} /etc/default/locale; systemctl unset-environment LANG; systemctl daemon-reload
mv -fT /root/localtime /etc/localtime; [ ! -e /root/locale ] || mv /root/locale /etc/default/locale`,
    );
  });

  test("a port that another program has, or that is open on loopback alone where others come to it, holds no check", async () => {
    const own = (await text(shell, "hostname -I")).split(" ")[0] ?? "";
    const listens = (address: string) =>
      text(
        shell,
        `systemctl stop there 2>/dev/null; systemd-run -q --collect --unit=there perl -MIO::Socket::INET -e 'our $s = IO::Socket::INET->new(LocalAddr => "${address}", LocalPort => 8077, Listen => 1, ReuseAddr => 1); sleep 600'
until ss -Hltn | grep -q :8077; do sleep 0.1; done`,
      );
    const seen = async (port: { readonly program?: string; readonly reached?: string }) =>
      (await inspect(shell, "there", wantsOf([want.check({ name: "there", port: { port: 8077, ...port } })]))).report.results.flatMap(
        ({ changes }) => changes,
      );
    await listens("127.0.0.1");
    expect(await seen({})).toEqual([]);
    expect(await seen({ program: "perl", reached: own })).toEqual([
      `wait for port 8077 open at ${own}, with perl behind it, got open, but on 127.0.0.1 alone`,
    ]);
    await listens("0.0.0.0");
    expect(await seen({ program: "perl", reached: own })).toEqual([]);
    expect(await seen({ program: "mariadbd" })).toEqual(["wait for port 8077 open, with mariadbd behind it, got open, but of perl"]);
    const held = wantsOf([want.check({ name: "there", port: { port: 8077, program: "mariadbd" } })]);
    expect((await inspect(shell, "there", held)).seen["check[there]"]).toMatchObject({ differs: "open, but of perl" });
    await text(shell, "systemctl stop there");
  });

  test("sshd that did not read its files since they changed, or whose command line says otherwise, is named", async () => {
    const file = "/etc/ssh/sshd_config.d/00-fleet.conf";
    const wants = wantsOf([want.live({ of: "sshd", file })]);
    const said = async () => (await inspect(shell, "sshd", wants)).report.results.flatMap(({ changes }) => changes);
    await text(shell, `echo 'MaxAuthTries 4' > ${file}; systemctl reload ssh`);
    expect(await said()).toEqual([]);
    await text(shell, `sleep 0.1; echo 'MaxAuthTries 5' > ${file}`);
    expect(await said()).toEqual([`${file} was changed after sshd read it`]);
    await text(
      shell,
      "mkdir -p /etc/systemd/system/ssh.service.d; printf '[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o MaxAuthTries=9\n' > /etc/systemd/system/ssh.service.d/zz.conf; systemctl daemon-reload; systemctl restart ssh",
    );
    expect(await said()).toEqual([`maxauthtries is \`9\` live, \`5\` in ${file}`]);
    await text(shell, `rm -r ${file} /etc/systemd/system/ssh.service.d; systemctl daemon-reload; systemctl restart ssh`);
  });

  test("a reload that nginx answers with yes and does not take goes back, with its own words", async () => {
    const other = "systemd-run -q --unit=other perl -MIO::Socket::INET -e";
    await text(
      shell,
      `${other} 'our @s = IO::Socket::INET->new(LocalPort => 8099, Listen => 1, ReuseAddr => 1); sleep 600'; until ss -Hltn | grep -q :8099; do sleep 0.1; done`,
    );
    const path = "/etc/nginx/conf.d/renew.conf";
    const site = (port: number) => {
      const file = want.file({ path, content: `server { listen ${port}; return 200 "on ${port}"; }\n` });
      const service = want.service({
        ...{ unit: "nginx.service", reloadOn: [file.address], validate: "nginx -t -q" },
        ...{ freshWorkers: true, log: "/var/log/nginx/error.log" },
      });
      return wantsOf([
        file,
        service,
        want.check({ name: "port", port: { port, program: "nginx" }, deadline: 1, after: [service.address] }),
      ]);
    };
    expect(failures(await converge(shell, "renew", site(8098)))).toEqual([]);
    expect(failures(await converge(shell, "renew", site(8097)))).toEqual([]);
    const [failed] = failures(await converge(shell, "renew", site(8099)));
    expect(failed?.address).toBe("service[nginx.service]");
    expect(failed?.reason).toContain("did not take the new configuration");
    expect(failed?.reason).toContain("Address already in use");
    await soon(() => text(shell, `curl -s 127.0.0.1:8097; cat ${path}`)).toMatch(/^on 8097server \{ listen 8097;/);
    const held = (await inspect(shell, "held", wantsOf([want.check({ name: "port", port: { port: 8099, program: "nginx" } })]))).report;
    expect(held.results[0]?.changes).toEqual(["wait for port 8099 open, with nginx behind it, got open, but of perl"]);
    expect(failures(await converge(shell, "renew", {}))).toEqual([]);
    await text(shell, "systemctl stop other");
  });

  test("a packaged service that crashes again and again is seen", async () => {
    const params = app.params.parse({ packages: ["mariadb-server"] });
    const self = { name: "isu1", privateAddress: "127.0.0.1", account: "isucon", roles: ["app"], ports: [] };
    const all = wantsOf(
      app.resources({
        params,
        facts: await readFacts(shell),
        shared: false,
        self,
        team: { name: "t", servers: [self], members: [], endpoints: [] },
      }),
    );
    const wants = { "check[app-packages]": { ...all["check[app-packages]"], after: [], deadline: 0 } };
    expect((await inspect(shell, "packaged", wants)).report.results[0]?.outcome).toBe("unchanged");
    const crash = "[Service]\nType=simple\nExecStart=\nExecStart=/bin/false\nRestart=always\nRestartSec=1\nStartLimitBurst=1000\n";
    const folder = "/run/systemd/system/mariadb.service.d";
    await text(
      shell,
      `mkdir -p ${folder}; printf '${crash}' > ${folder}/crash.conf; systemctl daemon-reload; systemctl restart mariadb || :`,
    );
    const changes = async () => (await inspect(shell, "packaged", wants)).report.results[0]?.changes[0];
    await soon(changes).toContain("mariadb.service starts again and again");
    await text(shell, `rm -r ${folder}; systemctl daemon-reload; systemctl reset-failed mariadb; systemctl restart mariadb`);
  });

  test("a unit that systemd can't read is refused before it lands; one that needs what comes later is not", async () => {
    const units = (content: string) => wantsOf([want.unit({ name: "later.service", content })]);
    const [failed] = failures(await converge(shell, "later", units("[Service]\nExecStrat=/bin/true\n")));
    expect(failed?.reason).toContain("later.service:2: Unknown key");
    await text(shell, "test ! -e /etc/systemd/system/later.service");
    expect(failures(await converge(shell, "later", units(appUnit("/srv/not/there/yet"))))).toEqual([]);
    expect(failures(await converge(shell, "later", {}))).toEqual([]);
  });

  test("a unit whose file is where its mask would be is neither stopped nor disabled, and that is said", async () => {
    await text(
      shell,
      "printf '[Service]\\nExecStart=/bin/sleep 1000\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/mine.service; systemctl enable -q --now mine.service",
    );
    const wants = wantsOf([want.service({ unit: "mine.service", enabled: false, running: false, masked: true })]);
    expect(failures(await converge(shell, "masked-here", wants))[0]?.reason).toContain("`off` in its place");
    await text(shell, "systemctl is-active mine.service && systemctl is-enabled mine.service");
    expect(failures(await converge(shell, "masked-here", {}))).toEqual([]);
    await text(shell, "systemctl disable -q --now mine.service; rm /etc/systemd/system/mine.service; systemctl daemon-reload");
  });

  test("a masked unit is left masked, and said", async () => {
    await text(shell, "systemctl mask --now nginx.service");
    const wants = wantsOf([want.service({ unit: "nginx.service" })]);
    expect(failures(await converge(shell, "masked", wants))[0]?.reason).toContain("`systemctl unmask nginx.service` there");
    await text(shell, "systemctl unmask nginx.service; systemctl start nginx.service");
    expect((await inspect(shell, "masked", wants)).report.results).toEqual([
      { address: "service[nginx.service]", outcome: "unchanged", changes: [] },
    ]);
  });
});
