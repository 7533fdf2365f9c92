// The planner: order, services that hear of changes, undo, and what the remote script is made of. Real sh runs the script.
import { describe, expect, test } from "vitest";
import { applyScript } from "../../provisioners/engine/apply.ts";
import { blankObservation, type Observation } from "../../provisioners/engine/observe.ts";
import { inOrder } from "../../provisioners/engine/order.ts";
import { followers, plan } from "../../provisioners/engine/plan.ts";
import { missingPath } from "../../provisioners/engine/probe.ts";
import { problemsIn } from "../../provisioners/engine/problems.ts";
import type { Address, Common } from "../../provisioners/resources/kind.ts";
import { type Declared, want } from "../../provisioners/resources/want.ts";

const keyed = (declared: readonly Declared[]): Record<Address, Common> =>
  Object.fromEntries(declared.map(({ address, want: each }) => [address, each]));

const conf = want.file({ path: "/etc/app.conf", content: "a = 1\n" });
const service = want.service({ unit: "app.service", restartOn: [conf.address] });
const wants = keyed([service, conf, want.package({ name: "app" }), want.directory({ path: "/srv/app" })]);

const running = { load: "loaded", active: "active", enabled: "enabled", needsReload: false };
const there = { type: "file", mode: "0644", owner: "root", group: "root", target: "", size: 6, content: Buffer.from("a = 0\n") };
const seen = (haves: Record<string, unknown>, rest: Partial<Observation> = {}): Observation => ({
  ...blankObservation,
  haves: new Map(Object.entries(haves) as [Address, unknown][]),
  ...rest,
});
const right = {
  "package[app]": "1.0",
  "directory[/srv/app]": { ...there, type: "directory", mode: "0755", content: undefined },
  "file[/etc/app.conf]": { ...there, content: Buffer.from("a = 1\n") },
  "service[app.service]": running,
};

describe("order", () => {
  test("is the kinds' own, whatever the order of the wants", () => {
    expect(inOrder(wants)).toEqual(["package[app]", "directory[/srv/app]", "file[/etc/app.conf]", "service[app.service]"]);
  });

  test("has a folder before what lies in it", () => {
    const nested = keyed([
      want.directory({ path: "/srv/app/log" }),
      want.directory({ path: "/srv/app" }),
      want.directory({ path: "/srv" }),
    ]);
    expect(inOrder(nested)).toEqual(["directory[/srv]", "directory[/srv/app]", "directory[/srv/app/log]"]);
  });

  test("gives way to `after`", () => {
    const late = want.file({ path: "/etc/early", content: "x\n", after: ["service[app.service]"] });
    expect(inOrder({ ...wants, [late.address]: late.want }).at(-1)).toBe("file[/etc/early]");
  });

  test("names a cycle", () => {
    const a = want.file({ path: "/a", content: "\n", after: ["file[/b]"] });
    const b = want.file({ path: "/b", content: "\n", after: ["file[/a]"] });
    expect(() => inOrder(keyed([a, b]))).toThrow("file[/a] → file[/b] → file[/a]");
  });
});

test("packages are installed at once where they come after the same: one that waits for a repository takes no other along with it", () => {
  const repository = want.repository({ name: "x", uris: ["https://x.example"], suites: ["x"], signedBy: "/x.gpg" });
  const late = ["a", "b"].map((name) => want.package({ name, after: [repository.address] }));
  const of = keyed([repository, ...late, ...["c", "d"].map((name) => want.package({ name }))]);
  const haves = {
    "repository[x]": missingPath,
    ...Object.fromEntries(["a", "b", "c", "d"].map((name) => [`package[${name}]`, "missing"])),
  };
  const installs = plan(of, seen(haves)).changes.flatMap(({ address, steps: [step] }) => {
    const names = /\nfleet_install lean (.*)$/.exec(step!.run.text)?.[1];
    return names === undefined ? [] : [[address, names]];
  });
  expect(installs).toEqual([
    ["package[a]", "a b"],
    ["package[c]", "c d"],
  ]);
});

describe("what only follows", () => {
  const todo = (observation: Observation, of = wants) => followers(of, observation, plan(of, observation).results);
  const stale = { ...right, [conf.address]: there };

  test("is the restart after a file, and neither the file nor what needs nothing", () => {
    expect(todo(seen(stale))).toEqual([service.address]);
    expect(todo(seen(right))).toEqual([]);
  });

  test("is not a service that does not run, or is owed its restart, whatever changes beside it", () => {
    expect(todo(seen({ ...stale, [service.address]: { ...running, active: "failed" } }))).toEqual([]);
    expect(todo(seen({ ...stale, [service.address]: { ...running, enabled: "disabled" } }))).toEqual([]);
    expect(todo(seen(stale, { pending: new Set([service.address]) }))).toEqual([]);
  });

  test("is another role's service that hears of what goes back, but not one that goes back itself", () => {
    const of = ({ address, want: each }: Declared, now: unknown) => ({ address, role: "x", want: each, have: missingPath, now });
    const gone = of(conf, { ...there, content: Buffer.from("a = 1\n") });
    const heard = { ...of(service, running), have: running };
    expect(todo(seen({}, { removed: [gone], bereft: [heard] }), {})).toEqual([service.address]);
    expect(todo(seen({}, { removed: [gone, heard], bereft: [] }), {})).toEqual([]);
  });
});

