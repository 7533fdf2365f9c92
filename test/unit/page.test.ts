// The team's page: who comes in, what is told to whom, and that nothing that is said becomes more than text.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Html } from "../../operations/html.ts";
import { type House, judge, type Knock, nameIn } from "../../operations/page/door.ts";
import type { Chosen, Glance, Output } from "../../operations/page/gaze.ts";
import { Hub } from "../../operations/page/hub.ts";
import { endedIn, type KeptRun, runNamed } from "../../operations/page/kept.ts";
import { namesOf } from "../../operations/page/server.ts";
import { card, chosenPart, historyPart, measuredPart, runsPart, stateOf, wholePage } from "../../operations/page/view.ts";

const house: House = { token: "right-token", names: ["127.0.0.1", "localhost", "[::1]"], cookie: "fleet-page-4180" };
const knock = (url: string, headers: Knock["headers"] = {}, method = "GET") =>
  judge({ method, url, headers: { host: "127.0.0.1:4180", ...headers } }, house);
const cookie = "other=1; fleet-page-4180=right-token";

describe("the door", () => {
  test.for<[what: string, verdict: unknown, url: string, headers?: Knock["headers"], method?: string]>([
    ["the link, as typed", { enter: true }, "/?token=right-token"],
    [
      "the link, followed from a chat",
      { enter: true },
      "/?token=right-token",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
    ],
    ["another token", { status: 401 }, "/?token=wrong"],
    ["no token", { status: 401 }, "/"],
    ["an empty token", { status: 401 }, "/?token="],
    ["the page, with its cookie", { room: "page" }, "/", { cookie }],
    ["its events", { room: "events" }, "/events", { cookie, "sec-fetch-site": "same-origin" }],
    ["through a tunnel's port", { room: "events" }, "/events", { cookie, host: "localhost:9000", origin: "http://localhost:9000" }],
    ["over IPv6", { room: "page" }, "/", { cookie, host: "[::1]:4180" }],
    ["a name that was made to point here", { status: 421 }, "/", { cookie, host: "evil.example:4180" }],
    ["a name that begins like ours", { status: 421 }, "/?token=right-token", { host: "127.0.0.1.evil.example" }],
    ["no name", { status: 421 }, "/", { cookie, host: undefined }],
    ["another page's script", { status: 403 }, "/events", { cookie, origin: "http://evil.example" }],
    ["a page on another port of this computer", { status: 403 }, "/events", { cookie, origin: "http://127.0.0.1:9999" }],
    ["a sandboxed frame", { status: 403 }, "/events", { cookie, origin: "null" }],
    ["what another page loads as an image", { status: 403 }, "/", { cookie, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
    ["what a neighbour's page loads", { status: 403 }, "/page.js", { cookie, "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }],
    ["another page's cookie", { status: 401 }, "/", { cookie: "fleet-page-4181=right-token" }],
    ["a form", { status: 405 }, "/", { cookie }, "POST"],
    ["another path", { status: 404 }, "/../etc/passwd", { cookie }],
    ["what is no address", { status: 404 }, "http://[", { cookie }],
    ["a path that is a method of objects", { status: 404 }, "/constructor", { cookie }],
  ])("%s", ([, verdict, url, headers, method]) => {
    expect(knock(url, headers, method)).toMatchObject(verdict as object);
  });

  test("nobody without the token has a room, whatever they send", () => {
    const word = fc.oneof(fc.constantFrom("/", "/events", "/page.js", "/?token=x", "//evil", "http://127.0.0.1/", "?"), fc.string());
    fc.assert(
      fc.property(
        word,
        fc.dictionary(fc.constantFrom("host", "origin", "cookie", "sec-fetch-site", "sec-fetch-mode"), word),
        (url, headers) => {
          fc.pre(!JSON.stringify([url, headers]).includes("right-token"));
          const verdict = knock(url, headers);
          return "status" in verdict;
        },
      ),
    );
  });

  test("a page is asked for by its address, by a loopback's names, and by what was said", () => {
    expect(namesOf("127.0.0.1", ["page.example"])).toEqual(["127.0.0.1", "localhost", "[::1]", "page.example"]);
    expect(namesOf("192.0.2.7")).toContain("192.0.2.7");
    expect(namesOf("192.0.2.7")).not.toContain("localhost");
    expect(nameIn("LOCALHOST.:80")).toBe("localhost");
  });
});

describe("readers", () => {
  const reader = () => {
    const heard: string[] = [];
    return { heard, send: (event: string, data: string) => heard.push(`${event} ${data}`) > 0 };
  };

  test("all hear the same; who comes later hears all that counts; what did not change is told to nobody", () => {
    const hub = new Hub();
    const [first, second] = [reader(), reader()];
    hub.join(first);
    hub.set("a", "one");
    hub.set("a", "one");
    hub.set("b", "two");
    hub.set("a", "three");
    hub.drop("b");
    hub.join(second);
    const part = (id: string, html: string) => `part ${JSON.stringify({ id, html })}`;
    expect(first.heard).toEqual([part("a", "one"), part("b", "two"), part("a", "three")]);
    expect(second.heard).toEqual([part("a", "three")]);
  });

  test("one that does not keep up is let go, and holds up nobody", () => {
    const hub = new Hub();
    hub.join({ send: () => false });
    const other = reader();
    hub.join(other);
    hub.set("a", "one");
    expect([hub.readers, other.heard.length]).toEqual([1, 1]);
  });

  test("nothing is looked at until somebody reads", async () => {
    const hub = new Hub();
    const { signal } = new AbortController();
    let woken = false;
    const waiting = hub.someone(signal).then(() => {
      woken = true;
    });
    await Promise.resolve();
    expect(woken).toBe(false);
    hub.join(reader());
    await waiting;
    await hub.someone(signal);
    const gone = new AbortController();
    const none = new Hub().someone(gone.signal);
    gone.abort();
    await none;
  });
});

/** Everything that a server, or a person, says is `text`. */
function allParts(text: string): string {
  const at = "2026-11-29T10:00:00.000Z";
  const server = { name: text, roles: [text], connection: { address: text }, undone: [text] } as unknown as Glance["server"];
  const seen = {
    ...{ now: 0, ahead: 0, upSeconds: 60, load: 1, cores: 2, memoryMiB: 900, memoryUsed: 0.5, halfInstalled: [], unresolved: [] },
    ...{ certificates: [], leftovers: [], broken: [text] },
    disks: [{ place: text, sizeGB: 1, used: 0.5 }],
    services: [
      { unit: text, active: text, enabled: "enabled" },
      { unit: text, active: "active", enabled: "disabled" },
      { unit: text, active: text, enabled: "enabled", wanted: "off" as const },
    ],
    commits: ["done", "back"].map((result) => ({
      ...{ path: text, id: text, at, subject: text },
      deployed: { at, who: text, commit: text, result: result as "done", anyway: text },
    })),
    lock: { who: text, what: text, since: at },
  };
  const chosen: Chosen = { title: text, command: text, user: text };
  const output: Output = { code: 1, lines: [text, text], dropped: 3 };
  const run: KeptRun = {
    ...{ id: text, what: text, at, ended: { about: text, rows: [text], failed: true } },
    outputs: [{ server: text, lines: [text], dropped: true }],
  };
  const measured = {
    run: 1,
    began: 1,
    ended: 2,
    score: 3,
    passed: true,
    kind: "measured" as const,
    who: text,
    commit: text,
    subject: text,
    note: text,
  };
  const entry = {
    ...{ version: 1 as const, id: text, stack: text, at, seconds: 1, who: text, what: text, command: text, result: "done" as const },
    ...{ summary: text, servers: [text] },
  };
  const parts = [
    card({ server, seen, at, error: text, drift: [text, text], outputs: new Map() }),
    card({ server, error: text, outputs: new Map() }),
    chosenPart(chosen, [
      { server: text, output },
      { server: text, output: { lines: [], dropped: 0, error: text } },
    ]),
    runsPart([run]),
    measuredPart({ all: [measured, { ...measured, run: 2 }], now: { run: 3, since: at } }),
    historyPart([entry, { ...entry, summary: "" }]),
  ].map(({ text: each }) => each);
  const part = () => new Html(parts.join(""));
  return wholePage({ stack: text, servers: [text], chosen: [chosen], part });
}

/** The tags and attributes of a text, without what stands in their values. */
const skeleton = (text: string): string => (text.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/="[^"]*"/g, "=")).join("");

test("whatever servers and people say, the page has the same elements and attributes", () => {
  const plain = skeleton(allParts("plain"));
  expect(plain).toContain("<pre data-key=>");
  const pieces = fc.constantFrom(
    "<script>",
    "</pre>",
    '"',
    "'",
    ">",
    "<",
    "&",
    "&lt;",
    " onerror=x ",
    "<!--",
    "-->",
    "]]>",
    "\u0000",
    "$&",
    "`",
    "${x}",
    "é",
  );
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 1, maxLength: 6 }), (words) => {
      expect(skeleton(allParts(`x${words.join("")}`))).toBe(plain);
    }),
  );
});

