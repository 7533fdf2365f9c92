// Roles on a server with dnf: Debian's own dnf and rpm, over packages that are called and laid out as Amazon Linux's are.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { converge, inspect } from "../../provisioners/engine/converge.ts";
import { type Facts, readFacts } from "../../provisioners/engine/facts.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import { latesIn, resolvePlaceholders } from "../../provisioners/engine/placeholders.ts";
import { sh, withInput } from "../../provisioners/engine/shell-quote.ts";
import { expandRole, planFleet, rolesOf } from "../../provisioners/expand.ts";
import { want } from "../../provisioners/resources/want.ts";
import type { Session } from "../../provisioners/ssh/session.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { keepsContract, text, wantsOf } from "../support/kind-contract.ts";
import { type OneMachine, oneMachine } from "../support/one-machine.ts";
import { soon } from "../support/soon.ts";

const stackFile = `
config:
  contest-fleet:fleet:
    team: amazon
    target: { kind: practice }
    servers:
      isu1:
        roles: [base, nginx, memcached, app]
    params:
      base:
        cron: { tidy: { jobs: [{ schedule: "@daily", user: root, run: "true" }] } }
        sysctl: { overrides: { net.core.somaxconn: 4321 } }
      nginx:
        sites: [{ name: front, listen: [8080], routes: [{ kind: static, path: /, root: /srv/front }] }]
        certificates: { front: { names: [front.example] } }
      memcached: { memory: 96 }
      app:
        packages: [tool-x]
        services: { work: { command: [/bin/sleep, infinity], workingDirectory: /tmp, user: isucon } }
`;

function rolesWith(facts: Facts): readonly (readonly [string, Wants])[] {
  const { spec } = parseStack(stackFile, "stacks/Pulumi.t.yaml", choices);
  const fleet = planFleet(spec, { stack: "t", cores: 1, architecture: "amd64", overlays: {} });
  const [server] = fleet.servers;
  return rolesOf(server!).map((role) => {
    const wants = expandRole(fleet, server!, role, facts);
    const values = Object.fromEntries(latesIn(wants).map((name) => [name, `ssh-ed25519 AAAA ${name}`]));
    return [role, resolvePlaceholders(wants, values)] as const;
  });
}

const makeScript = readFileSync(new URL("../support/amazon/make.sh", import.meta.url), "utf8");
/** Debian's programs, whose files the packages of the repository take. */
const preinstalled = ["createrepo-c", "dnf", "memcached", "nginx", "openssl", "rpm"];

describe.skipIf(process.getuid?.() !== 0)("a server with dnf (these need root on Linux)", () => {
  let machine: OneMachine;
  let shell: Session;
  beforeAll(async () => {
    machine = await oneMachine("dnf", 1024, "bookworm", preinstalled);
    ({ shell } = machine);
    const { code, stdout, stderr } = await shell.run(withInput(sh`cat >/root/make && sh /root/make`, makeScript));
    expect({ code, said: code === 0 ? "" : `${stdout}${stderr}` }).toEqual({ code: 0, said: "" });
  });
  afterAll(() => machine?.gone());

  test("a package comes in its version, with what it needs and no more, heals, and takes what came along with it", () =>
    keepsContract(shell, {
      role: "package",
      before: "echo theirs > /etc/tool-x.conf",
      declared: [
        want.package({ manager: "dnf", name: "tool-x", version: "1.0-1.amzn2023.0.1" }),
        want.package({ manager: "dnf", name: "cronie" }),
      ],
      right:
        '[ "$(rpm -q --qf "%{VERSION} " tool-x libtool-x cronie curl-minimal)" = "1.0 1.0 1.5.7 8.5.0 " ]; ! rpm -q weak-x > /dev/null; [ "$(cat /etc/tool-x.conf)" = theirs ]',
      drifts: {
        "another version": "dnf -q -y install tool-x-2.0 > /dev/null",
        "a package that is gone": "dnf -q -y remove --noautoremove cronie > /dev/null",
      },
    }));

  test("what can't be had is told by its own step in dnf's words, and stops nothing else", async () => {
    const wants = wantsOf(["tool-x", "cronie", "curl", "zz-no-such-thing"].map((name) => want.package({ manager: "dnf", name })));
    const { results } = await converge(shell, "some", wants).catch((error) => error.report);
    expect(results.map(({ address, outcome }: (typeof results)[number]) => [address, outcome])).toEqual([
      ["package[cronie]", "changed"],
      // curl-minimal provides it.
      ["package[curl]", "unchanged"],
      ["package[tool-x]", "changed"],
      ["package[zz-no-such-thing]", "failed"],
    ]);
    expect(JSON.stringify(results)).toContain("Unable to find a match: zz-no-such-thing");
    await converge(shell, "some", {});
    expect(await text(shell, "rpm -qa --qf '%{NAME}\\n' | sort")).toBe("curl-minimal\nfilesystem\n");
  });

  test("roles make it what they say, by its own names and places, and leave it as it was", async () => {
    const facts = await readFacts(shell);
    expect(facts).toMatchObject({ distribution: "amzn", version: "2023", packageManager: "dnf" });
    const roles = rolesWith(facts);
    for (const [role, wants] of roles) {
      const { results } = await converge(shell, role, wants);
      expect(
        results.filter(({ outcome }) => !["changed", "unchanged", "not-applicable"].includes(outcome)),
        role,
      ).toEqual([]);
    }
    for (const [role, wants] of roles) {
      const { report } = await inspect(shell, role, wants);
      expect(
        report.results.filter(({ outcome }) => !["unchanged", "not-applicable"].includes(outcome)),
        role,
      ).toEqual([]);
    }
    const units = ["nginx", "memcached", "crond", "work"];
    await soon(() => text(shell, `systemctl is-active ${units.join(" ")}`)).toBe("active\n".repeat(units.length));
    await text(shell, "mkdir -p /srv/front; echo hello > /srv/front/index.html");
    const served = `exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
    expect(await text(shell, `bash -c ${JSON.stringify(served)}; tr '\\0' ' ' < /proc/$(pidof memcached)/cmdline`)).toMatch(
      /hello\n.*-p 11211 -u memcached -m 96 /s,
    );
    expect(await text(shell, "ps -o user= -C nginx | sort -u; stat -c %G /etc/nginx/tls; ls /etc/nginx")).toBe(
      "nginx\nroot\nnginx\nconf.d\nmime.types\nnginx.conf\ntls\n",
    );
    for (const [role] of roles.toReversed()) await converge(shell, role, {});
    expect(
      await text(
        shell,
        "rpm -qa --qf '%{NAME}\\n' | sort; find /etc/nginx /etc/sysconfig/memcached /etc/systemd/system/nginx.service.d 2>/dev/null || :",
      ),
    ).toBe("curl-minimal\nfilesystem\n");
  });
});
