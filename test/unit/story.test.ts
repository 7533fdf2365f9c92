// A run of the engine in the fleet's own words: from recorded events to lines.
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { Screen } from "../../cli/run/show.ts";
import { type RunEvent, Story } from "../../cli/run/story.ts";
import { heldSentence, type Result } from "../../provisioners/engine/report.ts";

const urn = (type: string, name: string) => `urn:pulumi:t::contest-fleet::fleet:index:TeamFleet$${type}::${name}`;
const role = (name: string) => urn("fleet:index:Role", `team-${name}`);
const begins = (op: string, of: string, resources: object = {}): RunEvent => ({
  resourcePreEvent: { metadata: { op, urn: of, new: { custom: true, inputs: { resources } } } },
});
const ends = (op: string, of: string): RunEvent => ({ resOutputsEvent: { metadata: { op, urn: of, new: { custom: true } } } });
const says = (of: string, message: string, severity = "info", ephemeral = true): RunEvent => ({
  diagnosticEvent: { urn: of, message, severity, ephemeral },
});
const told = (story: Story, ...events: readonly RunEvent[]) =>
  events.flatMap((each) => story.take(each).map(({ kind, text }) => `${kind} ${text}`));

test("changes as they land: server, role, resource, what; a command's own output is not one", () => {
  const story = new Story("team", ["isu1", "isu1-b"]);
  const lines = told(
    story,
    begins("update", role("isu1-nginx")),
    says(role("isu1-nginx"), "file[/etc/nginx/nginx.conf]: content 1747d142 → aedfdb58"),
    says(role("isu1-nginx"), "Setting up nginx (1.22.1) ..."),
    says(role("isu1-b-base"), "<{%reset%}>package[jq]: install<{%reset%}>"),
  );
  expect(lines).toEqual([
    "change isu1 nginx: file[/etc/nginx/nginx.conf]: content 1747d142 → aedfdb58",
    "change isu1-b base: package[jq]: install",
  ]);
  expect(story.servers).toEqual([
    { name: "isu1", state: "running", doing: "nginx: file[/etc/nginx/nginx.conf]: content 1747d142 → aedfdb58", changes: 1 },
    { name: "isu1-b", state: "waits", doing: "base: package[jq]: install", changes: 1 },
  ]);
});

test("what is taken away, and that nothing of it was there", () => {
  const story = new Story("team", ["isu1"], true);
  const summary = (resourceChanges: Record<string, number>): RunEvent => ({ summaryEvent: { resourceChanges } });
  expect(told(story, begins("delete", role("isu1-base")), says(role("isu1-base"), "file[/home/i\u2060sucon/.x]: remove the file"))).toEqual(
    ["change isu1 base: file[/home/isucon/.x]: remove the file"],
  );
  told(story, ends("delete", role("isu1-base")), summary({ delete: 4 }));
  expect(story.sum(2)).toBe("team: 1 change on 1 server; 2.0 s");
  const none = new Story("team", ["isu1"], true);
  told(none, summary({}));
  expect(none.sum(1)).toBe("team: nothing of it was there");
});

test("the sum: what changed, what did not, what failed, and the time", () => {
  const story = new Story("team", ["isu1", "isu2", "isu3"]);
  told(
    story,
    begins("update", role("isu1-nginx")),
    says(role("isu1-nginx"), "file[/a]: content"),
    says(role("isu1-nginx"), "service[nginx.service]: reload"),
    ends("update", role("isu1-nginx")),
    says(role("isu2-mysql"), "1 of 3 resources failed\nservice[mariadb.service]: does not start", "error", false),
    { summaryEvent: { resourceChanges: { update: 1, same: 8 } } },
  );
  expect(story.sum(8.2)).toBe("team: 2 changes on 1 server, 1 server unchanged, 1 failed; 8.2 s");
});

