// What shuts the way in goes back by itself, on real machines: sshd, sudo, a firewall, accounts, also where this computer or the server dies.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loginUser } from "../../machines/machine.ts";
import { converge, failures, giveBack } from "../../provisioners/engine/converge.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import { confirmTime } from "../../provisioners/engine/revert.ts";
import { HostError, type Shell } from "../../provisioners/engine/shell.ts";
import { type Declared, want } from "../../provisioners/resources/want.ts";
import type { Session } from "../../provisioners/ssh/session.ts";
import { text, wantsOf } from "../support/kind-contract.ts";
import { type OneMachine, oneMachine } from "../support/one-machine.ts";
import { until } from "../support/soon.ts";

let machine: OneMachine;
let shell: Session;
/** Milliseconds until a server is there again. */
const patience = 240_000;

const sshd = (content: string): Wants => {
  const file = want.file({ path: "/etc/ssh/sshd_config.d/10-team.conf", content });
  return wantsOf([file, want.service({ unit: "ssh.service", keep: true, reloadOn: [file.address], validate: "sshd -t" })]);
};
const one = (...declared: readonly Declared[]): Wants => wantsOf(declared);

/** All that a change of a way in may touch, with who may read it, and what runs. */
const state = () =>
  text(
    shell,
    `cd /etc && find ssh sudoers sudoers.d pam.d passwd shadow group gshadow nftables.conf systemd/system -printf '%p %m %u %g %l\\n' | sort
find ssh sudoers sudoers.d pam.d passwd shadow group gshadow nftables.conf -type f -exec sha256sum {} + | sort
nft list ruleset; systemctl is-active ssh nftables; systemctl is-enabled ssh nftables; find /home/${loginUser}/.ssh -printf '%p %m\\n' -type f -exec sha256sum {} +; true`,
  );

/** A run of this product is dead, or its cable cut, from the moment on at which its changes are made. */
const cutAfterwards = (): Shell & { readonly applied: Promise<void> } => {
  const { promise: applied, resolve } = Promise.withResolvers<void>();
  let dead = false;
  const run: Shell["run"] = (script, options) => (dead ? Promise.reject(new HostError("isu1", "lost", "cut")) : shell.run(script, options));
  const again = () => {
    dead = true;
    resolve();
    return Promise.reject(new HostError("isu1", "unreachable", "cut"));
  };
  return { host: "isu1", applied, run, close: async () => {}, entrance: { user: loginUser, again } };
};

