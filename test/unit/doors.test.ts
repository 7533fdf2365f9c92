// Which change may shut a way in, by place, unit and user alone, and where it stands in a run.
import { describe, expect, test } from "vitest";
import { doorOf, doorsLast } from "../../provisioners/engine/doors.ts";
import { blank } from "../../provisioners/engine/observe.ts";
import { plan } from "../../provisioners/engine/plan.ts";
import { type Declared, want } from "../../provisioners/resources/want.ts";
import { wantsOf } from "../support/kind-contract.ts";

const file = (path: string) => want.file({ path, content: "" });

describe("a door", () => {
  const doors: readonly (readonly [string, Declared])[] = [
    ["sshd", file("/etc/ssh/sshd_config")],
    ["sshd", file("/etc/ssh/sshd_config.d/10-team.conf")],
    ["sshd", want.link({ path: "/etc/ssh/sshd_config.d/20.conf", target: "/dev/null" })],
    ["sshd", want.absent({ path: "/etc/ssh/ssh_host_ed25519_key" })],
    ["sshd", want.service({ unit: "ssh.socket", enabled: false, running: false })],
    ["sshd", want.unit({ name: "ssh.service", content: "[Service]\n" })],
    ["sshd", file("/etc/systemd/system/ssh.socket.d/port.conf")],
    ["sudo", file("/etc/sudoers.d/zz-team")],
    ["logins", file("/etc/pam.d/sshd")],
    ["logins", want.limits({ name: "team", limits: { "* - nofile": 1024 } })],
    ["logins", want.user({ name: "root", shell: "/bin/sh" })],
    ["logins", want.user({ name: "isucon", groups: ["docker"] })],
    ["logins", want.block({ path: "/home/isucon/.ssh/authorized_keys", name: "team", content: "x\n" })],
    ["logins", want.directory({ path: "/root/.ssh", mode: "0777" })],
    ["logins", want.directory({ path: "/home/isucon", mode: "0777" })],
    ["logins", file("/srv/contest/isucon/.bashrc")],
    ["firewall", file("/etc/nftables.conf")],
    ["firewall", want.service({ unit: "nftables.service" })],
    ["firewall", file("/etc/iptables/rules.v4")],
    ["network", file("/etc/systemd/network/10-host0.network")],
    ["network", file("/etc/netplan/50-cloud-init.yaml")],
    ["network", file("/etc/network/interfaces")],
  ];

  test.each(doors)("%s: %o", (name, { address, want: of }) => expect(doorOf(address, of, "isucon")).toBe(name));

  const others: readonly Declared[] = [
    ...["/etc/hosts", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_config.d/50-fleet.conf", "/etc/sshd", "/etc/nginx/nginx.conf"].map(file),
    ...["/home/ada/.ssh/authorized_keys", "/home/isucon/app/.sshrc", "/home/isucon/webapp/main.go"].map(file),
    want.user({ name: "ada" }),
    want.service({ unit: "nginx.service" }),
    want.package({ name: "openssh-client" }),
  ];

  test.each(others)("none: %o", ({ address, want: of }) => expect(doorOf(address, of, "isucon")).toBeUndefined());

  test("is another for whoever comes in as another", () => {
    const { address, want: of } = file("/home/ada/.ssh/authorized_keys");
    expect(doorOf(address, of, "ada")).toBe("logins");
  });
});

describe("the order of a run that changes one", () => {
  const sorted = (declared: readonly Declared[]) => {
    const wants = wantsOf(declared);
    const { changes, from, names } = doorsLast(plan(wants, blank(wants)).changes, (address) => wants[address], "isucon");
    const all = changes.map(({ address }) => address);
    return { open: all.slice(0, from), guarded: all.slice(from), names };
  };

  test("is the usual one where it changes none", () => {
    const declared = [file("/etc/a"), want.package({ name: "jq" }), want.user({ name: "ada" })];
    expect(sorted(declared)).toEqual({ open: ["user[ada]", "package[jq]", "file[/etc/a]"], guarded: [], names: [] });
  });

  test("has it last, with all that waits for it: packages and builds are not in its time", () => {
    const drop = file("/etc/ssh/sshd_config.d/10-team.conf");
    const rights = file("/etc/sudoers.d/zz-team");
    const declared = [
      rights,
      drop,
      want.handler({ name: "sudoers", on: [rights.address], validate: "visudo -cq" }),
      want.service({ unit: "ssh.service", keep: true, reloadOn: [drop.address] }),
      want.package({ name: "jq" }),
      file("/etc/motd"),
      want.command({ name: "after", run: "true", unless: "false", after: ["service[ssh.service]"] }),
      want.command({ name: "build", run: "true", unless: "false" }),
    ];
    expect(sorted(declared)).toEqual({
      open: ["package[jq]", "file[/etc/motd]", "command[build]"],
      guarded: [drop.address, rights.address, "handler[sudoers]", "command[after]"],
      names: ["sshd", "sudo"],
    });
  });
});
