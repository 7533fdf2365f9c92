// Every preset and switch of every role, applied on a machine: services run, and each setting is asked for where it counts.
// All roles share one machine, and each apply turns all switches at once; which there are is read from the schemas (test/support/switches.ts).
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { converge, failures, inspect } from "../../provisioners/engine/converge.ts";
import { type Facts, readFacts } from "../../provisioners/engine/facts.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import { mysql } from "../../provisioners/roles/mysql/role.ts";
import type { Role } from "../../provisioners/roles/role.ts";
import { roles } from "../../provisioners/roles/roles.ts";
import type { Session } from "../../provisioners/ssh/session.ts";
import { run, text } from "../support/kind-contract.ts";
import { type OneMachine, oneMachine } from "../support/one-machine.ts";
import { wantsFor as wantsOn } from "../support/role-wants.ts";
import { soon } from "../support/soon.ts";
import { type SwitchCase, switchCase } from "../support/switch-cases.ts";
import { taken, variants } from "../support/switches.ts";

const cases = roles.flatMap((role) => {
  const found = switchCase(role.name);
  return found ? [{ role, found, all: variants(role.params, found.params) }] : [];
});
const applies = Array.from({ length: Math.max(...cases.map(({ all }) => all.length)) }, (_, index) => index);

const names = cases.map(({ role: { name } }) => name);
const wantsFor = (role: Pick<Role, "params" | "resources">, params: unknown, facts: Facts): Wants => wantsOn(role, params, facts, names);

/** What is not so, a line each: shell text that failed, services that do not run. */
async function wrongIn(shell: Session, { found, role }: { found: SwitchCase; role: Role<unknown> }, params: unknown): Promise<string[]> {
  const asked = taken(role.params, params).flatMap((setting) => (found.live[setting] ? [[setting, found.live[setting]] as const] : []));
  const wrong: string[] = [];
  for (const [setting, script] of asked) {
    // A service may still be at its reload, a log at its buffer.
    const { code, stderr } = await run(
      shell,
      `for fleet_try in 1 2 3 4 5 6; do\n(set -e\n${script}\n)\n[ $? != 0 ] || exit 0\nsleep "$fleet_try"\ndone\nexit 1`,
    );
    if (code !== 0) wrong.push(`${role.name}: ${setting} is not live: ${script}\n${stderr}`);
  }
  const { stdout } = await run(shell, `for each in ${found.units.join(" ")}; do systemctl is-active -q $each || echo $each; done`);
  return [
    ...wrong,
    ...stdout
      .toString()
      .split("\n")
      .filter(Boolean)
      .map((unit) => `${unit} does not run`),
  ];
}

describe.skipIf(process.getuid?.() !== 0)("the switches of all roles (these need root on Linux)", () => {
  let machine: OneMachine;
  let facts: Facts;

  beforeAll(async () => {
    machine = await oneMachine("switches", 1536);
    facts = await readFacts(machine.shell);
  });

  afterAll(() => machine?.gone());

  test.each(applies)("apply %i: all of them turned, the services run, each setting is live, and nothing is left to do", async (index) => {
    const wrong: string[] = [];
    for (const { role, found, all } of cases) {
      const params = all[index % all.length];
      const wants = wantsFor(role, params, facts);
      if (index === 0 && found.before) await text(machine.shell, `set -e\n${found.before}`);
      expect(failures(await converge(machine.shell, role.name, wants)), role.name).toEqual([]);
      const { report } = await inspect(machine.shell, role.name, wants);
      const left = report.results.filter(({ outcome }) => !["unchanged", "not-applicable"].includes(outcome));
      expect(left, `${role.name}: a second apply changes nothing`).toEqual([]);
      // What one role switches off must not come from another's change: asked role by role.
      wrong.push(...(await wrongIn(machine.shell, { role, found }, params)));
    }
    expect(wrong).toEqual([]);
  });

  test("what somebody set live, and what a service has not read since it was changed, is named; the next apply puts it right", async () => {
    const drifts = {
      redis: ["redis-cli CONFIG SET maxmemory-policy volatile-random", "maxmemory-policy is `volatile-random` live, `"],
      nginx: ["touch /etc/nginx/nginx.conf", "/etc/nginx/nginx.conf was changed after nginx read it"],
      "php-fpm": ["touch /etc/php/8.2/fpm/conf.d/zz-fleet.ini", "zz-fleet.ini was changed after php-fpm read it"],
    } as const;
    const all = Object.entries(drifts).map(([name, [drift, said]]) => {
      const { role, found } = cases.find((each) => each.role.name === name)!;
      return { name, drift, said, wants: wantsFor(role, found.params, facts) };
    });
    const left = async ({ name, wants }: (typeof all)[number]) =>
      (await inspect(machine.shell, name, wants)).report.results.filter(({ outcome }) => outcome === "pending");
    for (const { name, wants } of all) expect(failures(await converge(machine.shell, name, wants)), name).toEqual([]);
    // Processes tell their age in seconds.
    await text(machine.shell, `sleep 4; ${all.map(({ drift }) => drift).join("; ")}`);
    for (const each of all) {
      expect(await left(each), each.name).toMatchObject([{ changes: [expect.stringContaining(each.said)] }]);
      expect(failures(await converge(machine.shell, each.name, each.wants)), each.name).toEqual([]);
      expect(await left(each), each.name).toEqual([]);
    }
  });
});

describe.skipIf(process.getuid?.() !== 0)("mysql on Debian 13 (this needs root on Linux)", () => {
  let machine: OneMachine;

  beforeAll(async () => {
    machine = await oneMachine("switches-trixie", 1024, "trixie");
  });

  afterAll(() => machine?.gone());

  test("serverfest starts, with one character set and its own collation, and the slow log is written", async () => {
    const { shell } = machine;
    const wants = wantsFor(mysql, { preset: "serverfest", slowLog: { enabled: true } }, await readFacts(shell));
    expect(failures(await converge(shell, "mysql", wants))).toEqual([]);
    const seen = await text(shell, "mariadb -N -e \"SELECT 'canary', @@character_set_server, @@collation_server\"");
    expect(seen).toBe("canary\tutf8mb3\tutf8mb3_general_ci\n");
    await soon(() => text(shell, "grep -c canary /var/log/mysql/mysql-slow.log")).toBe("1\n");
  });
});
