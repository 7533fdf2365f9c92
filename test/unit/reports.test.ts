// Reports out of Pulumi's preview, and their three printers.

import { describe, expect, test } from "vitest";
import { sum as sumOfRun } from "../../cli/commands/run.ts";
import { previewOf } from "../../cli/preview/engine.ts";
import { digestOf } from "../../cli/preview/events.ts";
import { markdown } from "../../cli/preview/markdown.ts";
import { text as previewText } from "../../cli/preview/text.ts";
import { printers } from "../../cli/printers.ts";
import { aroundReports, inStackOrder, reportsOf } from "../../cli/reports.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";

const onePlan = { stack: "s", spec: { team: "s", target: { kind: "inventory" } }, servers: [{ name: "isu1" }] } as unknown as FleetPlan;
const urn = (name: string) => `urn:pulumi:s::contest-fleet::fleet:index:TeamFleet$fleet:index:Host$fleet:index:Role::${name}`;
const file = (content: string, mode = "0644") => ({ path: "/etc/motd", content, mode });
const state = (resources: object, outputs: object = {}) => ({
  type: "fleet:index:Role",
  inputs: { host: "isu1", role: "base", resources },
  outputs: { resources, ...outputs },
});

const drifted = {
  steps: [
    { op: "refresh", urn: urn("isu1-base"), oldState: state({}), newState: state({ "file[/etc/motd]": file("a\nhand\nb\n", "0600") }) },
    {
      op: "update",
      urn: urn("isu1-base"),
      oldState: state({ "file[/etc/motd]": file("a\nhand\nb\n", "0600") }),
      newState: state({ "file[/etc/motd]": file("a\nb\n"), "file[/etc/issue]": { content: "x" } }),
      detailedDiff: {
        'resources["file[/etc/motd]"].content': { kind: "update" },
        'resources["file[/etc/motd]"].mode': { kind: "update" },
        'resources["file[/etc/issue]"]': { kind: "add" },
      },
    },
  ],
};
const right = {
  steps: [{ op: "refresh", urn: urn("isu1-base"), oldState: state({}), newState: state({ "file[/etc/motd]": file("a\n") }) }],
};

describe("reports", () => {
  test("name each resource that differs, files by their lines", () => {
    expect(reportsOf(drifted)).toEqual([
      {
        host: "isu1",
        role: "base",
        results: [
          { address: "file[/etc/issue]", outcome: "pending", changes: ["is missing"] },
          { address: "file[/etc/motd]", outcome: "pending", changes: ["content differs:", "-hand", "mode is `0600`, wanted `0644`"] },
        ],
      },
    ]);
  });

  test("do not call missing what nobody looked for: a run that failed did not come to it, and somebody else's may be there", () => {
    const [look, update] = drifted.steps;
    const failed = { ...update!, oldState: state({}, { failed: ["file[/etc/motd]: refused"] }) };
    const results = reportsOf({ steps: [look!, failed] }).flatMap((report) => report.results);
    expect(results).toMatchObject([
      { address: "file[/etc/issue]", changes: ["is not done yet"] },
      { address: "file[/etc/motd]", outcome: "failed", reason: "the last run: refused" },
    ]);
    expect(results).toHaveLength(2);
  });

  test("say what to know beside the outcome, once for servers that have it alike", () => {
    const remarks = { "file[/etc/motd]": ["a file that is read later says otherwise"] };
    const of = (host: string) => {
      const there = state({ "file[/etc/motd]": file("a\n") }, { remarks });
      const own = { ...there, inputs: { ...there.inputs, host } };
      return { op: "same", urn: urn(`${host}-base`), oldState: own, newState: own };
    };
    const reports = reportsOf({ steps: [of("isu1"), of("isu2")] });
    expect(reports[0]?.results[0]).toMatchObject({ outcome: "unchanged", notes: ["a file that is read later says otherwise"] });
    const line = "isu1, isu2 base file[/etc/motd]: a file that is read later says otherwise";
    expect(printers.text(reports, { all: false })).toBe(`to know\n  ${line}\n\n2 resources on 2 servers: all as it should be`);
    expect(printers.junit(reports, { all: false })).toContain("<system-out>a file that is read later says otherwise</system-out>");
    expect(previewOf(onePlan, { steps: [of("isu1")] }).notes).toEqual([
      "isu1 base file[/etc/motd]: a file that is read later says otherwise",
    ]);
  });

  test("count what is right, too", () => {
    expect(reportsOf(right)[0]?.results).toEqual([{ address: "file[/etc/motd]", outcome: "unchanged", changes: [] }]);
  });

  test("tell of a server that did not answer", () => {
    const host = { type: "fleet:index:Host", inputs: { name: "isu2" }, outputs: { problem: "isu2: no answer" } };
    const [report] = reportsOf({ steps: [{ op: "refresh", urn: "urn:pulumi:s::contest-fleet::fleet:index:Host::isu2", newState: host }] });
    expect(report?.results[0]).toMatchObject({ outcome: "failed", reason: "isu2: no answer" });
  });
});

