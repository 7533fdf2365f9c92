// Balancers on a machine, with two backends: one is stopped under load, and no request fails.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { converge, failures, inspect } from "../../provisioners/engine/converge.ts";
import { readFacts } from "../../provisioners/engine/facts.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import { want } from "../../provisioners/resources/want.ts";
import { haproxy } from "../../provisioners/roles/haproxy/role.ts";
import { run, text, wantsOf } from "../support/kind-contract.ts";
import { type OneMachine, oneMachine } from "../support/one-machine.ts";

/** What answers on a port with its own name: haproxy itself, so that no further package is needed. */
const backend = (name: string, port: number): string => `cat > /run/${name}.cfg <<'X'
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend ${name}
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string "${name}"
X
systemctl stop ${name} 2>/dev/null; systemctl reset-failed ${name} 2>/dev/null
systemd-run --quiet --unit=${name} haproxy -db -f /run/${name}.cfg
for _ in $(seq 50); do curl -fs http://127.0.0.1:${port}/ >/dev/null && break; sleep 0.1; done`;

/** 120 requests one after the other, `halfway` run before the 40th: the answers and how often each came. */
const load = (port: number, halfway: string): string => `
for i in $(seq 120); do
  [ "$i" != 40 ] || { ${halfway}; }
  curl -s --max-time 5 -w ' %{http_code}\\n' http://127.0.0.1:${port}/ || echo failed
done | sort | uniq -c | sed 's/^ *//'`;

const countsOf = (answers: string) => [...answers.matchAll(/^(\d+) (.*)$/gm)].map(([, count, answer]) => [answer, Number(count)] as const);

describe.skipIf(process.getuid?.() !== 0)("haproxy (this needs root on Linux)", { timeout: 300_000 }, () => {
  let machine: OneMachine;
  let wants: Wants;

  const wantsWith = async (params: object): Promise<Wants> => {
    const facts = await readFacts(machine.shell);
    const self = { name: "isu1", privateAddress: "127.0.0.1", account: "isucon", roles: ["haproxy"], ports: [] };
    const team = { name: "balancers", servers: [self], members: [], endpoints: [] };
    const declared = haproxy.resources({ params: haproxy.params.parse(params), facts, shared: false, self, team });
    return wantsOf([want.package({ name: "curl" }), ...declared]);
  };
  const servers = [
    { name: "b1", host: "127.0.0.1", port: 8091 },
    { name: "b2", host: "127.0.0.1", port: 8092 },
  ];
  const params = (backends: object) => ({ frontends: [{ name: "web", port: 80, backend: "app" }], backends: { app: backends } });

  beforeAll(async () => {
    machine = await oneMachine("balancers");
    wants = await wantsWith(params({ servers, healthCheck: "/" }));
    expect(failures(await converge(machine.shell, "haproxy", wants))).toEqual([]);
    for (const [index, { name }] of servers.entries()) await text(machine.shell, backend(name, 8091 + index));
  }, 600_000);

  afterAll(() => machine?.gone(), 60_000);

  test("is converged, and both backends get requests", async () => {
    const { report } = await inspect(machine.shell, "haproxy", wants);
    expect(report.results.filter(({ outcome }) => outcome !== "unchanged")).toEqual([]);
    const answers = await text(machine.shell, load(80, ":"));
    const counts = countsOf(answers);
    expect(counts.map(([answer]) => answer)).toEqual(["b1 200", "b2 200"]);
    for (const [, count] of counts) expect(count).toBeGreaterThan(50);
  });

  test("a backend that is stopped under load fails no request, and is back when it runs again", async () => {
    const answers = await text(machine.shell, load(80, "systemctl stop b1"));
    const counts = countsOf(answers);
    expect(counts.map(([answer]) => answer)).toEqual(["b1 200", "b2 200"]);
    expect(counts.reduce((sum, [, count]) => sum + count, 0)).toBe(120);
    await text(machine.shell, `${backend("b1", 8091)}\nsleep 2`);
    expect(await text(machine.shell, load(80, ":"))).toContain("b1 200");
  });

  test("weights are live after a reload: 0 sends none", async () => {
    const weighted = [{ ...servers[0], weight: 0 }, servers[1]];
    expect(failures(await converge(machine.shell, "haproxy", await wantsWith(params({ servers: weighted, healthCheck: "/" }))))).toEqual(
      [],
    );
    expect(await text(machine.shell, load(80, ":"))).toBe("120 b2 200\n");
  });

  test("a configuration that haproxy refuses does not land, and the old one goes on", async () => {
    const broken = await wantsWith(params({ servers, healthCheck: "/" }));
    const file = "file[/etc/haproxy/haproxy.cfg]";
    const content = `${(broken[file] as unknown as { content: string }).content}\nno_such_section\n`;
    const failed = failures(await converge(machine.shell, "haproxy", { ...broken, [file]: { ...broken[file], content } } as Wants));
    expect(failed.map(({ reason }) => reason).join("\n")).toContain("no_such_section");
    const { stdout } = await run(machine.shell, "grep -c no_such_section /etc/haproxy/haproxy.cfg; curl -s http://127.0.0.1/");
    expect(stdout.toString()).toBe("0\nb2");
  });
});
