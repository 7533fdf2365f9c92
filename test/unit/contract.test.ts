// What roles say of themselves, put together: ports, endpoints, needs, memory, the user, the order over servers.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { expandRole, planFleet } from "../../provisioners/expand.ts";
import { contractProblems, endpointsOf, sharesMemory } from "../../provisioners/roles/contract.ts";
import { endpointOf, type Need, type Role } from "../../provisioners/roles/role.ts";
import { roles, territoryOf, withRoles } from "../../provisioners/roles/roles.ts";
import { sequenceOf } from "../../provisioners/sequence.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import type { ServerSpec } from "../../spec/spec.ts";
import { blankFacts } from "../support/facts.ts";

function plan(servers: readonly string[], params = "{}") {
  const text = `config:
  contest-fleet:fleet:
    team: t
    target: practice
    params: ${params}
    servers:
${servers.map((server) => `      ${server}`).join("\n")}
`;
  const { spec } = parseStack(text, "stacks/Pulumi.t.yaml", choices);
  return planFleet(spec, { stack: "t", cores: 1, architecture: "amd64", overlays: {} });
}

const wordpressOf = (of: ReturnType<typeof plan>, server = 0) =>
  (
    expandRole(of, of.servers[server]!, "wordpress", blankFacts)["file[/etc/wordpress/config-default.php]"] as unknown as {
      content: string;
    }
  ).content;

describe("ports", () => {
  test("that two roles of one server take are a problem, with both places", () => {
    expect(() => plan(["isu1: { roles: [mysql, redis], params: { redis: { port: 3306 } } }"])).toThrow(
      "stacks/Pulumi.t.yaml servers.isu1.params.redis.port: expected a port of its own on `isu1`, got 3306, which `servers.isu1.params.mysql.port` has; change one of them",
    );
    expect(() =>
      plan([
        "isu1: { roles: [nginx, app], params: { app: { ports: [80] }, nginx: { sites: [{ name: a, root: /srv, routes: [{ kind: front, path: / }], listen: [81, 80] }] } } }",
      ]),
    ).toThrow(
      "servers.isu1.params.app.ports[0]: expected a port of its own on `isu1`, got 80, which `servers.isu1.params.nginx.sites[0].listen[1]` has",
    );
  });

  test("are one role's own to share, and one server's", () => {
    expect(plan(["isu1: { roles: [mysql] }", "isu2: { roles: [redis], params: { redis: { port: 3306 } } }"]).servers).toHaveLength(2);
    expect(
      plan([
        "isu1: { roles: [nginx], params: { nginx: { sites: [{ name: a, root: /srv, routes: [{ kind: front, path: / }] }, { name: b, root: /srv, routes: [{ kind: front, path: / }] }] } } }",
      ]).servers,
    ).toHaveLength(1);
  });
});

describe("what a role needs", () => {
  test("is the one server that provides it, at the port that it has there", () => {
    const of = plan(["isu1: { roles: [wordpress] }", "isu2: { roles: [mysql], params: { mysql: { port: 3307 } } }"]);
    expect(endpointOf(of.team, { protocol: "mysql" })).toEqual({ server: "isu2", role: "mysql", protocol: "mysql", port: 3307 });
    expect(wordpressOf(of)).toMatch(/'DB_HOST', 'isu2:3307'/);
  });

  test.each([
    [
      "nobody provides it",
      ["isu1: { roles: [wordpress] }"],
      "{}",
      "servers.isu1.params.wordpress.database.server: expected one server that provides `mysql`, got none; give it the role that does",
    ],
    [
      "two do",
      ["isu1: { roles: [wordpress] }", "isu2: { roles: [mysql] }", "isu3: { roles: [mysql] }"],
      "{}",
      "expected one server that provides `mysql`, got `isu2` and `isu3`; name one here",
    ],
    [
      "the one that is named does not",
      ["isu1: { roles: [wordpress] }", "isu2: { roles: [mysql] }"],
      "{ wordpress: { database: { server: isu1 } } }",
      "expected one server, `isu1`, that provides `mysql`, got none",
    ],
  ])("is a problem where %s", (_what, servers, params, reason) => expect(() => plan(servers, params)).toThrow(reason));

  test("may be said whole instead", () => {
    const of = plan(
      ["isu1: { roles: [wordpress] }", "isu2: { roles: [base] }"],
      "{ wordpress: { database: { server: isu2, port: 4000 } } }",
    );
    expect(wordpressOf(of)).toMatch(/'DB_HOST', 'isu2:4000'/);
  });

  test("is done before it, on whichever server; what others do meanwhile does not wait", () => {
    const of = plan(["isu1: { roles: [base, wordpress, redis] }", "isu2: { roles: [base, mysql] }"]);
    expect(of.order).toEqual([
      { server: "isu1", role: "base", needs: [] },
      { server: "isu2", role: "base", needs: [] },
      { server: "isu2", role: "mysql", needs: [] },
      { server: "isu1", role: "wordpress", needs: ["isu2 mysql"] },
      { server: "isu1", role: "redis", needs: [] },
    ]);
  });

  test("after itself is a circle", () => {
    expect(() => plan(["isu1: { roles: [wordpress, mysql] }"])).toThrow(
      "expected roles that can be done one after the other, got a circle: isu1 wordpress → isu1 mysql → isu1 wordpress; put what provides before what needs it",
    );
  });
});