describe("a server that is off", () => {
  const hostUrn = "urn:pulumi:s::contest-fleet::fleet:index:TeamFleet$fleet:index:Host::s-isu1";
  const host = (problem: string) => ({ type: "fleet:index:Host", inputs: { name: "isu1" }, outputs: { problem } });
  const why = "isu1: no answer from `10.0.0.1:22`";
  const off = {
    steps: [
      { op: "refresh", urn: hostUrn, oldState: host(""), newState: host("") },
      { op: "update", urn: hostUrn, oldState: host(why), newState: host("") },
      ...right.steps,
    ],
  };

  test("its resources are neither right nor different: nobody looked", () => {
    expect(reportsOf(off).map(({ role, results }) => [role, results])).toEqual([
      ["host", [{ address: "host[isu1]", outcome: "failed", changes: [], reason: why }]],
      ["base", [{ address: "file[/etc/motd]", outcome: "not-looked-at", changes: [], reason: why }]],
    ]);
  });

  test("a look at one role that broke off, where the server answered, is no agreement either", () => {
    const refresh = right.steps[0]!;
    const unseen = state({ "file[/etc/motd]": file("a\n") }, { unseen: "isu1: the link broke" });
    const steps = [refresh, { ...refresh, op: "same", oldState: unseen }];
    const [report] = reportsOf({ steps });
    expect(report?.results.map(({ outcome, reason }) => [outcome, reason])).toEqual([["not-looked-at", "isu1: the link broke"]]);
    expect(previewOf(onePlan, { steps }).servers).toEqual([{ name: "isu1", items: [], unreachable: "isu1: the link broke" }]);
  });

  test("what is known to differ from the state is told all the same", () => {
    const [, report] = reportsOf({ steps: [...off.steps.slice(0, 2), ...drifted.steps] });
    expect(report?.results.map(({ outcome }) => outcome)).toEqual(["pending", "pending"]);
  });

  test("each printer says so", () => {
    const reports = reportsOf(off);
    const shown = printers.text([...reports, { ...reports[1]!, role: "nginx" }], { all: false });
    expect(shown).toContain("isu1 base\n  · 1 resource not looked at\n\nisu1 nginx\n  · 1 resource not looked at\n");
    expect(shown.split("no answer from")).toHaveLength(2);
    // Of one role alone, nothing said so above.
    expect(printers.text(reports.slice(1), { all: false })).toContain("isu1 base\n  · 1 resource not looked at\n      isu1: no answer");
    expect(printers.text(reports, { all: false })).toContain("2 resources on 1 server: 1 differs, 1 not looked at");
    expect(printers.text(reports, { all: true })).toContain("  · file[/etc/motd]\n      isu1: no answer");
    expect(JSON.parse(printers.json(reports, { all: false }))[1].results[0]).toMatchObject({ outcome: "not-looked-at", reason: why });
    expect(printers.junit(reports, { all: false })).toContain('tests="1" failures="0" skipped="1"');
    expect(printers.junit(reports, { all: false })).toContain(`name="file[/etc/motd]"><skipped message="${why}"/></testcase>`);
  });

  test("and is back: the problem that the state remembers is no more", () => {
    const back = [
      { op: "refresh", urn: hostUrn, oldState: host(why), newState: host(why) },
      { op: "same", urn: hostUrn, oldState: host(""), newState: { ...host(""), outputs: {} } },
      ...right.steps,
    ];
    expect(reportsOf({ steps: back })).toEqual(reportsOf(right));
    expect(previewOf(onePlan, { steps: back }).servers).toEqual([]);
    expect(previewOf(onePlan, off).servers).toEqual([{ name: "isu1", items: [], unreachable: why }]);
  });
});

