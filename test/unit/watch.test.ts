// fleet watch: what is told, what is healed and what is left to people, by looks that a test makes up; and the ways on which it is told.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { every } from "../../cli/commands/watch.ts";
import { execute, post } from "../../cli/watch-ways.ts";
import type { FleetUp } from "../../operations/fleet-up.ts";
import { attemptsOf, keepAttempts } from "../../operations/watch/attempts.ts";
import { aimOf } from "../../operations/watch/healing.ts";
import {
  begin,
  forgiveAfter,
  heal,
  isNews,
  judge,
  keyOf,
  type Look,
  line,
  type Memory,
  patience,
  sumLine,
} from "../../operations/watch/rules.ts";
import { type Difference, differencesOf } from "../../provisioners/provider/as-remembered.ts";
import type { Properties } from "../../provisioners/provider/wire.ts";

const motd: Difference = { server: "isu1", role: "base", resource: "file[/etc/motd]", what: "content" };
const hosts: Difference = { ...motd, resource: "block[/etc/hosts:team]" };
const nginx: Difference = { ...motd, role: "nginx", resource: "service[nginx.service]", what: "running false, wanted true" };
const seen = (...differences: readonly Difference[]): Look => ({ server: "isu1", state: "seen", differences });
const off: Look = { server: "isu1", state: "off", why: "no answer", differences: [] };
const busy: Look = { ...off, state: "busy", why: "ada@laptop is at work" };
const anything = () => undefined;

/** The lines of each look, one after the other. */
function told(...looks: readonly Look[]): readonly (readonly string[])[] {
  let memory = begin();
  return looks.map((look, index) => {
    const judged = judge(memory, [look], index * 60_000);
    memory = judged.memory;
    return judged.events.map(line);
  });
}

describe("what is told", () => {
  test("a difference once, anew where it is another one, and its end", () => {
    expect(told(seen(), seen(motd), seen(motd), seen({ ...motd, what: "mode" }, nginx), seen(nginx), seen())).toEqual([
      [],
      ["isu1 base file[/etc/motd]: differs: content"],
      [],
      ["isu1 base file[/etc/motd]: differs: mode", "isu1 nginx service[nginx.service]: differs: running false, wanted true"],
      ["isu1 base file[/etc/motd]: right: is as it should be again"],
      ["isu1 nginx service[nginx.service]: right: is as it should be again"],
    ]);
  });

  test("a server that goes off and comes back, with what differs since; what was known before is not told again", () => {
    expect(told(seen(motd), off, off, seen(motd, nginx))).toEqual([
      ["isu1 base file[/etc/motd]: differs: content"],
      ["isu1: off: no answer"],
      [],
      ["isu1: back: answers again after 2 min", "isu1 nginx service[nginx.service]: differs: running false, wanted true"],
    ]);
  });

  test("of somebody's work no more than that they are at it", () => {
    const work = { ...busy, differences: [motd] };
    expect(told(work, work, seen())).toEqual([["isu1: busy: ada@laptop is at work"], [], []]);
  });

  test("in the end, a sum", () => {
    const { memory } = judge(begin(), [seen(motd)], 0);
    expect(sumLine(memory.sum, 1)).toBe("1 look at 1 server, 1 difference told, 0 healed, 0 times a server was off");
    expect(sumLine({ ...memory.sum, looks: 2, left: 1 }, 2)).toContain(
      "2 looks at 2 servers, 1 difference told, 0 healed, 1 left to people",
    );
  });

  test("whatever the looks: a known difference is one of the last look that saw its server, and none is told twice in a row", () => {
    const difference = fc.record({
      server: fc.constant("isu1"),
      role: fc.constantFrom("base", "nginx"),
      resource: fc.constantFrom("a", "b", "c"),
      what: fc.constantFrom("content", "mode"),
    });
    const look: fc.Arbitrary<Look> = fc.oneof(
      fc.constant(off),
      fc.constant(busy),
      fc.uniqueArray(difference, { selector: keyOf }).map((all) => seen(...all)),
    );
    fc.assert(
      fc.property(fc.array(look, { maxLength: 30 }), (looks) => {
        let memory = begin();
        let open = new Map<string, string>();
        looks.forEach((each, index) => {
          const judged = judge(memory, [each], index * 1000);
          for (const { kind, what, ...of } of judged.events) {
            const key = keyOf({ ...of, what } as Difference);
            if (kind === "drift") expect(open.get(key)).not.toBe(what);
            if (kind === "drift") open.set(key, what);
            if (kind === "right") expect(open.delete(key)).toBe(true);
          }
          memory = judged.memory;
          const known = Object.entries(memory.differing).map(([key, { what }]) => [key, what] as const);
          expect(new Map(known)).toEqual(open);
          if (each.state === "seen") expect(memory.differing).toEqual(Object.fromEntries(each.differences.map((of) => [keyOf(of), of])));
          open = new Map(known);
        });
      }),
    );
  });

  test("a server that left the stack is forgotten", () => {
    const { memory } = judge(begin(), [seen(motd)], 0);
    expect(judge(memory, [{ ...seen(), server: "isu2" }], 1).memory.differing).toEqual({});
  });

  test("a second look is for what is new alone", () => {
    const { memory } = judge(begin(), [seen(motd)], 0);
    expect([seen(), seen(motd), seen(motd, nginx), off].map((look) => isNews(memory, look))).toEqual([false, false, true, true]);
  });
});