test("a server's card says the worst that is known of it", () => {
  const server = { undone: [] } as unknown as Glance["server"];
  const seen = { services: [{ unit: "a", active: "active", enabled: "enabled" }], broken: [] } as unknown as NonNullable<Glance["seen"]>;
  const of = (more: Partial<Glance>) => stateOf({ server, outputs: new Map(), ...more });
  const stopped = { ...seen, services: [{ unit: "a", active: "inactive", enabled: "enabled" }] };
  expect([of({}), of({ seen }), of({ seen, drift: ["x"] }), of({ seen: stopped }), of({ seen, error: "off" })]).toEqual([
    ...["unsaid", "good", "mind", "bad", "bad"],
  ]);
});

test("servers that say the same stand together", () => {
  const output = (line: string): Output => ({ code: 0, lines: [line], dropped: 0 });
  const { text } = chosenPart({ title: "uptime", command: "uptime" }, [
    { server: "isu1", output: output("a") },
    { server: "isu2", output: output("b") },
    { server: "isu3", output: output("a") },
  ]);
  expect([...text.matchAll(/<b>([^<]*)<\/b>/g)].map(([, names]) => names)).toEqual(["isu1, isu3", "isu2"]);
});

test("runs that are kept here: of this stack alone, with what their command left", () => {
  expect(runNamed("20261129T100512-run-team-a", "team-a")).toEqual({
    id: "20261129T100512-run-team-a",
    what: "run",
    at: "2026-11-29T10:05:12Z",
  });
  expect(runNamed("20261129T100512.1-deploy-team-a", "team-a")).toMatchObject({ what: "deploy" });
  expect(runNamed("20261129T100512-run-other-team-a", "team-a")).toBeUndefined();
  expect(runNamed("up-team-a.log", "team-a")).toBeUndefined();
  expect(endedIn('{"command":"uptime","servers":[{"server":"isu1","code":0},{"server":"isu2","error":"off"}]}')).toEqual({
    ...{ about: "uptime", rows: ["isu1 exit 0", "isu2 off"], failed: true },
  });
  expect(endedIn('{"commit":"0123456789","subject":"faster","servers":[{"server":"isu1","result":"deployed"}]}')).toEqual({
    ...{ about: "01234567 faster", rows: ["isu1 deployed"], failed: false },
  });
  expect(endedIn('{"comm').failed).toBe(false);
});