describe("a role that is new to its server", () => {
  const [conf, unit] = ["file[/etc/motd]", "service[nginx.service]"] as const;
  const resources = {
    [conf]: file("ours\n"),
    [unit]: { unit: "nginx.service" },
    "file[/etc/issue]": file("new\n"),
    "file[/etc/linked]": file("ours\n"),
    "link[/x]": { path: "/x" },
  };
  const foreseen = {
    instead: { "file[/etc/linked]": "link" },
    there: { [conf]: file("theirs\n"), [unit]: { unit: "nginx.service" }, "link[/x]": { path: "/x" } },
    changes: {
      ...{ [conf]: ["content a → b"], [unit]: ["restart"], "file[/etc/issue]": ["create with 4 bytes"] },
      ...{ "file[/etc/linked]": ["replace the link with a file of 5 bytes"], "user[eve]": ["remove"] },
    },
    follows: [unit],
  };
  const made = (outputs: object) => ({ op: "create", urn: urn("isu1-base"), newState: state(resources, outputs) });
  const unlooked = (name: string) => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    const inputs = { host: "isu3", role: name, resources: unknown };
    return { op: "create", urn: urn(`isu3-${name}`), newState: { type: "fleet:index:Role", inputs, outputs: { resources: unknown } } };
  };

  test("is told against what is there", () => {
    const [report] = reportsOf({ steps: [made({ foreseen })] });
    expect(report?.results.map(({ address, outcome, changes }) => [address, outcome, changes])).toEqual([
      ["file[/etc/issue]", "pending", ["create with 4 bytes"]],
      ["file[/etc/linked]", "pending", ["replace the link with a file of 5 bytes"]],
      [conf, "pending", ["content a → b"]],
      ["link[/x]", "unchanged", []],
      [unit, "unchanged", []],
      ["user[eve]", "pending", ["remove"]],
    ]);
  });

  test("is shown as a change of what is there, never as new", () => {
    const { servers } = previewOf(onePlan, { steps: [made({ foreseen })] });
    const items = servers.flatMap((server) => server.items).map(({ address, operation, lines }) => [address, operation, lines] as const);
    expect(items.map(([address, operation]) => [address, operation])).toEqual([
      ["file[/etc/issue]", "create"],
      ["file[/etc/linked]", "update"],
      [conf, "update"],
      [unit, "update"],
      ["user[eve]", "delete"],
    ]);
    const linesOf = (address: string) => items.find(([each]) => each === address)?.[2];
    expect(linesOf(conf)).toEqual([" content:", "@@ -1 +1 @@", "-theirs", "+ours"]);
    expect(linesOf(unit)).toEqual([" restart"]);
    expect(linesOf("file[/etc/linked]")?.slice(0, 2)).toEqual([" replaces the link that is there", "+content:"]);
    expect(linesOf("user[eve]")).toEqual([" remove"]);
  });

  test("what an up refuses is neither new nor missing: it says why, in the sum too", () => {
    const address = "git[/home/isucon/webapp]";
    const why = "the folder holds 3 entries without git";
    const git = { path: "/home/isucon/webapp", repository: "/srv/app.git", ref: "main" };
    const refusal = { there: {}, changes: { [address]: [`refuse: ${why}`] } };
    const [first, later] = [
      { op: "create", urn: urn("isu1-base"), newState: state({ [address]: git }, { foreseen: refusal }) },
      { op: "update", urn: urn("isu1-base"), oldState: state({}), newState: state({ [address]: git }, { foreseen: refusal }) },
    ];
    for (const step of [first, later]) {
      const preview = previewOf(onePlan, { steps: [step] } as unknown as Parameters<typeof previewOf>[1]);
      expect(previewText(preview)).toContain(`  ! ${address}  base\n      !up refuses it: ${why}\n`);
      expect(previewText(preview)).toMatch(/, 1 that up refuses$/);
      const reports = reportsOf({ steps: [step] } as unknown as Parameters<typeof reportsOf>[0]);
      expect(reports.flatMap(({ results }) => results)).toEqual([{ address, outcome: "pending", changes: [`refuse: ${why}`] }]);
    }
  });

  test("whose resources nobody can know yet is one line with the reason", () => {
    const steps = ["mysql", "redis"].map(unlooked);
    const reports = reportsOf({ steps });
    expect(reports.map(({ role, results }) => [role, results.map(({ outcome }) => outcome)])).toEqual([
      ["mysql", ["skipped"]],
      ["redis", ["skipped"]],
    ]);
    expect(printers.text(reports, { all: false })).toContain("the server's own facts");
    const { servers } = previewOf(onePlan, { steps });
    expect(servers.flatMap(({ items }) => items.map(({ address }) => address))).toEqual(["role[mysql]", "role[redis]"]);
    expect(JSON.stringify([reports, servers])).not.toMatch(/undefined|NaN|04da6b54/);
  });
});