describe.skipIf(process.getuid?.() !== 0)("ways in (these need root on Linux)", () => {
  beforeAll(async () => {
    machine = await oneMachine("lockout", 512);
    ({ shell } = machine);
    await text(shell, "{ apt-get -q update; apt-get -q -y install nftables; } >&2 && systemctl enable -q --now nftables");
  });

  afterAll(() => machine?.gone());

  const nft = (policy: string) =>
    `flush ruleset\ntable inet filter {\n  chain input {\n    type filter hook input priority 0; policy ${policy};\n  }\n}\n`;
  const rules = want.file({ path: "/etc/nftables.conf", content: nft("drop") });
  const shut: readonly (readonly [string, Wants])[] = [
    ["sshd lets nobody in", sshd("AllowUsers nobody\n")],
    ["sshd is masked", one(want.service({ unit: "ssh.service", enabled: false, running: false, masked: true }))],
    ["the keys are gone", one(want.absent({ path: `/home/${loginUser}/.ssh/authorized_keys` }))],
    ["the shell says no", one(want.user({ name: loginUser, shell: "/usr/sbin/nologin" }))],
    ["PAM says no", one(want.file({ path: "/etc/pam.d/sshd", content: "account required pam_deny.so\n" }))],
  ];

  test.each(shut)("%s: reverted, and said", async (name, wants) => {
    const before = await state();
    for (const again of name === "sshd lets nobody in" ? [false, true] : [false]) {
      const report = await converge(shell, "door", wants);
      expect(
        failures(report).map(({ reason }) => reason),
        String(again),
      ).toEqual([expect.stringMatching(/^reverted: after the change of /)]);
      expect(await state()).toBe(before);
    }
    await giveBack(shell);
    expect(await state()).toBe(before);
    expect(await text(shell, "ls -A /var/lib/fleet 2>/dev/null; ls -A /etc/systemd/system/sysinit.target.wants | grep fleet; true")).toBe(
      "",
    );
  });

  test("a change that leaves the way open stays, and is remembered as any other", async () => {
    const before = await state();
    expect(failures(await converge(shell, "door", sshd("MaxAuthTries 4\n")))).toEqual([]);
    expect(await text(shell, "sshd -T | grep -i maxauthtries; ls -A /var/lib/fleet")).toBe("maxauthtries 4\n.accounts\ndoor\njournal\n");
    expect(await text(shell, "systemctl list-units --all --no-legend 'fleet-revert-*'"), "nothing waits any more").toBe("");
    expect((await converge(shell, "door", sshd("MaxAuthTries 4\n"))).results.map(({ outcome }) => outcome)).toEqual([
      "unchanged",
      "unchanged",
    ]);
    expect(failures(await giveBack(shell))).toEqual([]);
    expect(await state()).toBe(before);
  });

  test("sshd that comes by its socket, and does not run: its file is checked, read, and goes back with what ran", async () => {
    const drop = "/etc/ssh/sshd_config.d/10-team.conf";
    const live = (content: string): Wants => {
      const wants = sshd(content);
      return { ...wants, ...wantsOf([want.live({ of: "sshd", file: drop, after: ["service[ssh.service]"] })]) };
    };
    const asleep = "systemctl stop ssh.service; rm -rf /run/sshd; systemctl restart ssh.socket; ! systemctl is-active -q ssh.service";
    // Stopped by what holds neither: the session that asks goes on.
    await text(shell, "systemctl stop ssh.service && systemctl start ssh.socket");
    const before = await state();
    try {
      for (const content of ["MaxAuthTries 4\n", "MaxAuthTries 3\n"]) {
        await text(shell, asleep);
        expect(failures(await converge(shell, "door", live(content)))).toEqual([]);
      }
      await text(shell, asleep);
      expect((await converge(shell, "door", live("MaxAuthTries 3\n"))).results.map(({ outcome }) => outcome)).toEqual(
        Array(3).fill("unchanged"),
      );
      await text(shell, asleep);
      expect(failures(await converge(shell, "door", sshd("MaxAuthTries four\n"))).map(({ reason }) => reason)).toEqual([
        expect.stringContaining("MaxAuthTries"),
      ]);
      await text(shell, "systemctl start ssh.service");
      expect(failures(await converge(shell, "door", sshd("AllowUsers nobody\n"))).map(({ reason }) => reason)).toEqual([
        expect.stringMatching(/^reverted: /),
      ]);
      expect(await text(shell, "systemctl is-active ssh.socket ssh.service; ls -d /run/sshd")).toBe("active\nactive\n/run/sshd\n");
      await giveBack(shell);
      await text(shell, asleep);
      expect(await state()).toBe(before);
    } finally {
      await text(shell, "systemctl stop ssh.socket ssh.service; systemctl start ssh.service");
    }
  });

  test("an undo that shuts the way is reverted too, and still remembered", async () => {
    await text(shell, "printf 'AllowUsers nobody\\n' > /etc/ssh/sshd_config.d/10-team.conf");
    const open = sshd(`AllowUsers ${loginUser}\n`);
    const { entrance: _, ...unguarded } = { host: "isu1", run: shell.run.bind(shell), close: async () => {}, entrance: undefined };
    expect(failures(await converge(unguarded, "door", open))).toEqual([]);
    const before = await state();
    expect(failures(await giveBack(shell)).map(({ reason }) => reason)).toEqual([expect.stringMatching(/^reverted: /)]);
    expect(await state()).toBe(before);
    expect((await converge(shell, "door", open)).results.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged"]);
    await giveBack(unguarded);
    await text(shell, "rm /etc/ssh/sshd_config.d/10-team.conf; systemctl reload ssh");
  });

  test("a firewall that drops all, and a run that is dead before it could ask: back within a minute", async () => {
    const before = await state();
    const service = want.service({ unit: "nftables.service", reloadOn: [rules.address] });
    const dying = cutAfterwards();
    void converge(dying, "door", one(rules, service)).catch(() => {});
    await dying.applied;
    // How long a busy computer takes is nobody's fault.
    expect(confirmTime).toBeLessThan(60);
    // The session of this test is cut off too: what it asks is answered when the way is open again.
    await machine.reopen(patience);
    ({ shell } = machine);
    await text(shell, "while [ -e /var/lib/fleet/.revert ]; do sleep 0.2; done");
    expect(await state()).toBe(before);
  });

  test("a reboot before the confirmation: back before sshd starts", async () => {
    const before = await state();
    const dying = cutAfterwards();
    void converge(dying, "door", sshd("AllowUsers nobody\n")).catch(() => {});
    await dying.applied;
    const boot = () => text(shell, "cut -d ' ' -f 22 /proc/1/stat; cat /proc/sys/kernel/random/boot_id");
    const old = await boot();
    await shell.run({ text: "systemctl reboot", masked: "" }).catch(() => {});
    // Until it goes down, sshd still opens a session of the old boot.
    const again = async () => {
      await machine.reopen(patience);
      ({ shell } = machine);
      return (await boot()) !== old;
    };
    await until(again, "isu1 to boot again");
    expect(await text(shell, "ls -A /var/lib/fleet")).not.toContain(".revert");
    expect(await state()).toBe(before);
  });

  test("a run that finds what a dead one left unconfirmed puts it back before it looks", async () => {
    const before = await state();
    const dying = cutAfterwards();
    void converge(dying, "door", sshd("MaxAuthTries 3\n")).catch(() => {});
    await dying.applied;
    // Another process than the one that armed: its shell is another one.
    await machine.reopen(patience);
    ({ shell } = machine);
    const report = await converge(shell, "door", {});
    expect(failures(report)).toEqual([]);
    expect(await state()).toBe(before);
  });
});