describe("what is healed", () => {
  /** `rounds` times: it differs, an up is made, it is right. */
  function fought(rounds: number, minutes = 1): { readonly memory: Memory; readonly lines: readonly string[] } {
    let memory = begin();
    const lines: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const now = round * minutes * 60_000;
      memory = judge(memory, [seen(motd)], now).memory;
      const healing = heal(memory, [seen(motd)], anything, now);
      lines.push(...(healing.roles.length > 0 ? ["up"] : []), ...healing.events.map(({ kind }) => kind));
      const after = judge(healing.memory, [healing.roles.length > 0 ? seen() : seen(motd)], now + 1000);
      lines.push(...after.events.map(({ kind }) => kind));
      memory = healing.roles.length > 0 ? judge(after.memory, [seen()], now + minutes * 60_000 - 1).memory : after.memory;
    }
    return { memory, lines };
  }

  test("is told as healed once it is seen to be, and counted", () => {
    const { memory, lines } = fought(1);
    expect([lines, memory.sum.healed, memory.attempts[keyOf(motd)]?.count]).toEqual([["up", "healed"], 1, 1]);
  });

  test(`comes back ${patience} times: it is somebody's, said once`, () => {
    const { memory, lines } = fought(6);
    expect([lines, memory.sum.healed, memory.sum.left]).toEqual([["up", "healed", "up", "healed", "up", "healed", "left"], 3, 1]);
  });

  test("with an hour in between, each time is the first", () => {
    expect(fought(6, 61).lines.filter((each) => each === "left")).toEqual([]);
  });

  test("an up that does not help is an attempt too", () => {
    let memory = judge(begin(), [seen(motd)], 0).memory;
    const ups = [0, 1, 2, 3, 4].map((round) => {
      const healing = heal(memory, [seen(motd)], anything, round * forgiveAfter);
      memory = judge(healing.memory, [seen(motd)], round * forgiveAfter).memory;
      return healing.roles.length;
    });
    expect([ups, memory.sum.healed]).toEqual([[1, 1, 1, 0, 0], 0]);
  });

  test("all of a role is left where one of its resources is somebody's: an up would take that along; other roles are not", () => {
    const attempts = { [keyOf(motd)]: { count: patience, last: 0 } };
    const { memory } = judge(begin(attempts), [seen(motd, hosts, nginx)], 0);
    expect(heal(memory, [seen(motd, hosts, nginx)], anything, 0)).toMatchObject({
      roles: [{ server: "isu1", role: "nginx" }],
      events: [{ kind: "left", role: "base" }],
    });
  });

  test("what the stack file wants otherwise by now is not made so without anybody's word", () => {
    const { memory } = judge(begin(), [seen(motd)], 0);
    const { roles, events, memory: after } = heal(memory, [seen(motd)], () => "the stack file changed", 0);
    expect([roles, events.map(line), after.attempts]).toEqual([[], ["isu1 base: left alone: the stack file changed"], {}]);
    expect(heal(after, [seen(motd)], () => "the stack file changed", 0).events).toEqual([]);
  });

  test("nothing where somebody is at work, or nobody answers", () => {
    const { memory } = judge(begin(), [seen(motd)], 0);
    for (const look of [busy, off]) expect(heal(judge(memory, [look], 1).memory, [look], anything, 1).roles).toEqual([]);
  });

  test("attempts outlive the process", () => {
    const attempts = { [keyOf(motd)]: { count: 2, last: 5 } };
    keepAttempts("watched", attempts);
    expect(attemptsOf("watched")).toEqual(attempts);
    keepAttempts("watched", {});
    expect(attemptsOf("watched")).toEqual({});
  });
});

