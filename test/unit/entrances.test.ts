// What stands in front of the team's servers: whom varnish asks, and in which order keepalived's servers have the address.
import { describe, expect, test } from "vitest";
import { expandRole, planFleet } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { blankFacts } from "../support/facts.ts";

function plan(servers: readonly string[], params: string) {
  const lines = servers.map((server) => `      ${server}`).join("\n");
  const text = `config:\n  contest-fleet:fleet:\n    team: t\n    target: practice\n    params: ${params}\n    servers:\n${lines}\n`;
  const { spec } = parseStack(text, "stacks/Pulumi.t.yaml", choices);
  return planFleet(spec, { stack: "t", cores: 1, architecture: "amd64", overlays: {} });
}

function fileOf(of: ReturnType<typeof plan>, server: number, role: string, path: string): string {
  const wants = expandRole(of, of.servers[server]!, role, blankFacts);
  return (wants[`file[${path}]`] as unknown as { content: string }).content;
}
const vclOf = (of: ReturnType<typeof plan>, server = 0) => fileOf(of, server, "varnish", "/etc/varnish/default.vcl");
const hosts = (vcl: string) =>
  [...vcl.matchAll(/backend at_(\w+) \{\n {4}\.host = "(.*)";\n {4}\.port = "(.*)";/g)].map((found) => found.slice(1));

describe("varnish stands in front of", () => {
  test("one server's endpoint, which is done before it", () => {
    const of = plan(["isu1: { roles: [varnish] }", "isu2: { roles: [app] }"], "{ app: { ports: [8080] }, varnish: { server: isu2 } }");
    expect(hosts(vclOf(of))).toEqual([["isu2", of.servers[1]!.view.privateAddress, "8080"]]);
    expect(of.order.map(({ server, role }) => `${server} ${role}`)).toEqual(["isu2 app", "isu1 varnish"]);
    expect(of.order[1]?.needs).toEqual(["isu2 app"]);
  });

  test("every server that has a role, itself by its loopback, and never another varnish", () => {
    const both = ["isu1: { roles: [app, varnish] }", "isu2: { roles: [app, varnish] }"];
    const of = plan(both, "{ app: { ports: [8080, 8081] }, varnish: { role: app } }");
    expect(hosts(vclOf(of, 1))).toEqual([
      ["isu1", of.servers[0]!.view.privateAddress, "8080"],
      ["isu2", "127.0.0.1", "8080"],
    ]);
  });

  test.each([
    [
      "a server that provides none",
      "{ varnish: { server: isu2 } }",
      "varnish.server: expected one server, `isu2`, that provides `http`, got none",
    ],
    [
      "a server that provides several",
      "{ app: { ports: [8080, 8081] }, varnish: { server: isu2 } }",
      "expected one server, `isu2`, that provides `http`, got `isu2` and `isu2`",
    ],
  ])("one that there is: not %s", (_what, params, reason) =>
    expect(() => plan(["isu1: { roles: [varnish] }", "isu2: { roles: [app] }"], params)).toThrow(reason),
  );

  test("somebody: nobody is the user's mistake", () => {
    const of = plan(["isu1: { roles: [varnish] }"], "{}");
    expect(() => vclOf(of)).toThrow("isu1: varnish: expected a server to stand in front of, got none");
  });
});

test("a rule's path is text, not a pattern, and the first that fits counts", () => {
  const rules = "[{ path: /a.b(c), ttl: 5 }, { path: /, ttl: 0 }]";
  const vcl = vclOf(
    plan(["isu1: { roles: [varnish] }"], `{ varnish: { servers: [{ name: x, host: 10.0.0.9, port: 80 }], rules: ${rules} } }`),
  );
  expect(vcl).toContain('if (bereq.url ~ "^/a\\.b\\(c\\)") {\n            set beresp.ttl = 5s;');
  expect(vcl).toContain('} else if (req.url ~ "^/") {\n        return (pass);');
});

test("keepalived's servers have the address in the order of the stack file, each told of the others alone", () => {
  const servers = ["isu1: { roles: [keepalived] }", "isu2: { roles: [base] }", "isu3: { roles: [keepalived] }"];
  const of = plan(servers, "{ keepalived: { addresses: [10.0.0.100] } }");
  const [first, third] = [0, 2].map((at) => fileOf(of, at, "keepalived", "/etc/keepalived/keepalived.conf"));
  const address = (at: number) => of.servers[at]!.view.privateAddress;
  expect(first).toContain(
    `priority 200\n    advert_int 1\n    unicast_src_ip ${address(0)}\n    unicast_peer {\n        ${address(2)}\n    }`,
  );
  expect(third).toContain(
    `priority 190\n    advert_int 1\n    unicast_src_ip ${address(2)}\n    unicast_peer {\n        ${address(0)}\n    }`,
  );
});

test("keepalived without an address has nothing to do: it is there, and off", () => {
  const of = plan(["isu1: { roles: [keepalived] }"], "{}");
  const wants = expandRole(of, of.servers[0]!, "keepalived", blankFacts);
  expect(wants["service[keepalived.service]"]).toMatchObject({ enabled: false, running: false });
});