test("what was refused, rolled back or never began is no change", () => {
  const story = new Story("team", ["isu1", "isu2", "isu3"]);
  const result = (address: Result["address"], outcome: Result["outcome"], ...changes: readonly string[]): Result => ({
    address,
    outcome,
    changes,
  });
  const of = role("isu1-nginx");
  told(
    story,
    begins("update", of),
    says(of, "file[/etc/nginx/nginx.conf]: content"),
    says(of, "service[nginx.service]: reload"),
    says(of, "rolled back: /etc/nginx/nginx.conf"),
    says(
      of,
      heldSentence([result("file[/etc/nginx/nginx.conf]", "skipped", "content"), result("service[nginx.service]", "failed", "reload")]),
    ),
    says(of, "isu1/nginx: 1 of 2 resources failed\nservice[nginx.service]: x", "error", false),
    { resOpFailedEvent: { metadata: { op: "update", urn: of } } },
  );
  expect([story.changed, story.sum(8)]).toEqual([false, "team: 2 servers unchanged, 1 failed; 8.0 s"]);

  const door = role("isu2-base");
  told(
    story,
    begins("update", door),
    says(door, "file[/etc/ssh/sshd_config]: content"),
    says(door, "file[/etc/ssh/sshd_config]: log in once more: the way in was changed (sshd)"),
    says(door, heldSentence([result("file[/etc/ssh/sshd_config]", "changed", "content")])),
    ends("update", door),
  );
  expect(story.sum(8)).toBe("team: 1 change on 1 server, 1 server unchanged, 1 failed; 8.0 s");
});

test("of a role whose link broke the last step counts as nothing; one that is replaced has two runs", () => {
  const story = new Story("team", ["isu1"]);
  const of = role("isu1-base");
  told(story, begins("update", of), says(of, "file[/a]: content"), says(of, "file[/b]: content"), {
    resOpFailedEvent: { metadata: { op: "update", urn: of } },
  });
  expect(story.servers[0]).toMatchObject({ changes: 1 });
  told(story, begins("create", of), says(of, "file[/c]: content"), says(of, "1 step done for good"));
  expect(story.servers[0]).toMatchObject({ changes: 2 });
});

test("nothing to do, in the words of the quick answer", () => {
  const story = new Story("team", ["isu1"]);
  told(story, begins("same", role("isu1-base"), { "file[/a]": {}, "file[/b]": {} }), { summaryEvent: { resourceChanges: { same: 4 } } });
  expect(story.changed).toBe(false);
  expect(story.sum(1)).toBe("team: nothing to do; 2 resources on 1 server as they should be");
});

test("a run that ended before its end is not called nothing to do", () => {
  expect(new Story("team", ["isu1"]).sum(1)).not.toContain("nothing to do");
});

test("failures stand once, in their own words, and not what only follows from them", () => {
  const story = new Story("team", ["isu1"]);
  const failure = says(
    role("isu1-mysql"),
    "error: isu1/mysql: 1 of 3 resources failed\nservice[mariadb.service]: does not start",
    "error",
    false,
  );
  const lines = told(
    story,
    failure,
    failure,
    says(urn("pulumi:pulumi:Stack", "s"), "Error: resource team-isu1-mysql [fleet:index:Role] failed to register", "error", false),
  );
  expect(lines).toEqual(["failure isu1 mysql: isu1/mysql: 1 of 3 resources failed\nservice[mariadb.service]: does not start"]);
  expect(story.unexplained).toEqual([]);
});

test("the engine's own words around a failure that is told are left out, wherever they come from", () => {
  const story = new Story("team", ["isu2"]);
  const lines = told(
    story,
    says(role("isu2-app"), "error: isu2/app: 1 of 3 resources failed\ngit[/srv/app]: no answer", "error", false),
    says(role("isu2-app"), "1 error occurred:\n\t* git[/srv/app]: no answer", "error", false),
    says(urn("pulumi:pulumi:Stack", "s"), "Error: resource team-isu2-app [fleet:index:Role] failed to register", "info#err", false),
    says(urn("pulumi:pulumi:Stack", "s"), "1 error occurred:", "info#err", false),
    says(urn("aws:ec2/vpc:Vpc", "v"), "deleting v: 1 error occurred:\n\t* in use\n\n", "error", false),
  );
  expect(lines).toEqual(["failure isu2 app: isu2/app: 1 of 3 resources failed\ngit[/srv/app]: no answer", "failure deleting v: in use"]);
});

test("what only follows is said where nothing else was", () => {
  const story = new Story("team", ["isu1"]);
  told(story, says("", "resource monitor shut down", "error", false));
  expect(story.unexplained).toEqual(["resource monitor shut down"]);
});

