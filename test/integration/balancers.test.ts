// Balancers, a cache and a virtual address on a machine, with two backends: one is stopped under load, and no request fails.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { converge, failures, inspect } from "../../provisioners/engine/converge.ts";
import { readFacts } from "../../provisioners/engine/facts.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import type { Shell } from "../../provisioners/engine/shell.ts";
import { want } from "../../provisioners/resources/want.ts";
import { haproxy } from "../../provisioners/roles/haproxy/role.ts";
import { keepalived } from "../../provisioners/roles/keepalived/role.ts";
import type { Role } from "../../provisioners/roles/role.ts";
import { varnish } from "../../provisioners/roles/varnish/role.ts";
import { run, text, wantsOf } from "../support/kind-contract.ts";
import { type OneMachine, oneMachine } from "../support/one-machine.ts";
import { soon } from "../support/soon.ts";

/** What answers on a port with its own name: haproxy itself, so that no further package is needed. */
const backend = (name: string, port: number): string => `cat > /run/${name}.cfg <<'X'
defaults
  mode http
  timeout connect 30s
  timeout client 30s
  timeout server 30s
frontend ${name}
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/html string "<p>of <esi:include src='/part'/></p>" if { path /page }
  http-request return status 200 content-type text/html hdr Cache-Control no-store string "${name}" if { path_beg /kept/ }
  http-request return status 200 content-type text/plain string "${name}"
X
systemctl stop ${name} 2>/dev/null; systemctl reset-failed ${name} 2>/dev/null
systemd-run --quiet --unit=${name} haproxy -db -f /run/${name}.cfg
for _ in $(seq 600); do curl -fs http://127.0.0.1:${port}/ >/dev/null && break; sleep 0.1; done`;

/** Listens on 127.0.0.1:8091 and 8092. */
const servers = [
  { name: "b1", host: "127.0.0.1", port: 8091 },
  { name: "b2", host: "127.0.0.1", port: 8092 },
];

/** Until each of them has answered there, and so counts again after its health checks. */
const counted = (port: number, ...names: readonly string[]): string =>
  names.map((name) => `for _ in $(seq 600); do [ "$(curl -s http://127.0.0.1:${port}/)" = ${name} ] && break; sleep 0.1; done`).join("\n");

/** 120 requests one after the other, `halfway` run before the 40th: the answers and how often each came. */
const load = (port: number, halfway: string): string => `
for i in $(seq 120); do
  [ "$i" != 40 ] || { ${halfway}; }
  curl -s --max-time 60 -w ' %{http_code}\\n' http://127.0.0.1:${port}/ || echo failed
done | sort | uniq -c | sed 's/^ *//'`;

/** Of a server of its own, or of the first of a team. */
async function wantsFor<Params>(
  shell: Shell,
  role: Role<Params>,
  params: object,
  addresses: readonly string[] = ["127.0.0.1"],
): Promise<Wants> {
  const facts = await readFacts(shell);
  const team = addresses.map((privateAddress, at) => ({
    ...{ name: `isu${at + 1}`, privateAddress, account: "isucon", roles: [role.name], ports: [] },
  }));
  const self = team[0]!;
  const view = { name: "balancers", servers: team, members: [], endpoints: [] };
  const declared = role.resources({ params: role.params.parse(params), facts, shared: true, self, team: view });
  return wantsOf([want.package({ name: "curl" }), ...declared]);
}

const countsOf = (answers: string) => [...answers.matchAll(/^(\d+) (.*)$/gm)].map(([, count, answer]) => [answer, Number(count)] as const);

let machine: OneMachine;
const unchanged = async (role: string, wants: Wants) => {
  const { report } = await inspect(machine.shell, role, wants);
  expect(report.results.filter(({ outcome }) => outcome !== "unchanged")).toEqual([]);
};
const applied = async (role: string, wants: Wants) => expect(failures(await converge(machine.shell, role, wants))).toEqual([]);

beforeAll(async () => {
  if (process.getuid?.() === 0) machine = await oneMachine("balancers");
});

afterAll(() => machine?.gone());

