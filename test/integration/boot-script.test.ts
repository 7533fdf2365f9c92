// A server that nobody pushes to: the plan of its roles from a blank host, run there as one script, leaves nothing for a look to find.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BootRole, bootScript } from "../../provisioners/boot-script.ts";
import { inspect } from "../../provisioners/engine/converge.ts";
import type { Facts } from "../../provisioners/engine/facts.ts";
import { latesIn, resolvePlaceholders } from "../../provisioners/engine/placeholders.ts";
import { sh, withInput } from "../../provisioners/engine/shell-quote.ts";
import { expandRole, planFleet, rolesOf } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { text } from "../support/kind-contract.ts";
import { type OneMachine, oneMachine } from "../support/one-machine.ts";
import { soon } from "../support/soon.ts";

const facts: Facts = {
  ...{ distribution: "debian", version: "12", architecture: "amd64", packageManager: "apt" },
  ...{ cores: 1, memoryMiB: 1024, container: true, cloudInit: false },
};

const stackFile = `config:
  contest-fleet:fleet:
    team: t
    target: inventory
    members: [{ name: alice, keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa a"] }]
    servers:
      isu1: { roles: [redis], address: 192.0.2.1, user: isucon, password: { secure: v1:x } }
      worker: { roles: [base, nginx, redis, memcached, app], address: 192.0.2.2, user: isucon, password: { secure: v1:x } }
    params:
      # A setting that a container may make: what it may not, a look would take out of the file again.
      base: { sysctl: { overrides: { net.core.somaxconn: 4321 } } }
      app:
        services: { work: { command: [/bin/sleep, infinity], workingDirectory: /tmp, user: isucon } }
        timers: [{ name: tidy, command: [/bin/true], user: isucon, calendar: hourly }]
`;

/** The roles of a server of a pool, their marks filled in. */
function rolesToBoot(overlay: string | undefined): readonly BootRole[] {
  const { spec } = parseStack(stackFile, "stacks/Pulumi.t.yaml", choices);
  const laid = overlay === undefined ? [] : [{ path: "/etc/nginx/nginx.conf", content: overlay, mode: "0644" as const }];
  const fleet = planFleet(spec, { stack: "t", cores: 1, architecture: "amd64", overlays: { worker: laid } });
  const server = fleet.servers.find(({ name }) => name === "worker")!;
  const pooled = { ...server, view: { ...server.view, pooled: true } };
  return rolesOf(pooled).map((role) => {
    const wants = expandRole(fleet, pooled, role, facts);
    return {
      role,
      wants: resolvePlaceholders(wants, Object.fromEntries(latesIn(wants).map((name) => [name, `ssh-ed25519 AAAA ${name}`]))),
    };
  });
}

describe.skipIf(process.getuid?.() !== 0)("a blank server (these need root on Linux)", () => {
  let machine: OneMachine;
  beforeAll(async () => {
    machine = await oneMachine("boot-script");
  });
  afterAll(() => machine?.gone());

  const boot = (roles: readonly BootRole[]) => machine.shell.run(withInput(sh`cat >/root/plan && sh /root/plan`, bootScript(roles)));

  test("is right after its script, and stays so when it runs again", async () => {
    const roles = rolesToBoot(undefined);
    const { code, stdout, stderr } = await boot(roles);
    expect({ code, stderr }, stdout.toString()).toEqual({ code: 0, stderr: "" });
    expect(stdout.toString()).toContain("nginx: package[nginx]: install\n");
    const left = async () => {
      const reports = await Promise.all(roles.map(({ role, wants }) => inspect(machine.shell, role, wants)));
      return reports.flatMap(({ report }) => report.results.filter(({ outcome }) => !["unchanged", "not-applicable"].includes(outcome)));
    };
    expect(await left()).toEqual([]);
    expect((await boot(roles)).code).toBe(0);
    expect(await left()).toEqual([]);
    const units = ["nginx", "redis-server", "memcached", "work", "tidy.timer"];
    await soon(() => text(machine.shell, `systemctl is-active ${units.join(" ")}`)).toBe("active\n".repeat(units.length));
  });

  test("has nothing that could open another server", async () => {
    expect(await text(machine.shell, "ls /root/.ssh /home/isucon/.ssh; hostname")).toBe(
      "/home/isucon/.ssh:\nauthorized_keys\n\n/root/.ssh:\nauthorized_keys\nisu1\n",
    );
  });

  test("says which step failed and why, ends with 1, and keeps the service up with what it had", async () => {
    const { code, stdout } = await boot(rolesToBoot("nonsense;\n"));
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(
      /unknown directive "nonsense"[\s\S]*rolled back: \/etc\/nginx\/nginx\.conf\n[\s\S]*failed with exit code 1\n$/,
    );
    await soon(() => text(machine.shell, "systemctl is-active nginx.service")).toBe("active\n");
  });
});