test("warnings, and what a resource says for good, stand once", () => {
  const story = new Story("team", ["isu1"]);
  const pin = says(
    urn("fleet:index:HostKey", "team-isu1-host-key"),
    "isu1: the stack file names no hostKey; pins what 192.0.2.1 shows: SHA256:x",
    "info#err",
    false,
  );
  expect(told(story, pin, pin, says(role("isu1-base"), "warning: x", "warning", false))).toEqual([
    "note isu1 host-key: the stack file names no hostKey; pins what 192.0.2.1 shows: SHA256:x",
    "note isu1 base: x",
  ]);
});

test("a server that is off: named once in its place, and in its line how long it is waited for yet", () => {
  const story = new Story("team", ["isu1", "isu2"]);
  const host = urn("fleet:index:Host", "team-isu2");
  const lines = told(
    story,
    begins("update", host),
    says(host, "waits 118 of 120 s more: no route to `10.0.0.2:22`"),
    says(host, "isu2: no route to `10.0.0.2:22`", "warning", false),
    says(role("isu2-base"), "shows what the state remembers, not what is there now: isu2: no route to `10.0.0.2:22`", "warning", false),
    says(role("isu2-nginx"), "shows what the state remembers, not what is there now: isu2: no route to `10.0.0.2:22`", "warning", false),
    says(host, "isu2: not ready after 120 s; the last try: no route to `10.0.0.2:22`", "error", false),
  );
  expect(lines).toEqual([
    "note isu2: no route to `10.0.0.2:22`",
    "failure isu2: not ready after 120 s; the last try: no route to `10.0.0.2:22`",
  ]);
  expect(story.servers[1]).toMatchObject({ state: "running", doing: "waits 118 of 120 s more: no route to `10.0.0.2:22`", changes: 0 });
});

test("machines and what is AWS's are named when they are there; keys and roles are not", () => {
  const story = new Story("team", ["isu1"]);
  const machine = urn("fleet:index:Machine", "team-isu1-machine");
  expect(
    told(
      story,
      begins("create", machine),
      ends("create", machine),
      ends("create", role("isu1-base")),
      ends("create", urn("fleet:index:KeyPair", "k")),
    ),
  ).toEqual(["change isu1: machine created"]);
});

function screen(servers: number, tty: boolean) {
  const stream = new PassThrough();
  const said: string[] = [];
  stream.on("data", (chunk) => said.push(String(chunk)));
  const out = Object.assign(stream, { isTTY: tty, rows: 24, columns: 80 }) as unknown as NodeJS.WriteStream;
  return { screen: new Screen(out, servers), text: () => stripVTControlCharacters(said.join("")) };
}

test("elsewhere than on a terminal: a line a change, and no other", () => {
  const { screen: shown, text } = screen(1, false);
  const story = new Story("team", ["isu1"]);
  shown.print(story.take(says(role("isu1-base"), "file[/a]: content\u001b[2J")));
  shown.draw(story);
  shown.end();
  expect(text()).toBe("isu1 base: file[/a]: content\n");
});

test("on a terminal: a line a server, within its width, the changes above", () => {
  const { screen: shown, text } = screen(2, true);
  const story = new Story("team", ["isu1", "isu2"]);
  shown.print(story.take(says(role("isu1-base"), `file[/a]: ${"x".repeat(200)}`)));
  story.take(begins("update", role("isu1-base")));
  shown.draw(story);
  shown.end();
  const lines = text().split("\n");
  expect(lines[0]).toMatch(/^isu1 base: file\[\/a\]: x+$/);
  const live = lines.slice(1).filter((line) => line.includes("isu"));
  expect(live.length).toBeGreaterThan(1);
  expect(live.every((line) => line.length <= 80)).toBe(true);
  expect(live[0]).toMatch(/^isu1 {2}running {2}1 changed, 0 s/);
  expect(live[1]).toMatch(/^isu2 {2}waits/);
});

test("what comes after the end is drawn no more", () => {
  const { screen: shown, text } = screen(1, true);
  const story = new Story("team", ["isu1"]);
  shown.draw(story);
  shown.end();
  const before = text();
  shown.draw({ servers: [{ name: "isu1", state: "done", doing: "", changes: 3 }] });
  shown.end();
  expect([before, text()]).toEqual([expect.stringContaining("isu1  waits"), before]);
});