describe.skipIf(process.getuid?.() !== 0)("haproxy (this needs root on Linux)", () => {
  let wants: Wants;
  const wantsWith = (params: object) => wantsFor(machine.shell, haproxy, params);
  const params = (backends: object) => ({ frontends: [{ name: "web", port: 80, backend: "app" }], backends: { app: backends } });

  beforeAll(async () => {
    wants = await wantsWith(params({ servers, healthCheck: "/" }));
    await applied("haproxy", wants);
    for (const [index, { name }] of servers.entries()) await text(machine.shell, backend(name, 8091 + index));
    await text(machine.shell, counted(80, "b1", "b2"));
  });

  test("is converged, and both backends get requests", async () => {
    await unchanged("haproxy", wants);
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
    await text(machine.shell, `${backend("b1", 8091)}\n${counted(80, "b1")}`);
    expect(await text(machine.shell, load(80, ":"))).toContain("b1 200");
  });

  test("weights are live after a reload: 0 sends none", async () => {
    const weighted = [{ ...servers[0], weight: 0 }, servers[1]];
    await applied("haproxy", await wantsWith(params({ servers: weighted, healthCheck: "/" })));
    await soon(() => text(machine.shell, load(80, ":"))).toBe("120 b2 200\n");
  });

  test("a configuration that haproxy refuses does not land, and the old one goes on", async () => {
    const broken = await wantsWith(params({ servers, healthCheck: "/" }));
    const file = "file[/etc/haproxy/haproxy.cfg]";
    const content = `${(broken[file] as unknown as { content: string }).content}\nno_such_section\n`;
    const failed = failures(await converge(machine.shell, "haproxy", { ...broken, [file]: { ...broken[file], content } } as Wants));
    expect(failed.map(({ reason }) => reason).join("\n")).toContain("no_such_section");
    const ask = "grep -c no_such_section /etc/haproxy/haproxy.cfg; curl -s http://127.0.0.1/";
    await soon(async () => (await run(machine.shell, ask)).stdout.toString()).toBe("0\nb2");
  });
});

describe.skipIf(process.getuid?.() !== 0)("varnish (this needs root on Linux)", () => {
  const params = {
    servers,
    healthCheck: "/",
    grace: 60,
    rules: [
      { path: "/kept/", ttl: 60 },
      { path: "/brief/", ttl: 1 },
    ],
    esi: ["/page"],
  };
  let wants: Wants;
  const get = (path: string, more = "") =>
    `curl -s --max-time 60 ${more} -w ' %header{x-cache} %{http_code}\\n' http://127.0.0.1:6081${path}`;
  const asked = (script: string) => text(machine.shell, script);

  beforeAll(async () => {
    wants = await wantsFor(machine.shell, varnish, params);
    await applied("varnish", wants);
  });

  test("is converged on the port that the drop-in says, with the memory that it may have", async () => {
    await unchanged("varnish", wants);
    expect(await asked("tr '\\0' ' ' < /proc/$(systemctl show -p MainPID --value varnish)/cmdline")).toMatch(/ -a :6081 .* -s malloc,\d+M/);
    expect(await asked("ss -Hltn 'sport = :6081' | wc -l; systemctl is-active varnishncsa || :")).toBe("2\ninactive\n");
  });

  test("a backend that is stopped under load fails no request, and is back when it runs again", async () => {
    await asked(counted(6081, "b1", "b2"));
    const counts = countsOf(await asked(load(6081, "systemctl stop b1")));
    expect(counts.map(([answer]) => answer)).toEqual(["b1 200", "b2 200"]);
    expect(counts.reduce((sum, [, count]) => sum + count, 0)).toBe(120);
    await asked(`${backend("b1", 8091)}\n${counted(6081, "b1")}`);
    expect(await asked(load(6081, ":"))).toContain("b1 200");
  });

  test("a page is put together from its parts", async () => {
    expect(await asked(get("/page"))).toMatch(/^<p>of b[12]<\/p> MISS 200\n$/);
  });

  test("what a rule keeps is answered from the cache, whatever the headers say, over a reload, and with no backend at all", async () => {
    expect(await asked(`${get("/kept/1")}; ${get("/kept/1")}`)).toMatch(/^(b[12]) MISS 200\n\1 HIT 200\n$/);
    expect(await asked(`${get("/other")}; ${get("/other")}`)).toMatch(/ MISS 200\n.* MISS 200\n$/);
    const started = await asked("systemctl show -p MainPID --value varnish");
    await applied("varnish", await wantsFor(machine.shell, varnish, { ...params, grace: 50 }));
    expect(await asked("systemctl show -p MainPID --value varnish; varnishadm vcl.list | grep -c reload_")).toBe(`${started}1\n`);
    expect(await asked(get("/kept/1"))).toMatch(/^b[12] HIT 200\n$/);
    const without = await asked(`${get("/brief/")}; systemctl stop b1 b2; sleep 6; ${get("/brief/")}; ${get("/other")} | tail -n 1`);
    expect(without).toMatch(/^(b[12]) MISS 200\n\1 HIT 200\n/);
    expect(without).toMatch(/503\n$/);
    await asked(`${backend("b1", 8091)}\n${backend("b2", 8092)}\n${counted(6081, "b1", "b2")}`);
  });

  test("a ban from the team's servers drops what fits; what came through a proxy may not ban", async () => {
    const ban = (more: string) => `curl -s -o /dev/null -w '%{http_code}\\n' -X BAN ${more} http://127.0.0.1:6081/kept/5`;
    const kept = `${get("/kept/5")} -o /dev/null`;
    expect(await asked(`${kept}; ${ban("-H 'X-Forwarded-For: 192.0.2.1'")}; ${kept}`)).toBe(" MISS 200\n403\n HIT 200\n");
    expect(await asked(`${ban("-H 'X-Ban: ^/elsewhere'")}; ${kept}; ${ban("-H 'X-Ban: ^/kept/'")}; ${kept}`)).toBe(
      "200\n HIT 200\n200\n MISS 200\n",
    );
    expect(await asked(`${ban("")}; ${kept}; ${ban("-H 'X-Ban: ('")}; ${kept}`)).toBe("200\n MISS 200\n400\n HIT 200\n");
  });

  test("a configuration that varnish refuses does not land, and the old one goes on", async () => {
    const file = "file[/etc/varnish/default.vcl]";
    const content = `${(wants[file] as unknown as { content: string }).content}\nno_such_word\n`;
    const failed = failures(await converge(machine.shell, "varnish", { ...wants, [file]: { ...wants[file], content } } as Wants));
    expect(failed.map(({ reason }) => reason).join("\n")).toContain("no_such_word");
    const { stdout } = await run(machine.shell, `grep -c no_such_word /etc/varnish/default.vcl; ${get("/")}`);
    expect(stdout.toString()).toMatch(/^0\nb[12] MISS 200\n$/);
  });
});

