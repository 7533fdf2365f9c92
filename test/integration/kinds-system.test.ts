// The kinds of the system, each on a real practice machine: users, packages, files, settings, mounts.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { converge, inspect } from "../../provisioners/engine/converge.ts";
import { LookMoved } from "../../provisioners/engine/probe.ts";
import { want } from "../../provisioners/resources/want.ts";
import { software } from "../../provisioners/roles/base/software.ts";
import type { Session } from "../../provisioners/ssh/session.ts";
import { keepsContract, note, text, wantsOf } from "../support/kind-contract.ts";
import { type OneMachine, oneMachine } from "../support/one-machine.ts";

let machine: OneMachine;
let shell: Session;

describe.skipIf(process.getuid?.() !== 0)("kinds of the system (these need root on Linux)", () => {
  beforeAll(async () => {
    machine = await oneMachine("kinds-system", 512);
    ({ shell } = machine);
  });

  afterAll(() => machine?.gone());

  test("group", () =>
    keepsContract(shell, {
      role: "group",
      before: "groupadd -g 1500 crowd",
      declared: [
        want.group({ name: "team", gid: 1100 }),
        want.group({ name: "crowd", gid: 1501 }),
        want.group({ name: "any", system: true }),
      ],
      right: "getent group team | grep -q :1100:; getent group crowd | grep -q :1501:; getent group any",
      drifts: { "another gid": "groupmod -g 1101 team", "a removed group": "groupdel any" },
    }));

  test("user", () =>
    keepsContract(shell, {
      role: "user",
      before: "groupadd -g 1700 dave; useradd -m -s /bin/sh -c Old -G adm bob; echo 'bob:$6$abc$Old' | chpasswd -e",
      declared: [
        want.group({ name: "team", gid: 1100 }),
        want.user({
          name: "alice",
          uid: 1200,
          group: "team",
          groups: ["sudo"],
          comment: "Alice A",
          shell: "/bin/bash",
          passwordHash: "$6$abc$Canary",
        }),
        want.user({ name: "bob", groups: ["sudo"], comment: "New", shell: "/bin/bash", passwordHash: "$6$abc$New" }),
        want.group({ name: "erin", gid: 1800 }),
        want.user({ name: "erin", group: "erin" }),
        want.user({ name: "dave" }),
        want.user({ name: "daemon-x", system: true, home: "/nonexistent", createHome: false }),
      ],
      right: `[ "$(getent passwd alice)" = "alice:x:1200:1100:Alice A:/home/alice:/bin/bash" ]
        id -Gn alice | grep -qw sudo; id -Gn bob | grep -w adm | grep -qw sudo
        [ "$(stat -c %U:%G /home/alice)" = alice:team ]; cmp /etc/skel/.bashrc /home/alice/.bashrc
        getent shadow alice | grep -qF '$6$abc$Canary'; getent shadow bob | grep -qF '$6$abc$New'
        [ "$(getent passwd daemon-x | cut -d: -f6,7)" = /nonexistent:/usr/sbin/nologin ]`,
      drifts: {
        "another shell": "usermod -s /bin/sh alice",
        "another uid": "usermod -u 1300 alice",
        "another comment": "usermod -c X alice",
        "another group": "usermod -g users alice; chgrp team /home/alice",
        "a group that was left": "gpasswd -d alice sudo > /dev/null",
        "another password": "echo 'alice:$6$abc$Hacked' | chpasswd -e",
        "a removed home": "rm -rf /home/alice",
        "a removed user": "userdel -r daemon-x 2>/dev/null || [ $? = 12 ]",
      },
    }));

  test("a user's home that people worked in survives the account, for root alone", async () => {
    await converge(shell, "carol", wantsOf([want.user({ name: "carol" })]));
    await text(shell, "su carol -c 'echo work > ~/notes'");
    const { results } = await converge(shell, "carol", {});
    expect(results.map(({ outcome }) => outcome)).toEqual(["changed"]);
    expect(
      await text(shell, "stat -c '%U %a' /home/carol; ls -A /home/carol; cat /home/carol/notes; getent passwd carol || echo gone"),
    ).toBe("root 700\nnotes\nwork\ngone\n");
    await text(shell, "rm -r /home/carol");
  });

  test("directory, file and link, each where something else stands too", () =>
    keepsContract(shell, {
      role: "paths",
      before:
        "mkdir -m 0700 /srv/old; echo file > /srv/becomes-directory; echo kept > /srv/changed; chmod 0600 /srv/changed; ln -s /nowhere /srv/link; mkdir -m 0711 /srv/dir-to-link",
      declared: [
        want.directory({ path: "/srv/new", mode: "2750", owner: "www-data", group: "adm" }),
        want.directory({ path: "/srv/old", mode: "0755" }),
        want.directory({ path: "/srv/becomes-directory" }),
        want.file({ path: "/srv/new/plain", content: "no newline at the end" }),
        want.file({
          path: "/srv/new/bytes",
          content: Buffer.from([0, 10, 255]).toString("base64"),
          encoding: "base64",
          mode: "4755",
          owner: "www-data",
        }),
        want.file({ path: "/srv/changed", content: "FLEET_END_OF_INPUT\n$HOME `id`\n", sensitive: true }),
        want.link({ path: "/srv/link", target: "/srv/new" }),
        want.link({ path: "/srv/dir-to-link", target: "/etc" }),
      ],
      right: `[ "$(stat -c '%a %U:%G' /srv/new)" = '2750 www-data:adm' ]; [ -d /srv/becomes-directory ]
        [ "$(cat /srv/new/plain)" = 'no newline at the end' ]; [ "$(stat -c '%s %a' /srv/new/bytes)" = '3 4755' ]
        [ "$(readlink /srv/link) $(readlink /srv/dir-to-link)" = '/srv/new /etc' ]; [ "$(tail -n 1 /srv/changed)" = '$HOME \`id\`' ]`,
      drifts: {
        "other modes": "chmod 0777 /srv/new /srv/new/bytes",
        "other owners": "chown nobody /srv/new; chgrp nogroup /srv/new/plain",
        "another content": "echo more >> /srv/new/plain",
        "removed files": "rm /srv/new/plain /srv/changed /srv/link",
        "a removed directory": "rm -r /srv/new",
        "another target": "ln -sfn /tmp /srv/dir-to-link",
        "a file in place of the link": "rm /srv/link; echo x > /srv/link",
      },
    }));

  test("every kind that lives at a path gives back what was there before it: files, links, empty folders, a fifo, other owners", () =>
    keepsContract(shell, {
      role: "before",
      before: `echo 'a unit of theirs' > /etc/systemd/system/theirs.service; chmod 0640 /etc/systemd/system/theirs.service
        mkdir /etc/systemd/system/cron.service.d; printf '[Service]\\nNice=1\\n' > /etc/systemd/system/cron.service.d/fleet.conf
        mkdir -p /etc/cron.d; echo '# jobs of theirs' > /etc/cron.d/theirs; chown daemon:daemon /etc/cron.d/theirs
        echo '# limits of theirs' > /srv/limits-of-theirs; ln -s /srv/limits-of-theirs /etc/security/limits.d/theirs.conf; echo 'net.core.somaxconn = 1024' > /etc/sysctl.d/99-zz-fleet-theirs.conf
        mkdir -p /etc/apt/sources.list.d; echo '# of theirs' > /etc/apt/sources.list.d/theirs.sources; chmod 0600 /etc/apt/sources.list.d/theirs.sources
        printf '[Mount]\\nWhat=tmpfs\\nWhere=/srv/theirs\\nType=tmpfs\\nOptions=size=1m\\n' > /etc/systemd/system/srv-theirs.mount
        mkdir -m 0711 /srv/empty; mkfifo -m 0620 /srv/fifo; echo gone > /srv/gone; chown 4242:4243 /srv/gone; chmod 2755 /srv/gone
        echo linked > /srv/linked; mkdir -m 1777 /srv/tight; chown 4242:4243 /srv/tight; systemctl daemon-reload`,
      declared: [
        want.unit({ name: "theirs.service", content: "[Service]\nExecStart=/bin/true\n" }),
        want.unit({ name: "cron.service", dropIn: "fleet.conf", content: "[Service]\nNice=2\n" }),
        want.cron({ name: "theirs", jobs: [{ schedule: "@daily", run: "true" }] }),
        want.limits({ name: "theirs", limits: { "www-data - nofile": 4242 } }),
        want.sysctl({ name: "theirs", settings: { "net.core.somaxconn": 8192 } }),
        want.mount({ where: "/srv/theirs", what: "tmpfs", type: "tmpfs", options: "size=2m", mounted: false, enabled: false }),
        ...["empty", "fifo", "gone"].map((name) => want.absent({ path: `/srv/${name}` })),
        want.link({ path: "/srv/linked", target: "/etc/hostname" }),
        want.directory({ path: "/srv/tight", mode: "0700" }),
      ],
      right:
        "grep -q ExecStart /etc/systemd/system/theirs.service; grep -q Nice=2 /etc/systemd/system/cron.service.d/fleet.conf; [ ! -e /srv/gone ]",
      drifts: { "what was there came back": "echo again > /srv/gone" },
    }));

  test("a file that its validator refuses does not land, and leaves nothing behind", async () => {
    await text(shell, "echo good > /srv/checked");
    for (const content of ["bad\n", "bad, and without an end of line"]) {
      const wants = wantsOf([want.file({ path: "/srv/checked", content, validate: "grep good %s" })]);
      const [result] = (await converge(shell, "checked", wants)).results;
      const reason = expect.stringContaining("refused by its validator, not installed: /srv/checked");
      expect(result).toMatchObject({ outcome: "failed", reason });
    }
    expect(await text(shell, "cat /srv/checked; ls /srv | grep fleet || echo clean")).toBe("good\nclean\n");
    await converge(shell, "checked", {});
    await text(shell, "rm /srv/checked");
  });

  test("block: beside other blocks of one file, and in files of their own", () =>
    keepsContract(shell, {
      role: "block",
      before: `printf '127.0.0.1 localhost\\nlast line without its end' > /srv/hosts; chmod 0640 /srv/hosts; chgrp adm /srv/hosts; printf 'ended\\n' > /srv/ended
        install -d -o games /srv/theirs; printf 'x\\n' > /srv/theirs/keys; chown games /srv/theirs/keys; echo x > /srv/noted; ${note("/srv/noted")}; ${note("/srv/theirs/keys")}`,
      declared: [
        want.block({ path: "/srv/hosts", name: "team", content: "10.0.0.1 isu1\n10.0.0.2 isu2\n" }),
        want.block({ path: "/srv/hosts", name: "other", content: "a\\b & c\n", validate: "grep -q BEGIN %s" }),
        want.block({ path: "/srv/ended", name: "team", content: "x\n" }),
        want.block({ path: "/srv/theirs/keys", name: "team", content: "y\n" }),
        want.block({ path: "/srv/noted", name: "team", content: "y\n" }),
        want.block({ path: "/srv/fresh", name: "team", content: "x\n", mode: "0600" }),
      ],
      right: `grep -qx '10.0.0.2 isu2' /srv/hosts; grep -qxF 'a\\b & c' /srv/hosts; grep -q 'without its end' /srv/hosts
        [ "$(stat -c '%a %G' /srv/hosts)" = '640 adm' ]; [ "$(stat -c %a /srv/fresh)" = 600 ]`,
      drifts: {
        "a changed line": "sed -i s/10.0.0.2/10.0.0.3/ /srv/hosts",
        "a removed block": "sed -i '/BEGIN fleet team/,/END fleet team/d' /srv/hosts",
        "a removed file": "rm /srv/fresh",
        "a marker without its half":
          "sed -i '/BEGIN fleet team/,/END fleet team/d' /srv/ended; echo '# END fleet team' >> /srv/ended; sed -i '/END fleet team/d' /srv/ended",
      },
    }));

  test("a block whose end was lost is refused, and the file left alone", async () => {
    await text(shell, "printf '# BEGIN fleet team\\nprecious\\n' > /srv/half");
    const [result] = (await converge(shell, "half", wantsOf([want.block({ path: "/srv/half", name: "team", content: "x\n" })]))).results;
    expect(result).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("expected `# END fleet team` after its beginning in /srv/half"),
    });
    expect(await text(shell, "cat /srv/half")).toBe("# BEGIN fleet team\nprecious\n");
    await text(shell, "rm -r /srv/half");
    await converge(shell, "half", {});
  });

  test("limits: a new session has them", () =>
    keepsContract(shell, {
      role: "limits",
      declared: [want.limits({ name: "team", limits: { "www-data - nofile": 4242, "www-data soft core": 0 } })],
      right: `[ "$(su -s /bin/sh www-data -c 'ulimit -n')" = 4242 ]`,
      drifts: {
        "another value": "sed -i s/4242/1024/ /etc/security/limits.d/team.conf",
        "a line by hand": "echo 'root - nproc 1' >> /etc/security/limits.d/team.conf",
        "another mode": "chmod 0666 /etc/security/limits.d/team.conf",
        "a removed file": "rm /etc/security/limits.d/team.conf",
      },
    }));

  test("sysctl: live and at boot; what a container may not set is said and left out", async () => {
    const settings = {
      "net.core.somaxconn": 8192,
      "net.ipv4.ip_local_port_range": "1024 65535",
      "vm.swappiness": "1",
      "net.netfilter.no_such": "1",
    };
    // What a test before put back would be read later.
    await shell.run({ text: "rm -f /etc/sysctl.d/99-zz-fleet-theirs.conf", masked: "rm" });
    const declared = [want.sysctl({ name: "team", settings }), want.sysctl({ name: "host", settings: { "vm.swappiness": "1" } })];
    await keepsContract(shell, {
      role: "sysctl",
      declared,
      right: `[ "$(cat /proc/sys/net/core/somaxconn)" = 8192 ]; [ "$(wc -l < /etc/sysctl.d/99-zz-fleet-team.conf)" = 2 ]
        [ ! -e /etc/sysctl.d/99-zz-fleet-host.conf ]`,
      drifts: {
        "another live value": "echo 128 > /proc/sys/net/core/somaxconn",
        "another value in the file": "sed -i s/8192/512/ /etc/sysctl.d/99-zz-fleet-team.conf",
        "a line by hand": "echo 'net.core.rmem_default = 1' >> /etc/sysctl.d/99-zz-fleet-team.conf",
        "a removed file": "rm /etc/sysctl.d/99-zz-fleet-team.conf",
      },
    });
    const { results } = (await inspect(shell, "sysctl", wantsOf(declared))).report;
    expect(results.map(({ address, outcome, reason, notes }) => [address, outcome, reason ?? notes])).toEqual([
      ["sysctl[host]", "not-applicable", expect.stringContaining("a container may not set")],
      ["sysctl[team]", "pending", [expect.stringContaining("has no such setting"), expect.stringContaining("a container may not set")]],
    ]);
    const later = "printf 'net/core/somaxconn = 77\\n' > /etc/sysctl.d/zzz-later.conf";
    await shell.run({ text: later, masked: later });
    const [, team] = (await inspect(shell, "sysctl", wantsOf(declared))).report.results;
    expect(team?.notes).toContain(
      "`net.core.somaxconn`: /etc/sysctl.d/zzz-later.conf is read later and says `77`, which counts from the next boot on",
    );
    await shell.run({ text: "rm /etc/sysctl.d/zzz-later.conf", masked: "rm" });
  });

  test("sysctl: what a file of somebody's own no longer says comes back live with it, also after a reboot", async () => {
    const path = "/etc/sysctl.d/99-organiser.conf";
    const live = "cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_fin_timeout";
    await text(
      shell,
      `printf 'net.core.somaxconn = 1025\nnet.ipv4.tcp_fin_timeout = 33\n' > ${path}; echo 1025 > /proc/sys/net/core/somaxconn; echo 33 > /proc/sys/net/ipv4/tcp_fin_timeout`,
    );
    const ours = { name: "organiser", path, settings: { "net.core.somaxconn": "2050" }, text: "net.core.somaxconn = 2050\n" };
    await converge(shell, "sysctl", wantsOf([want.sysctl(ours)]));
    expect(await text(shell, live)).toBe("2050\n33\n");
    await text(shell, "echo 60 > /proc/sys/net/ipv4/tcp_fin_timeout");
    const later = want.sysctl({ name: "later", settings: { "net.ipv4.tcp_fin_timeout": "20" } });
    await converge(shell, "later", wantsOf([later]));
    await converge(shell, "sysctl", {});
    await converge(shell, "later", {});
    expect(await text(shell, `cat ${path}; ${live}`)).toBe("net.core.somaxconn = 1025\nnet.ipv4.tcp_fin_timeout = 33\n1025\n33\n");
    await text(shell, `rm ${path}`);
  });

  test("a user's links lead to nothing that is not the same user's: planted before, or swapped all the time", async () => {
    const keys = { owner: "mallory", group: "mallory", mode: "0600" } as const;
    const wants = wantsOf([
      want.directory({ path: "/home/mallory/.ssh", owner: "mallory", group: "mallory", mode: "0700" }),
      want.block({ path: "/home/mallory/.ssh/authorized_keys", name: "team", content: "ssh-ed25519 AAAA mallory\n", ...keys }),
      want.file({ path: "/home/mallory/own", content: "mallory's\n", ...keys }),
    ]);
    const told = (script: string) => shell.run({ text: script, masked: script });
    await told(`useradd -m -s /bin/bash mallory; install -d -m 0755 /root/there
      printf 'root only\n' > /root/there/authorized_keys; cp -a /root/there/authorized_keys /root/there/own; chmod 0640 /root/there/*
      install -d -o mallory -g mallory -m 0700 /home/mallory/.ssh; runuser -u mallory -- ln -s /root/there/authorized_keys /home/mallory/.ssh/authorized_keys`);
    const there = "stat -c '%n %a %U:%G' /root/there /root/there/*; cat /root/there/*; ls -A /root/there";
    const before = (await told(there)).stdout.toString();
    const [refused] = (await converge(shell, "mallory", wants)).results.filter(({ outcome }) => outcome === "failed");
    expect(refused?.reason).toMatch(/expected the link .* to lead to a file of the same user/);
    expect((await told(there)).stdout.toString()).toBe(before);
    await told(`rm -f /home/mallory/.ssh/authorized_keys
      cat > /home/mallory/race <<'EOF'
cd /home/mallory
while :; do
  rm -rf .ssh own; ln -s /root/there .ssh; ln -s /root/there/own own; sleep 0.05
  rm -f .ssh own; mkdir .ssh; ln -s /root/there/authorized_keys .ssh/authorized_keys; echo x > own; sleep 0.05
  rm -f .ssh/authorized_keys; echo x > .ssh/authorized_keys; ln -sf /root/there/own .own.swap; mv -f .own.swap own; sleep 0.05
done
EOF
      systemd-run -q --unit race --uid mallory sh /home/mallory/race`);
    // A look that finds everything moved all the time is refused: nothing is decided from it.
    for (let tries = 0; tries < 15; tries++)
      await converge(shell, "mallory", wants).catch((error) => expect(error).toBeInstanceOf(LookMoved));
    await told("systemctl stop race");
    expect((await told(there)).stdout.toString()).toBe(before);
    await told("rm -rf /home/mallory/.ssh /home/mallory/own");
    expect((await converge(shell, "mallory", wants)).results.map(({ outcome }) => outcome)).toEqual(["changed", "changed", "changed"]);
    await converge(shell, "mallory", {});
  });

  test("service: one that ran into its start limit says so, and starts once its cause is gone", async () => {
    const looped = `cat > /etc/systemd/system/looping.service <<'EOF'
[Service]
ExecStart=/bin/sh -c '[ -e /srv/cause-gone ] && exec sleep 1000'
Restart=always
RestartSec=0
[Install]
WantedBy=multi-user.target
EOF
systemctl daemon-reload
systemctl start looping || :
until systemctl is-failed -q looping; do sleep 0.1; done`;
    await shell.run({ text: looped, masked: looped });
    const wants = wantsOf([want.service({ unit: "looping.service" })]);
    const [seen] = (await inspect(shell, "looping", wants)).report.results;
    expect(seen?.changes).toContainEqual(expect.stringMatching(/^start: it is `failed` \((exit-code|start-limit-hit)\)$/));
    expect(seen?.notes).toEqual([expect.stringMatching(/started again 5 times, and systemd starts it no more by itself; `journalctl/)]);
    await shell.run({ text: "touch /srv/cause-gone", masked: "touch" });
    expect((await converge(shell, "looping", wants)).results).toMatchObject([{ outcome: "changed" }]);
    await converge(shell, "looping", {});
  });

  test("sysctl: a value that the kernel does not take as it is fails, with what it took", async () => {
    const wants = wantsOf([want.sysctl({ name: "odd", settings: { "net.ipv4.tcp_fin_timeout": "0x1e" } })]);
    const [result] = (await converge(shell, "odd", wants)).results;
    expect(result).toMatchObject({ outcome: "failed", reason: expect.stringContaining("got 30; want that value instead") });
    await converge(shell, "odd", {});
  });

  test("mount", () =>
    keepsContract(shell, {
      role: "mount",
      declared: [want.mount({ where: "/srv/my-data", what: "tmpfs", type: "tmpfs", options: "size=8m,nodev" })],
      right: `findmnt -n -o OPTIONS /srv/my-data | grep nodev | grep -q size=8192k; systemctl is-enabled --quiet 'srv-my\\x2ddata.mount'`,
      drifts: {
        unmounted: "umount /srv/my-data",
        disabled: "systemctl disable --quiet 'srv-my\\x2ddata.mount'",
        "other options":
          "sed -i s/size=8m/size=4m/ '/etc/systemd/system/srv-my\\x2ddata.mount'; systemctl daemon-reload; systemctl reload 'srv-my\\x2ddata.mount'",
        "a unit that systemd has not read": "touch -d '2 minutes' '/etc/systemd/system/srv-my\\x2ddata.mount'",
      },
    }));

  test("package: one apt-get for all, and an undo that removes what came and nothing else", async () => {
    const declared = [want.package({ name: "jq" }), want.package({ name: "tree" }), want.package({ name: "pv" })];
    await keepsContract(shell, {
      role: "package",
      declared,
      right: "jq --version; tree --version; pv --version; [ ! -e /var/lib/fleet/package/originals/packages.before ]",
      drifts: { "a removed package": "DEBIAN_FRONTEND=noninteractive apt-get -qqy purge jq tree > /dev/null" },
    });
    const runs = await text(shell, "grep -c '^Commandline: apt-get .* install .* jq pv tree$' /var/log/apt/history.log");
    expect(runs.trim()).toBe("1");
  });

  test("package: what it brought along goes with it, also where somebody, or an undo that was cut short, took the package alone", async () => {
    // What tests before have the server remember is not this one's to forget.
    await text(shell, "rm -rf /var/lib/fleet");
    await converge(shell, "alone", wantsOf([want.package({ name: "jq" })]));
    await text(shell, "DEBIAN_FRONTEND=noninteractive apt-get -qqy purge jq > /dev/null; dpkg -s libjq1 libonig5 > /dev/null");
    const { results } = await converge(shell, "alone", {});
    expect(results.map(({ outcome }) => outcome)).toEqual(["changed"]);
    expect(await text(shell, "dpkg-query -W -f '${Package} ' libjq1 libonig5 2> /dev/null || [ ! -e /var/lib/fleet ]")).toBe("");
  });

  test("package: an install that was killed behind its packages is ended by the next run, and takes nothing of others' along", async () => {
    const wants = wantsOf([want.package({ name: "jq" })]);
    await converge(shell, "killed", wants);
    const before = "/var/lib/fleet/killed/originals/packages.before";
    await text(
      shell,
      `dpkg-query -W -f '\${db:Status-Abbrev}|\${Package}\n' | sed -n 's/^.[^nc].|//p' | grep -vx -e jq -e libjq1 -e libonig5 | sort -u > ${before}
       dpkg-trigger --no-await --by-package=libc-bin ldconfig`,
    );
    const { results } = await converge(shell, "killed", wants);
    expect(results.map(({ outcome }) => outcome)).toEqual(["changed"]);
    expect(await text(shell, `dpkg --audit; ls ${before} 2>&1 | grep -c 'No such file'`)).toBe("1\n");
    const again = (await inspect(shell, "killed", wants)).report.results;
    expect(again.map(({ outcome }) => outcome)).toEqual(["unchanged"]);
    await text(shell, "DEBIAN_FRONTEND=noninteractive apt-get -qqy install pv > /dev/null 2>&1");
    await converge(shell, "killed", {});
    expect(await text(shell, "command -v jq || dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' pv")).toBe("pv ii \n");
    await text(shell, "DEBIAN_FRONTEND=noninteractive apt-get -qqy purge pv > /dev/null");
  });

  test("package: what somebody else needs by now outlives the undo", async () => {
    await converge(shell, "needed", wantsOf([want.package({ name: "libjq1" }), want.package({ name: "tree" })]));
    await text(shell, "DEBIAN_FRONTEND=noninteractive apt-get -qqy install jq > /dev/null 2>&1");
    const { results } = await converge(shell, "needed", {});
    expect(results.map(({ outcome }) => outcome)).toEqual(["changed", "changed"]);
    expect(await text(shell, "dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n' jq libjq1; command -v tree || echo gone")).toBe(
      "jq ii \nlibjq1 ii \ngone\n",
    );
    await text(shell, "DEBIAN_FRONTEND=noninteractive apt-get -qqy purge jq libjq1 libonig5 > /dev/null");
  });

  test("package: a .deb by its address, with what it needs, and one that is held", async () => {
    const serve = `printf '%s\\n' 'Package: mine' 'Version: 1:2.0' 'Architecture: all' 'Maintainer: us' 'Description: ours' 'Depends: tree' > control
      mkdir -p deb/DEBIAN && mv control deb/DEBIAN/ && dpkg-deb -b deb mine.deb > /dev/null
      systemd-run -q --unit deb-server --working-directory=/root perl -MIO::Socket::INET -e 'my $door = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8099", Listen => 9, ReuseAddr => 1);
        while (my $to = $door->accept) { while (<$to>) { last if /^\\s*$/ } open my $file, "<", "mine.deb"; local $/; my $all = <$file>;
        printf $to "HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s", length $all, $all; close $to }'
      until ss -Hltn | grep -q :8099; do sleep 0.1; done
      sha256sum mine.deb`;
    const sha256 = (await text(shell, `set -e\ncd /root\n${serve}`)).slice(0, 64);
    const mine = { name: "mine", hold: false, version: "1:2.0", url: "http://127.0.0.1:8099/mine.deb", sha256 };
    await keepsContract(shell, {
      role: "deb",
      before: "DEBIAN_FRONTEND=noninteractive apt-get -qqy purge curl > /dev/null",
      declared: software({ packages: [mine, { name: "pv", hold: true }], repositories: {} }, { packageManager: "apt" }).filter(
        ({ address }) => address !== "package[tzdata]",
      ),
      right:
        "dpkg-query -W -f '${Version}' mine | grep -qx 1:2.0; tree --version; apt-mark showhold | grep -qx pv; apt-cache policy mine | grep -q 1001",
      drifts: {
        "a removed package": "DEBIAN_FRONTEND=noninteractive apt-get -qqy purge mine > /dev/null",
        "a hold that was taken off": "apt-mark unhold pv > /dev/null",
      },
    });
    const { hold: _, ...deb } = mine;
    const curl = want.package({ name: "curl" });
    const { results } = await converge(shell, "deb", wantsOf([curl, want.package({ ...deb, version: "1:3.0", after: [curl.address] })]));
    expect(results.find(({ address }) => address === "package[mine]")?.reason).toContain("expected mine 1:3.0, got mine 1:2.0 in the .deb");
    await converge(shell, "deb", {});
    await text(shell, "systemctl stop deb-server; rm -r /root/deb /root/mine.deb");
  });

  test("package: an interrupted dpkg is set right first, and a held lock is waited for", async () => {
    await text(
      shell,
      'cd /tmp && apt-get -q update > /dev/null && apt-get -q download tree >/dev/null 2>&1 && dpkg --unpack tree_*.deb > /dev/null && rm tree_*.deb && [ -n "$(dpkg --audit)" ]',
    );
    await text(
      shell,
      // Until somebody has waited for it for a while.
      `setsid -f perl -e 'use Fcntl; open my $file, ">>", "/var/lib/dpkg/lock-frontend"; my $lock = pack "s s x4 q q i x4", F_WRLCK;
        fcntl $file, F_SETLK, $lock or die; open my $held, ">", "/run/held"; close $held; for (1 .. 600) { last if -e "/run/free"; select undef, undef, undef, 0.1 }' < /dev/null > /dev/null 2>&1
      until [ -e /run/held ]; do sleep 0.1; done`,
    );
    const said: string[] = [];
    let freed: Promise<void> | undefined;
    const wants = wantsOf([want.package({ name: "pv" })]);
    const { results } = await converge(shell, "interrupted", wants, {
      onProgress: (_address, _sentence, output) => {
        said.push(output ?? "");
        if (/lock was locked/.test(output ?? "")) freed ??= machine.beside("touch /run/free");
      },
    });
    await freed;
    await text(shell, "rm -f /run/held /run/free");
    expect(results).toMatchObject([{ outcome: "changed" }]);
    expect(said.join("\n")).toMatch(/lock was locked by another process with pid [0-9]+[\s\S]*Setting up tree [\s\S]*Setting up pv /);
    expect(await text(shell, "dpkg --audit; tree --version >/dev/null && pv --version > /dev/null && echo both")).toBe("both\n");
    await converge(shell, "interrupted", {});
  });

  test("package: a name that no repository has fails with apt's own words", async () => {
    const conf = want.file({ path: "/etc/fleet-unknown.conf", content: "on\n" });
    const service = want.service({ unit: "no-such.service", restartOn: [conf.address] });
    const rest = [
      want.package({ name: "tree" }),
      want.file({ path: "/etc/no-such/app.conf", content: "on\n" }),
      want.file({ path: "/etc/fleet-others.conf", content: "on\n" }),
      want.sysctl({ name: "unknown", settings: { "net.ipv4.tcp_syncookies": 1 } }),
      ...[conf, service],
    ];
    const { results } = await converge(shell, "unknown", wantsOf([want.package({ name: "no-such-package" }), ...rest]));
    const of = (address: string) => results.find((each) => each.address === address);
    expect(of("package[no-such-package]")).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("Unable to locate package no-such-package"),
    });
    expect(of("file[/etc/no-such/app.conf]")?.reason).toBe("left without package[no-such-package]: `/etc/no-such` is not there");
    expect(of(service.address)?.reason).toBe("left without package[no-such-package]: unit `no-such.service` is not there");
    expect(of(conf.address)?.outcome).toBe("skipped");
    expect(
      await text(
        shell,
        "tree --version > /dev/null; cat /etc/fleet-others.conf; ls /etc/sysctl.d/*unknown* | wc -l; ls /etc/fleet-unknown.conf 2>&1 | wc -l",
      ),
    ).toBe("on\n1\n1\n");
    // What never came leaves nothing to take away.
    const { results: left } = await inspect(shell, "unknown", wantsOf(rest.slice(0, 1))).then(({ report }) => report);
    expect(left.filter(({ address, outcome }) => address === "package[no-such-package]" && outcome === "pending")).toEqual([]);
    await converge(shell, "unknown", {});
  });

  test("repository: its own key, fetched before it lands; a wrong key lands nothing", async () => {
    await text(shell, repositoryScript);
    const key = await text(shell, "cat /srv/apt/key.asc");
    const wrong = await text(shell, "cat /srv/apt/other.asc");
    const from = { name: "local", uris: ["file:/srv/apt"], suites: ["stable"] };
    const [refused] = (await converge(shell, "refused", wantsOf([want.repository({ ...from, signedBy: wrong })]))).results;
    expect(refused).toMatchObject({ outcome: "failed", reason: expect.stringMatching(/NO_PUBKEY|couldn't be verified|is not signed/) });
    await text(shell, "[ ! -e /etc/apt/sources.list.d/local.sources ]");
    await converge(shell, "refused", {});
    await keepsContract(shell, {
      role: "repository",
      before: "echo theirs > /etc/fleet-hello.conf; chmod 0600 /etc/fleet-hello.conf",
      declared: [want.repository({ ...from, signedBy: key }), want.package({ name: "fleet-hello" })],
      right: "apt-cache policy fleet-hello | grep -q file:/srv/apt; [ -e /usr/share/fleet-hello ]",
      drifts: {
        "trust added by hand": "echo 'Trusted: yes' >> /etc/apt/sources.list.d/local.sources",
        "a removed file": "rm /etc/apt/sources.list.d/local.sources",
        "another mode": "chmod 0666 /etc/apt/sources.list.d/local.sources",
      },
    });
  });
});

/** A signed repository of one package, in a folder of the machine itself. */
const repositoryScript = `set -e
DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends gpg gpg-agent apt-utils > /dev/null 2>&1
export GNUPGHOME=$(mktemp -d)
for each in key other; do
  gpg --batch --quiet --passphrase '' --quick-generate-key "$each@example.org" ed25519 sign never 2>/dev/null
  mkdir -p /srv/apt
  gpg --armor --export "$each@example.org" > "/srv/apt/$each.asc"
done
built=$(mktemp -d)
mkdir -p "$built/DEBIAN" "$built/etc" "$built/usr/share/fleet-hello" /srv/apt/dists/stable/main/binary-amd64 /srv/apt/pool
printf 'Package: fleet-hello\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: Test <test@example.org>\\nDescription: test\\n' > "$built/DEBIAN/control"
echo ours > "$built/etc/fleet-hello.conf"; echo /etc/fleet-hello.conf > "$built/DEBIAN/conffiles"
dpkg-deb --build "$built" /srv/apt/pool/fleet-hello_1.0_all.deb > /dev/null
cd /srv/apt
apt-ftparchive packages pool > dists/stable/main/binary-amd64/Packages
apt-ftparchive -o APT::FTPArchive::Release::Suite=stable release dists/stable > Release
mv Release dists/stable/Release
gpg --batch --quiet -u key@example.org --clearsign -o dists/stable/InRelease dists/stable/Release
rm -rf "$GNUPGHOME" "$built"`;