describe("a role that is there, and is to be otherwise", () => {
  const [conf, block, unit] = ["file[/etc/motd]", "block[/home/isucon/env.sh:app]", "service[nginx.service]"] as const;
  const of = (content: string, mode: string) => ({
    [conf]: file(content),
    [block]: { path: "/home/isucon/env.sh", name: "app", content: "A=1\n", mode },
    [unit]: { unit: "nginx.service" },
  });
  const changed = (content: string, changes: Readonly<Record<string, readonly string[]>>, follows?: readonly string[]) => ({
    op: "update",
    urn: urn("isu1-base"),
    oldState: state(of("a\n", "0644")),
    newState: state(of(content, "0600"), { foreseen: { there: {}, changes, follows } }),
    detailedDiff: {
      [`resources[${JSON.stringify(block)}].mode`]: { kind: "update" },
      ...(content !== "a\n" && { [`resources[${JSON.stringify(conf)}].content`]: { kind: "update" } }),
    },
  });
  const shown = (steps: readonly ReturnType<typeof changed>[]) => {
    const { servers, counts } = previewOf(onePlan, { steps, changeSummary: { update: 1 } } as Parameters<typeof previewOf>[1]);
    return { items: servers.flatMap(({ items }) => items.map(({ address }) => address)), update: counts.update };
  };
  const pending = (steps: readonly ReturnType<typeof changed>[]) =>
    reportsOf({ steps } as unknown as Parameters<typeof reportsOf>[0]).flatMap(({ results }) =>
      results.filter(({ outcome }) => outcome === "pending").map(({ address }) => address),
    );

  test("shows what an up plans, with what it brings along, and nothing else", () => {
    const steps = [changed("b\n", { [conf]: ["content a → b"], [unit]: ["reload"], "file[/etc/old]": ["remove the file"] })];
    expect(shown(steps)).toEqual({ items: [conf, unit, "file[/etc/old]"].sort(), update: 1 });
    expect(pending(steps)).toEqual([conf, unit, "file[/etc/old]"].sort());
  });

  test("counts no difference where something only follows from one, and shows it: a reload, another role's too", () => {
    const other = "service[app.service]";
    const steps = [changed("b\n", { [conf]: ["content a → b"], [unit]: ["reload"], [other]: ["reload"] }, [unit, other])];
    expect(pending(steps)).toEqual([conf]);
    expect(shown(steps).items).toEqual([conf, unit, other].sort());
    const { servers } = previewOf(onePlan, { steps } as unknown as Parameters<typeof previewOf>[1]);
    const reloads = servers.flatMap(({ items }) => items).filter(({ address }) => address !== conf);
    expect(reloads.map(({ operation, lines }) => [operation, lines])).toEqual(Array(2).fill(["update", [" reload"]]));
    expect(
      markdown([previewOf(onePlan, { steps, changeSummary: { update: 1 } } as unknown as Parameters<typeof previewOf>[1])], {
        notes: [],
      }).join("\n"),
    ).toContain("<b>isu1</b>: 1 planned<");
  });

  test("says of a service that it restarts, not what it listens to, and of a folder that was there what is changed", () => {
    const [folder, fresh] = ["directory[/etc/sudoers.d]", "directory[/new]"] as const;
    const files = Array.from({ length: 14 }, (_, index) => `file[/etc/mysql/${index}]`);
    const mode = (path: string, value: string) => ({ path, mode: value, keep: false, after: [conf] });
    const service = (restartOn: readonly string[]) => ({ [unit]: { unit: "nginx.service", enabled: restartOn.length > 13, restartOn } });
    const changes = {
      [unit]: ["enable at boot", `restart after the change of ${files[13]}`],
      [folder]: ["mode a → b"],
      [fresh]: ["create"],
    };
    const wanted = { ...service(files), [folder]: mode("/etc/sudoers.d", "0755"), [fresh]: mode("/new", "0755") };
    const step = (enabled: boolean, op = "update") => ({
      op,
      urn: urn("isu1-base"),
      ...(op === "update" && { oldState: state({ [unit]: { ...service(files.slice(1))[unit], enabled } }) }),
      newState: state(wanted, {
        foreseen: { there: { [folder]: mode("/etc/sudoers.d", "0750"), [unit]: { ...service([])[unit], enabled } }, changes },
      }),
      detailedDiff: {
        [`resources[${JSON.stringify(unit)}].restartOn[13]`]: { kind: "add" },
        ...Object.fromEntries([folder, fresh].map((address) => [`resources[${JSON.stringify(address)}]`, { kind: "add" }])),
      },
    });
    const items = (steps: readonly object[]) => {
      const { servers } = previewOf(onePlan, { steps } as unknown as Parameters<typeof previewOf>[1]);
      return Object.fromEntries(servers.flatMap((server) => server.items).map((each) => [each.address, [each.operation, ...each.lines]]));
    };
    const restart = ` restart after the change of ${files[13]}`;
    const folders = { [folder]: ["update", "-mode: 0750", "+mode: 0755"], [fresh]: ["create", "+mode: 0755"] };
    expect(items([step(false)])).toEqual({ [unit]: ["update", "-enabled: false", "+enabled: true", restart], ...folders });
    expect(items([step(false, "create")])).toEqual(items([step(false)]));
    expect(items([step(true)])[unit]).toEqual(["update", " enable at boot", restart]);
    const reports = reportsOf({ steps: [step(true)] } as unknown as Parameters<typeof reportsOf>[0]);
    expect(reports.flatMap(({ results }) => results.map(({ address, changes: said }) => [address, said]))).toEqual([
      [folder, ["mode a → b"]],
      [fresh, ["is missing"]],
      [unit, changes[unit]],
    ]);
  });

  test("what runs otherwise says so in its own sentence, in a report and in a preview", () => {
    const [live, check] = ["live[redis]", "check[redis]"];
    const [of, open] = [{ of: "redis", file: "/etc/redis/redis.conf" }, { name: "redis" }];
    const sentences = ["maxclients is `9` live, `100` in /etc/redis/redis.conf", "open, but nginx answers there"];
    const step = {
      op: "update",
      urn: urn("isu1-redis"),
      oldState: state({ [live]: { ...of, differs: sentences[0] }, [check]: { ...open, differs: sentences[1] } }),
      newState: state({ [live]: of, [check]: open }),
      detailedDiff: Object.fromEntries(
        [live, check].map((address) => [`resources[${JSON.stringify(address)}].differs`, { kind: "delete" }]),
      ),
    };
    const steps = { steps: [step] } as unknown as Parameters<typeof reportsOf>[0];
    const results = reportsOf(steps).flatMap((report) => report.results);
    expect(results.map(({ address, changes }) => [address, changes])).toEqual([
      [check, [sentences[1]]],
      [live, [sentences[0]]],
    ]);
    const items = previewOf(onePlan, steps as Parameters<typeof previewOf>[1]).servers.flatMap((server) => server.items);
    expect(items.map(({ lines }) => lines)).toEqual([[` ${sentences[1]}`], [` ${sentences[0]}`]]);
  });

  test("says of what is missing what stands in its place", () => {
    const address = "file[/etc/motd]";
    const step = (instead?: string) => ({
      op: "update",
      urn: urn("isu1-base"),
      oldState: state({}),
      newState: state(
        { [address]: file("ours\n") },
        {
          foreseen: { there: {}, changes: { [address]: ["create"] }, ...(instead && { instead: { [address]: instead } }) },
        },
      ),
      detailedDiff: { [`resources[${JSON.stringify(address)}]`]: { kind: "add" } },
    });
    const said = (instead?: string) =>
      reportsOf({ steps: [step(instead)] } as unknown as Parameters<typeof reportsOf>[0]).flatMap(({ results }) => results[0]?.changes);
    expect(said("link to `/nowhere`")).toEqual(["is missing: a link to `/nowhere` stands in its place"]);
    expect(said()).toEqual(["is missing"]);
  });

  test("shows nothing, and counts nothing, where an up would do nothing", () => {
    const steps = [changed("a\n", {})];
    expect(shown(steps)).toEqual({ items: [], update: 0 });
    expect(pending(steps)).toEqual([]);
  });
});