describe("a need of a role's endpoints", () => {
  const http = (name: string, needs: readonly Need[]): Role => ({
    name,
    summary: "x",
    params: z.strictObject({}),
    provides: () => ({ [name]: { protocol: "http", port: 80 } }),
    needs: () => needs,
    resources: () => [],
  });
  const team = (needs: readonly Need[], servers: Readonly<Record<string, readonly string[]>>) => {
    const own = [http("front", needs), http("back", []), http("other", [])];
    const holders = Object.entries(servers).map(([name, of]) => ({
      name,
      place: `servers.${name}`,
      roles: of,
      params: {},
    }));
    return withRoles(own, () => {
      const endpoints = endpointsOf(holders);
      const plans = holders.map(({ name, roles: of, params }) => ({ name, spec: { roles: of, params } as unknown as ServerSpec }));
      return { problems: contractProblems(holders, endpoints), ...sequenceOf(plans, ({ spec }) => spec.roles, endpoints) };
    });
  };
  const every: Need = { protocol: "http", role: "back", every: true, at: "from" };

  test("is met by the one that has the role, whatever else speaks the protocol", () => {
    const need: Need = { protocol: "http", role: "back", at: "from" };
    const { problems, order } = team([need], { a: ["front"], b: ["back"], c: ["other"] });
    expect(problems).toEqual([]);
    expect(order!.find(({ role }) => role === "front")!.needs).toEqual(["b back"]);
    expect(team([need], { a: ["front"], b: ["back"], c: ["back"] }).problems[0]!.reason).toBe(
      "expected one server that provides `http` by the role `back`, got `b` and `c`; name one here",
    );
    expect(
      endpointOf(
        {
          name: "t",
          servers: [],
          members: [],
          endpoints: [
            { protocol: "http", server: "c", role: "other" },
            { protocol: "http", server: "b", role: "back" },
          ],
        },
        need,
      )!.server,
    ).toBe("b");
  });

  test("of every server is met by one or more, all done before it", () => {
    const { problems, order } = team([every], { a: ["front"], b: ["back"], c: ["back"], d: ["other"] });
    expect(problems).toEqual([]);
    expect(order!.find(({ role }) => role === "front")!.needs).toEqual(["b back", "c back"]);
    expect(order!.map(({ server }) => server).indexOf("a")).toBeGreaterThan(order!.map(({ server }) => server).indexOf("c"));
    expect(team([every], { a: ["front"], d: ["other"] }).problems).toEqual([
      {
        path: "servers.a.params.front.from",
        reason: "expected at least one server that provides `http` by the role `back`, got none; give it the role that does",
      },
    ]);
    expect(team([{ ...every, optional: true }], { a: ["front"] }).problems).toEqual([]);
  });

  test("of every server leaves out its own, which would be a circle", () => {
    const any: Need = { protocol: "http", every: true, at: "from" };
    expect(team([any], { a: ["front"], b: ["front", "back"] }).circle).toContain("b back → b front");
    expect(team([any], { a: ["front"], b: ["back", "front"] }).circle).toBeUndefined();
  });
});

test("memory is shared by what the roles say, as it was by a list", () => {
  const shared = (...names: string[]) => names.filter((name) => sharesMemory(name, names));
  expect(shared("base", "nginx", "mysql")).toEqual(["base", "nginx"]);
  expect(shared("base", "mysql", "redis")).toContain("mysql");
  expect(shared("mysql", "app")).toContain("mysql");
  expect(sharesMemory("php-fpm", ["nginx", "php-fpm", "app", "wordpress"])).toBe(false);
  expect(sharesMemory("php-fpm", ["php-fpm", "redis"])).toBe(true);
});

test("no two roles share a territory", () => {
  const all = roles.flatMap(({ name, params }) =>
    territoryOf(name, params.parse({})).flatMap(({ paths }) => paths.map((path) => ({ name, path }))),
  );
  const shared = all.filter(({ name, path }) => all.some((other) => other.name !== name && other.path === path));
  expect(shared).toEqual([]);
});

test("the user that applications run as is one fact", () => {
  const app = "{ base: { appUser: dev }, app: { git: { repository: /srv/repo, path: /home/dev/app }, environment: { A: b } } }";
  const of = plan(["isu1: { roles: [base, app] }"], app);
  const wants = expandRole(of, of.servers[0]!, "app", blankFacts);
  expect(wants["git[/home/dev/app]"]).toMatchObject({ owner: "dev" });
  expect(wants["block[/home/dev/env.sh:app]"]).toMatchObject({ group: "dev" });
});