test("what differs is said by its properties, with values where they are short and no secret", () => {
  const wants = { "file[/a]": { content: "long\nones", mode: "0644" }, "service[x]": { running: true }, "file[/gone]": { content: "x" } };
  const hidden = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: "hunter2" };
  const there = { "file[/a]": { content: hidden, mode: "0600" }, "service[x]": { running: false } };
  const changes = {
    'resources["file[/a]"].content': "update",
    'resources["file[/a]"].mode': "update",
    'resources["service[x]"].running': "update",
    'resources["file[/gone]"]': "add",
    owed: "update",
  } as const;
  const now = { resources: there, owed: ["service[x]"] } as unknown as Properties;
  const inputs = { host: "isu1", role: "base", resources: wants } as unknown as Properties;
  expect(differencesOf({ inputs }, now, changes).map(({ resource, what }) => `${resource}: ${what}`)).toEqual([
    "file[/a]: content; mode 0600, wanted 0644",
    "service[x]: running false, wanted true",
    "file[/gone]: is not there",
    "owed: service[x]",
  ]);
});

test("times are seconds, minutes or an hour", () => {
  expect(["30", "30s", "2m", "1h"].map(every)).toEqual([30_000, 30_000, 120_000, 3_600_000]);
  for (const wrong of ["4s", "2h", "soon", ""]) expect(() => every(wrong)).toThrow("expected a time from 5s to 1h");
});

describe("the ways on which it is told", () => {
  const message = { stack: "team-a", text: "isu1: off: no answer", events: [{ kind: "off", server: "isu1" }] };

  test("a command gets JSON and the lines; one that fails is said", async () => {
    await execute(
      `node -e 'let t = ""; process.stdin.on("data", (d) => t += d).on("end", () => process.exit(JSON.parse(t).events[0].server === "isu1" && process.env.FLEET_TEXT.startsWith("isu1: off") ? 0 : 9))'`,
      message,
    );
    await expect(execute("exit 3", message)).rejects.toThrow("--exec: expected an end with 0, got 3");
    // It need not read.
    await execute("true", { ...message, text: "x".repeat(200_000) });
  });

  test("a webhook gets the same by POST; an answer that is no yes, or none, is said without its address", async () => {
    const heard: unknown[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => {
        heard.push([request.method, request.headers["content-type"], JSON.parse(body)]);
        response.writeHead(request.url === "/no" ? 500 : 204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await post(`${at}/yes`, message);
      expect(heard).toEqual([["POST", "application/json", message]]);
      await expect(post(`${at}/no`, message)).rejects.toThrow("--webhook: expected 2xx, got 500");
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    const failure = await post(`${at}/token`, message).catch((error: Error) => error.message);
    expect(failure).toMatch(/^--webhook: expected an answer, got ./);
    expect(failure).not.toContain("token");
  });
});

test("an up is aimed at the roles that differ; at all of the stack where an address is a new one and nothing else is open", () => {
  const power = "urn:pulumi:team-a::contest-fleet::fleet:index:TeamFleet$fleet:index:InstancePower::a-isu1";
  const base = "urn:pulumi:team-a::contest-fleet::fleet:index:Role::isu1-base";
  const remembered = [{ urn: base, type: "fleet:index:Role", id: "1", inputs: { role: "base" }, outputs: {} }];
  const connection = { name: "isu1", address: "192.0.2.1", user: "ada" } as FleetUp["servers"][number]["connection"];
  const servers = [{ name: "isu1", roles: ["base"], facts: {}, wants: {}, undone: [], connection, remembered }];
  const fleet: FleetUp = { stack: "team-a", servers, secrets: [], around: [power] };
  const around = {
    planned: [],
    look: { differences: [{ server: "aws", role: "a-isu1", resource: "fleet:index:InstancePower", what: "" }] },
  };
  const aim = (role: { readonly server: string; readonly role: string }, why?: string) =>
    aimOf(fleet, [role], { around, refused: () => why });
  expect(aim({ server: "isu1", role: "base" })).toEqual([base]);
  expect(aim({ server: "aws", role: "a-isu1" })).toBe("all");
  expect(aim({ server: "aws", role: "a-isu1" }, "something is open")).toEqual([power]);
  expect(aim({ server: "isu2", role: "base" })).toBeUndefined();
});