test("what a creation would come to is read from the event behind it", () => {
  const type = "fleet:index:Host";
  const of = "urn:pulumi:s::contest-fleet::fleet:index:TeamFleet$fleet:index:Host::s-isu3";
  const now = { type, inputs: { name: "isu3" }, outputs: {} };
  const events = [
    { resourcePreEvent: { metadata: { op: "create", urn: of, old: null, new: now } } },
    { resOutputsEvent: { metadata: { op: "create", urn: of, new: { ...now, outputs: { problem: "isu3: no route" } } } } },
  ];
  const [report] = reportsOf(digestOf(events.map((each) => JSON.stringify(each)).join("\n")));
  expect(report?.results[0]).toMatchObject({ address: "host[isu3]", outcome: "failed", reason: "isu3: no route" });
});

describe("what comes new to a role that is there, by the engine's events", () => {
  const [folder, team, fresh] = ["directory[/etc/update-motd.d]", "file[/etc/update-motd.d/99-team]", "file[/etc/new]"] as const;
  const linked = "file[/etc/linked]";
  const type = "fleet:index:Role";
  const there = { [folder]: { path: "/etc/update-motd.d" }, [team]: file("theirs\n") };
  const wanted = { [folder]: there[folder], [team]: file("ours\n"), [fresh]: file("x\n"), [linked]: file("l\n") };
  const changes = { [linked]: ["replace the link"], [fresh]: ["create with 2 bytes"], [team]: ["content a → b"] };
  const foreseen = { there, instead: { [linked]: "link" }, changes };
  const now = { type, inputs: { host: "isu1", role: "base", resources: wanted }, outputs: {} };
  const detailedDiff = Object.fromEntries(Object.keys(wanted).map((address) => [`resources[${JSON.stringify(address)}]`, { kind: "add" }]));
  const told = (op: "create" | "update") => {
    const of = { op, urn: urn("isu1-base"), type };
    const old = op === "update" ? { old: state({}), detailedDiff } : {};
    const events = [
      { sequence: 1, timestamp: 1, resourcePreEvent: { metadata: { ...of, ...old, new: now } } },
      { sequence: 2, timestamp: 1, resOutputsEvent: { metadata: { ...of, new: { ...now, outputs: { foreseen } } } } },
    ];
    return digestOf(events.map((each) => JSON.stringify(each)).join("\n"));
  };
  const items = (op: "create" | "update") => previewOf(onePlan, told(op)).servers.flatMap((server) => server.items);

  test("is shown as a diff against what it replaces; a folder that is there not at all", () => {
    expect(items("update").map(({ address, operation }) => [address, operation])).toEqual([
      [linked, "update"],
      [fresh, "create"],
      [team, "update"],
    ]);
    expect(items("update").find(({ address }) => address === team)?.lines).toEqual([" content:", "@@ -1 +1 @@", "-theirs", "+ours"]);
    expect(reportsOf(told("update"))[0]?.results).toMatchObject([
      { address: folder, outcome: "unchanged" },
      { address: linked, outcome: "pending", changes: ["is missing: a link stands in its place"] },
      { address: fresh, outcome: "pending", changes: ["is missing"] },
      { address: team, outcome: "pending", changes: ["content a → b"] },
    ]);
  });

  test("is shown as it is where the role is new", () => {
    expect(items("update")).toEqual(items("create"));
  });
});