describe("plan", () => {
  test("of a server that is right is empty", () => {
    const { changes, results } = plan(wants, seen(right));
    expect(changes).toEqual([]);
    expect(results.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged", "unchanged", "unchanged"]);
  });

  test("restarts the service that names what changes", () => {
    const { changes } = plan(wants, seen({ ...right, "file[/etc/app.conf]": there }));
    expect(changes.map(({ address }) => address)).toEqual(["file[/etc/app.conf]", "service[app.service]"]);
  });

  test("restarts a service that a killed run owes it to, though nothing differs", () => {
    const { changes } = plan(wants, seen(right, { pending: new Set<Address>(["service[app.service]"]) }));
    expect(changes.map(({ address }) => address)).toEqual(["service[app.service]"]);
  });

  test("takes back what is no longer wanted, and lets the service know", () => {
    const old = want.file({ path: "/etc/app.d/old.conf", content: "x\n" });
    const removed = [{ address: old.address, role: "app", want: old.want, have: missingPath, now: there }];
    const { changes } = plan(wants, seen(right, { removed }));
    expect(changes.map(({ address, undo }) => [address, undo])).toEqual([
      ["file[/etc/app.d/old.conf]", true],
      ["service[app.service]", false],
    ]);
  });

  test.each([
    ["app@1.service", "app@1.service", undefined, "restart"],
    ["app@1.service", "app@1.service", "limits.conf", "restart"],
    ["app@1.service", "app@.service", "limits.conf", "restart"],
    ["app-web.service", "app-.service", "limits.conf", "restart"],
    ["app.service", "other.service", "limits.conf", undefined],
    ["app.service", "other.service", undefined, undefined],
    ["app.service", "app.socket", "limits.conf", undefined],
  ] as const)("%s, which reloads, hears of the unit %s (%s) that is no longer wanted: %s", (unit, name, dropIn, action) => {
    const old = want.unit({ name, content: "[Service]\nLimitNOFILE=5555\n", ...(dropIn !== undefined && { dropIn }) });
    const removed = [
      {
        address: old.address,
        role: "app",
        want: old.want,
        have: { file: missingPath, needsReload: false },
        now: { file: there, needsReload: false },
      },
    ];
    for (const watched of [{ reloadOn: [conf.address] }, {}]) {
      const reloading = want.service({ unit, ...watched });
      const haves = { [reloading.address]: running, "file[/etc/app.conf]": right["file[/etc/app.conf]"] };
      const { changes } = plan(keyed([conf, reloading]), seen(haves, { removed }));
      const said = changes.flatMap(({ undo, steps }) => (undo ? [] : steps.map(({ change }) => change)));
      expect(said).toEqual(action ? [`${action}: ${old.address} is no longer wanted`] : []);
    }
  });

  test.each([
    ["restart", "unit[app.service]"],
    ["reload", "file[/etc/app.d/old.conf]"],
  ])("lets a service that another role still wants %s after the undo of %s", (action, address) => {
    const old =
      address === "unit[app.service]"
        ? want.unit({ name: "app.service", content: "[Service]\nExecStart=/bin/app\n" })
        : want.file({ path: "/etc/app.d/old.conf", content: "x\n" });
    const kept = want.service({ unit: "app.service", keep: true, reloadOn: ["file[/etc/app.d/team.conf]"], below: ["/etc/app.d"] });
    const [have, now] =
      address === "unit[app.service]"
        ? [
            { file: missingPath, needsReload: false },
            { file: there, needsReload: false },
          ]
        : [missingPath, there];
    const removed = [{ address: old.address, role: "app", want: old.want, have, now }];
    const bereft = [{ address: kept.address, role: "files", want: kept.want, have: running, now: running }];
    const { changes, forgotten } = plan({}, seen({}, { removed, bereft }));
    expect(changes.at(-1)).toMatchObject({
      address: kept.address,
      undo: true,
      steps: [{ change: `${action} with the files as they were` }],
    });
    expect(forgotten.map(({ address: each }) => each)).toEqual([address]);
    const stopped = { ...bereft[0]!, now: { ...running, active: "inactive" } };
    expect(plan({}, seen({}, { removed, bereft: [stopped] })).changes.map((each) => each.address)).toEqual([address]);
  });
});

describe("problems", () => {
  test("names all of them: schema, key, reference, guard", () => {
    const bad = {
      ...keyed([
        want.file({ path: "/opt/isucon-env-checker/x", content: "" }),
        want.service({ unit: "envcheck.service", restartOn: ["file[/nowhere]"] }),
      ]),
      "file[/etc/wrong]": { path: "/etc/right", content: "", mode: "0644", owner: "root", group: "root" },
      "file[/etc/odd]": { path: "/etc/odd", content: "", mode: "9999", owner: "root", group: "root" },
      "fiel[/etc/x]": {},
    } as unknown as Record<Address, Common>;
    const found = problemsIn(bad, { paths: ["/opt/isucon-env-checker"], users: [], units: ["envcheck.service"] });
    expect(found.map(({ path }) => path).sort()).toEqual(
      [
        'resources["file[/opt/isucon-env-checker/x]"]',
        'resources["service[envcheck.service]"]',
        'resources["service[envcheck.service]"]',
        'resources["file[/etc/wrong]"]',
        'resources["file[/etc/odd]"].mode',
        'resources["fiel[/etc/x]"]',
      ].sort(),
    );
  });
});

describe("the script", () => {
  test("remembers before it changes, and shows no content in its mask", () => {
    const observation = seen({ ...right, "file[/etc/app.conf]": there });
    const { changes } = plan(wants, observation);
    const { text, masked } = applyScript("nonce", { role: "app", wants, seen: observation, changes, forgotten: [] });
    expect(text.indexOf("/var/lib/fleet/journal")).toBeLessThan(text.indexOf(" begin 0"));
    expect(text.indexOf("service[app.service]")).toBeLessThan(text.indexOf(" begin 0"));
    expect(text).toContain("a = 1\n");
    expect(masked).not.toContain("a = 1");
  });
});