describe.skipIf(process.getuid?.() !== 0)("keepalived (this needs root on Linux)", () => {
  const [own, other, virtual] = ["10.251.0.1", "10.251.0.2", "10.251.0.100"];
  const params = (more: object = {}) => ({ addresses: [virtual], interface: "vrrp0", password: "b#$!\\1 x", ...more });
  let wants: Wants;
  /** Who has the address: the machine, or the second server, which is a network namespace of it. */
  const holders = `{ ip -br address show vrrp0 | grep -q ${virtual}/ && echo machine; ip -n peer -br address show vrrp0 | grep -q ${virtual}/ && echo peer; }`;
  const until = (who: string) =>
    `for _ in $(seq 900); do seen=$(${holders} || :); [ "$seen" = ${who} ] && break; sleep 0.1; done; echo "$seen"`;

  beforeAll(async () => {
    await text(
      machine.shell,
      `set -e
ip netns add peer
ip link add vrrp0 type veth peer name vrrp0 netns peer
ip address add ${own}/24 dev vrrp0
ip -n peer address add ${other}/24 dev vrrp0
ip link set vrrp0 up
ip -n peer link set vrrp0 up
ip -n peer link set lo up`,
    );
    wants = await wantsFor(machine.shell, keepalived, params(), [own, other]);
    await applied("keepalived", wants);
    const peer = (await secondOf(params()))["file[/etc/keepalived/keepalived.conf]"] as unknown as { content: string };
    await text(
      machine.shell,
      `cat > /run/peer.conf <<'X'
${peer.content}X
systemd-run --quiet --unit=peer -p NetworkNamespacePath=/run/netns/peer keepalived -n -f /run/peer.conf -p /run/peer.pid -r /run/peer-vrrp.pid`,
    );
  });

  /** What the role makes of the team's second server. */
  async function secondOf(settings: object): Promise<Wants> {
    const facts = await readFacts(machine.shell);
    const server = (name: string, privateAddress: string) => ({
      name,
      privateAddress,
      account: "isucon",
      roles: ["keepalived"],
      ports: [],
    });
    const team = [server("isu1", own), server("isu2", other)];
    const view = { name: "balancers", servers: team, members: [], endpoints: [] };
    return wantsOf(keepalived.resources({ params: keepalived.params.parse(settings), facts, shared: false, self: team[1]!, team: view }));
  }

  test("is converged, and the first server has the address", async () => {
    await unchanged("keepalived", wants);
    expect(await text(machine.shell, until("machine"))).toBe("machine\n");
  });

  test("where the first is stopped, or its health check fails, the second takes the address; the first gets it back", async () => {
    expect(await text(machine.shell, `systemctl stop keepalived; ${until("peer")}`)).toBe("peer\n");
    expect(await text(machine.shell, `systemctl start keepalived; ${until("machine")}`)).toBe("machine\n");
    await text(machine.shell, "install -m 644 /dev/null /run/well");
    await applied(
      "keepalived",
      await wantsFor(machine.shell, keepalived, params({ healthCheck: ["/usr/bin/test", "-e", "/run/well"] }), [own, other]),
    );
    expect(await text(machine.shell, until("machine"))).toBe("machine\n");
    expect(await text(machine.shell, `rm /run/well; ${until("peer")}`)).toBe("peer\n");
    expect(await text(machine.shell, `touch /run/well; ${until("machine")}`)).toBe("machine\n");
  });

  test("a configuration that keepalived refuses does not land, and the old one goes on: a password that the protocol would cut, a check that is not there", async () => {
    const failed = failures(
      await converge(
        machine.shell,
        "keepalived",
        await wantsFor(machine.shell, keepalived, params({ password: "lo#n!ger than eight" }), [own, other]),
      ),
    );
    const said = failed.map(({ reason }) => reason).join("\n");
    expect(said).toContain("Truncating auth_pass");
    expect(said).not.toContain("ger than eight");
    const missing = await wantsFor(machine.shell, keepalived, params({ healthCheck: ["/usr/bin/nothing"] }), [own, other]);
    expect(failures(await converge(machine.shell, "keepalived", missing))[0]?.reason).toContain("script health since not found");
    expect(await text(machine.shell, until("machine"))).toBe("machine\n");
  });
});