describe("printers", () => {
  test("text", () => {
    expect(printers.text(reportsOf(drifted), { all: false })).toContain("2 resources on 1 server: 2 differ");
    expect(printers.text(reportsOf(right), { all: false })).toBe("1 resource on 1 server: all as it should be");
  });

  test("junit is well-formed whatever a server says", () => {
    const text = printers.junit(
      [{ host: "a<b", role: "r", results: [{ address: "file[/x]", outcome: "failed", changes: [], reason: 'bad "&" \u001b[31m' }] }],
      { all: true },
    );
    expect(text).toContain(
      '<testcase classname="a&#60;b.r" name="file[/x]"><failure message="failed">bad &#34;&#38;&#34; ?[31m</failure></testcase>',
    );
  });
});

describe("what stands around the servers", () => {
  const at = (type: string, name: string) => `urn:pulumi:s::contest-fleet::fleet:index:TeamFleet$fleet:aws:Network$${type}::${name}`;
  const group = at("aws:ec2/securityGroup:SecurityGroup", "doors");

  test("a look that changes nothing is right; the engine's own and the fleet's resources are not told here", () => {
    const steps = [
      { op: "refresh", urn: group },
      { op: "same", urn: at("aws:ec2/vpc:Vpc", "net") },
      { op: "create", urn: at("fleet:index:KeyPair", "key") },
      { op: "update", urn: at("pulumi:providers:aws", "aws") },
    ];
    const results = ["aws:ec2/securityGroup:SecurityGroup[doors]", "aws:ec2/vpc:Vpc[net]"].map((address) => {
      return { address, outcome: "unchanged", changes: [] };
    });
    expect(aroundReports({ steps })).toEqual([{ host: "aws", role: "resources", results }]);
    expect(aroundReports({ steps: steps.slice(2) })).toEqual([]);
  });

  test("what differs says in which properties, what is gone that it is missing", () => {
    const detailedDiff = { "ingress[0].cidrBlocks": { kind: "update" }, "ingress[1]": { kind: "add" }, tags: { kind: "update" } };
    const steps = [
      { op: "refresh", urn: group },
      { op: "update", urn: group, detailedDiff },
      { op: "create", urn: at("aws:sqs/queue:Queue", "work") },
    ];
    expect(aroundReports({ steps })[0]?.results).toEqual([
      {
        address: "aws:ec2/securityGroup:SecurityGroup[doors]",
        outcome: "pending",
        changes: ["ingress, tags: not as the stack file says (update)"],
      },
      { address: "aws:sqs/queue:Queue[work]", outcome: "pending", changes: ["is missing"] },
    ]);
  });
});

test("the sum of a run on several servers: that all went well, or how many did not", () => {
  expect(sumOfRun([{ code: 0 }, { code: 0 }])).toBe("2 servers, each with exit code 0");
  expect(sumOfRun([{ code: 0 }, { code: 1 }, {}])).toBe("2 of 3 servers failed");
});

test("servers stand in the stack file's order, what is around them first, roles as they came", () => {
  const report = (host: string, role: string) => ({ host, role, results: [] });
  const came = [report("isu3", "host"), report("aws", "resources"), report("isu1", "base"), report("isu3", "base"), report("isu1", "app")];
  expect(inStackOrder(came, ["isu1", "isu2", "isu3"]).map(({ host, role }) => `${host} ${role}`)).toEqual([
    ...["aws resources", "isu1 base", "isu1 app", "isu3 host", "isu3 base"],
  ]);
});
