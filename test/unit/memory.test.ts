// What a server remembers: scripts run for real, on this computer, in a folder of their own.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  claimServer,
  converge,
  failures,
  giveBack,
  inspect,
  ownerBeside,
  purgeAll,
  releaseServer,
} from "../../provisioners/engine/converge.ts";
import { lineOf, memoryIn } from "../../provisioners/engine/journal.ts";
import { storeKey } from "../../provisioners/engine/prelude.ts";
import { missingPath } from "../../provisioners/engine/probe.ts";
import { leavings } from "../../provisioners/engine/purge.ts";
import type { Address, Common } from "../../provisioners/resources/kind.ts";
import { kindOf, kinds } from "../../provisioners/resources/kinds.ts";
import { type Declared, want } from "../../provisioners/resources/want.ts";
import { casesOf, kindsWithCases } from "../support/kind-cases.ts";
import { type LocalShell, localShell } from "../support/local-shell.ts";

let shell: LocalShell;
beforeEach(() => {
  shell = localShell();
});
afterEach(() => shell.close());

const who = userInfo().username;
const mine = { owner: who, group: who };
const at = (name: string): string => (name.startsWith("memory/") ? join(shell.memory, name.slice(7)) : join(shell.root, name));
const read = (name: string): string | undefined => (existsSync(at(name)) ? readFileSync(at(name), "utf8") : undefined);
const there = (name: string, text: string, mode = 0o640): void => {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
  chmodSync(at(name), mode);
};
const ours = (name: string, content = "ours\n"): Declared => want.file({ path: at(name), content, ...mine });
const of = (...declared: readonly Declared[]): Record<Address, Common> =>
  Object.fromEntries(declared.map(({ address, want: each }) => [address, each]));
const journal = (): string => join(shell.memory, "journal");
const outcomes = async (role: string, wants: Record<Address, Common>, by = role) =>
  (await converge(shell, role, wants, { by })).results.map(({ address, outcome }) => [address.replace(shell.root, ""), outcome]);

describe("a run that undoes one thing and changes another for the first time", () => {
  test("forgets the first and remembers the second", async () => {
    there("a", "theirs a\n");
    there("b", "theirs b\n", 0o4751);
    await converge(shell, "app", of(ours("a")));
    await converge(shell, "app", of(ours("b")));
    expect([read("a"), read("b")]).toEqual(["theirs a\n", "ours\n"]);
    await converge(shell, "app", of(ours("b", "ours, changed\n")));
    await converge(shell, "app", {});
    expect([read("a"), read("b"), statSync(at("b")).mode & 0o7777]).toEqual(["theirs a\n", "theirs b\n", 0o4751]);
    expect(existsSync(shell.memory)).toBe(false);
  });
});

describe("a folder where a link of ours stands", () => {
  const folder = (name: string): Declared => want.directory({ path: at(name), keep: true, ...mine });
  const link = (target: string): Declared => want.link({ path: at("lnk"), target });
  const targets = { "that leads to a folder": "real", "that leads nowhere": "nowhere" };
  const lives: Readonly<Record<string, (target: string) => readonly Declared[]>> = {
    "at once": (target) => [link(target)],
    "after it led elsewhere": (target) => [link("elsewhere"), link(target)],
    "after it was a folder": (target) => [folder("lnk"), link(target)],
  };
  for (const [which, target] of Object.entries(targets)) {
    for (const [life, steps] of Object.entries(lives)) {
      test(`${which}, ${life}: the folder takes its place, and its files are not written over what the link led to`, async () => {
        there("real/a", "theirs\n");
        there("real/same", "same\n");
        for (const step of steps(target)) await converge(shell, "files", of(step));
        const wants = of(folder("lnk"), ours("lnk/a"), ours("lnk/same", "same\n"));
        expect(failures(await converge(shell, "files", wants))).toEqual([]);
        expect([read("lnk/a"), read("lnk/same"), read("real/a"), read("real/same")]).toEqual(["ours\n", "same\n", "theirs\n", "same\n"]);
        expect((await inspect(shell, "files", wants)).report.results.map(({ outcome }) => outcome)).toEqual([
          "unchanged",
          "unchanged",
          "unchanged",
        ]);
        await converge(shell, "files", {});
        expect([existsSync(at("lnk")), read("real/a"), read("real/same")]).toEqual([false, "theirs\n", "same\n"]);
      });
    }
  }

  test("somebody's own is followed, also where ours led elsewhere before", async () => {
    there("real/a", "theirs\n");
    await converge(shell, "files", of(link("nowhere")));
    rmSync(at("lnk"));
    symlinkSync("real", at("lnk"));
    await converge(shell, "files", of(folder("lnk"), ours("lnk/b")));
    expect([readlinkSync(at("lnk")), read("real/b"), read("real/a")]).toEqual(["real", "ours\n", "theirs\n"]);
  });
});

describe("a whole file and a block of ours at one path", () => {
  const part = (name: string): Declared => want.block({ path: at(name), name: "team", content: "ours\n", ...mine });
  const whole = (name: string): Declared => ours(name, "team's\n# BEGIN fleet team\nours\n# END fleet team\n");
  const lives = {
    "the block first": [part, whole],
    "the file first": [whole, part],
    "by turns": [part, whole, part, whole],
    "and back": [whole, part, whole, part],
  } as const;

  test.each(Object.keys(lives) as (keyof typeof lives)[])("%s: what was there comes back", async (life) => {
    there("hosts", "theirs\n", 0o4751);
    there("unended", "theirs");
    there("empty", "");
    const names = ["hosts", "unended", "empty", "new"];
    for (const made of lives[life]) expect(failures(await converge(shell, "app", of(...names.map(made))))).toEqual([]);
    expect(failures(await converge(shell, "app", {}))).toEqual([]);
    expect(names.map(read)).toEqual(["theirs\n", "theirs", "", undefined]);
    expect(statSync(at("hosts")).mode & 0o7777).toBe(0o4751);
    expect(existsSync(shell.memory)).toBe(false);
  });
});

describe("the journal", () => {
  test("with a line that a full disk tore is read, said and mended, and what comes next is not glued to it", async () => {
    there("a", "theirs a\n");
    there("b", "theirs b\n");
    await converge(shell, "app", of(ours("a")));
    appendFileSync(journal(), '0123456789abcdef {"first":{"address":"file[/x');
    const looked = await inspect(shell, "app", of(ours("a")));
    expect(looked.report.notes).toEqual([expect.stringContaining("1 line that no run wrote to the end")]);
    await converge(shell, "app", of(ours("a"), ours("b")));
    expect(memoryIn(readFileSync(journal()))).toMatchObject({ damaged: 0 });
    expect((await inspect(shell, "app", of(ours("a"), ours("b")))).report.notes).toEqual([]);
    await converge(shell, "app", {});
    expect([read("a"), read("b"), existsSync(shell.memory)]).toEqual(["theirs a\n", "theirs b\n", false]);
  });

  test.each([
    ["bytes that are no text", Buffer.from([0, 255, 10, 254, 0])],
    ["somebody's own line", "rm -rf /\n"],
    ["a record that was altered", lineOf({ undone: "/etc/passwd" }).replace("passwd", "shadow")],
  ])("with %s counts the rest", async (_, damage) => {
    there("a", "theirs a\n");
    await converge(shell, "app", of(ours("a")));
    const whole = readFileSync(journal());
    writeFileSync(journal(), Buffer.concat([Buffer.from(damage), Buffer.from("\n"), whole]));
    await converge(shell, "app", of(ours("a")));
    expect(memoryIn(readFileSync(journal())).damaged).toBe(0);
    await converge(shell, "app", {});
    expect(read("a")).toBe("theirs a\n");
  });

  test("that can't be written stops the run before anything is changed", async () => {
    there("a", "theirs a\n");
    mkdirSync(journal(), { recursive: true });
    expect(await outcomes("app", of(ours("a")))).toEqual([["file[/a]", "failed"]]);
    expect(read("a")).toBe("theirs a\n");
  });

  test("has no size above which it counts as empty", async () => {
    there("a", "theirs a\n");
    await converge(shell, "app", of(ours("a")));
    const first = (index: number) => ({
      address: `file[/srv/${index}]` as Address,
      role: "other",
      ...{ want: ours("x").want, have: missingPath },
    });
    const lines = Array.from({ length: 6000 }, (_, index) =>
      lineOf({ first: { ...first(index), want: { ...first(index).want, path: `/srv/${index}` } as Common } }),
    );
    appendFileSync(journal(), lines.join(""));
    expect(statSync(journal()).size).toBeGreaterThan(1024 * 1024);
    await converge(shell, "app", {});
    expect(read("a")).toBe("theirs a\n");
    expect(memoryIn(readFileSync(journal())).originals.size).toBe(6000);
  });

  test("takes over what an earlier version remembered, without its secrets", async () => {
    const old = ours("a");
    const secret = want.command({ name: "install", run: "true", creates: "/etc", environment: { PASSWORD: "CANARY" } });
    there(`memory/app/originals/${storeKey(old.address)}`, "theirs a\n", 0o640);
    there("a", "ours\n");
    const line = ({ address, want: wanted }: Declared, have: unknown) => `${JSON.stringify({ address, want: wanted, have })}\n`;
    const original = { type: "file", mode: "0640", ...mine, target: "", size: 9 };
    there("memory/app/originals.jsonl", `${line(old, original)}${line(secret, { done: true })}{"torn`);
    await converge(shell, "app", of(ours("a"), secret));
    expect(read("memory/app/originals.jsonl")).toBeUndefined();
    expect(read("memory/journal")).not.toContain("CANARY");
    await converge(shell, "app", {});
    expect([read("a"), existsSync(shell.memory)]).toEqual(["theirs a\n", false]);
  });
});

describe("what is right when it is first wanted", () => {
  const first = () => memoryIn(readFileSync(journal())).originals.get(at("a"));

  test("is the original: what drifted and was healed is not given back", async () => {
    there("a", "ours\n", 0o4751);
    const wants = of(want.file({ path: at("a"), content: "ours\n", mode: "4751", ...mine }));
    expect(await outcomes("app", wants)).toEqual([["file[/a]", "unchanged"]]);
    expect(first()).toMatchObject({ right: true });
    there("a", "broken\n", 0o600);
    expect(await outcomes("app", wants)).toEqual([["file[/a]", "changed"]]);
    expect(first()).not.toHaveProperty("right", true);
    const next = of(want.file({ path: at("a"), content: "ours, changed\n", mode: "4751", ...mine }));
    expect(await outcomes("app", next)).toEqual([["file[/a]", "changed"]]);
    expect(failures(await giveBack(shell))).toEqual([]);
    expect([read("a"), statSync(at("a")).mode & 0o7777, existsSync(shell.memory)]).toEqual(["ours\n", 0o4751, false]);
  });

  test("is left alone where no run ever changed it, and nothing hears of it", async () => {
    there("a", "ours\n");
    const handler = want.handler({ name: "reader", on: [ours("a").address], run: `echo heard >> ${at("heard")}` });
    const wants = of(want.file({ path: at("a"), content: "ours\n", mode: "0640", ...mine }), handler);
    expect((await outcomes("app", wants)).map(([, outcome]) => outcome)).toEqual(["unchanged", "unchanged"]);
    there("a", "somebody's by now\n");
    const { results } = await giveBack(shell);
    expect(results.map(({ outcome, changes }) => [outcome, changes])).toEqual([["unchanged", []]]);
    expect([read("a"), read("heard"), existsSync(shell.memory)]).toEqual(["somebody's by now\n", undefined, false]);
  });

  test("is looked for without a change, and written once", async () => {
    there("a", "ours\n");
    const wants = of(want.file({ path: at("a"), content: "ours\n", mode: "0640", ...mine }));
    await inspect(shell, "app", wants);
    expect(existsSync(shell.memory)).toBe(false);
    await converge(shell, "app", wants);
    const size = statSync(journal()).size;
    await converge(shell, "app", wants);
    expect(statSync(journal()).size).toBe(size);
  });

  test("is remembered before a step of its run, also where that is cut short", async () => {
    there("a", "ours\n");
    const wants = of(
      want.file({ path: at("a"), content: "ours\n", mode: "0640", ...mine }),
      want.file({ path: at("b"), content: "b\n", validate: "false", ...mine }),
    );
    expect((await outcomes("app", wants)).map(([, outcome]) => outcome)).toContain("failed");
    expect(first()).toMatchObject({ right: true });
  });

  test.each(kindsWithCases().filter((name) => kindOf(`${name}[case]`).kind.fleeting))("is nothing of a %s", (name) => {
    const { kind } = kindOf(`${name}[case]`);
    expect([kind.path, kind.standing]).toEqual([undefined, undefined]);
  });
});

describe("what an undo leaves since others put something there", () => {
  const folder = () => want.directory({ path: at("logs"), ...mine });
  const stays = () => memoryIn(readFileSync(journal())).originals.get(at("logs"));

  beforeEach(async () => {
    there("a", "theirs\n");
    await converge(shell, "app", of(ours("a"), folder()));
    there("logs/slow.log", "theirs\n");
    const { results } = await converge(shell, "app", of(ours("a")));
    expect(results.find(({ address }) => address === folder().address)?.stays).toEqual([expect.stringContaining("slow.log")]);
  });

  test("is remembered, stands in no run's way, and goes with the server where it is empty by then", async () => {
    expect(stays()).toMatchObject({ stays: true });
    expect((await inspect(shell, "app", of(ours("a")))).report.results.map(({ address }) => address)).toEqual([ours("a").address]);
    await converge(shell, "app", {});
    expect(stays()).toMatchObject({ stays: true });
    rmSync(at("logs/slow.log"));
    expect(failures(await giveBack(shell))).toEqual([]);
    expect([read("a"), existsSync(at("logs")), existsSync(shell.memory)]).toEqual(["theirs\n", false, false]);
  });

  test("is named once more where it is not, and then forgotten", async () => {
    const { results } = await giveBack(shell);
    expect(results.find(({ address }) => address === folder().address)?.stays).toEqual([expect.stringContaining("slow.log")]);
    expect([read("logs/slow.log"), existsSync(shell.memory)]).toEqual(["theirs\n", false]);
  });

  test("keeps its original where somebody wants it again", async () => {
    expect((await outcomes("other", of(folder()))).map(([, outcome]) => outcome)).toEqual(["unchanged"]);
    expect(stays()).toMatchObject({ have: { type: "missing" } });
    expect(stays()?.stays).toBeUndefined();
    rmSync(at("logs/slow.log"));
    await converge(shell, "other", {});
    expect(existsSync(at("logs"))).toBe(false);
  });
});

describe("folders above what a kind makes", () => {
  const archive = (): Declared => {
    const content = execFileSync("tar", ["-c", "-C", "/etc", "hostname"]);
    const sha256 = createHash("sha256").update(content).digest("hex");
    return want.archive({ path: at("srv/a/b/tools"), content: content.toString("base64"), sha256, ...mine });
  };

  test("go with it where they were not there, and nobody else put something into them", async () => {
    mkdirSync(at("srv"));
    expect(failures(await converge(shell, "app", of(archive())))).toEqual([]);
    await converge(shell, "app", {});
    expect([existsSync(at("srv")), existsSync(at("srv/a")), existsSync(shell.memory)]).toEqual([true, false, false]);
  });

  test("go with the last that lies below, whichever role it is of", async () => {
    await converge(shell, "app", of(archive()));
    await converge(shell, "web", of(ours("srv/a/conf")));
    await converge(shell, "app", {});
    expect(read("srv/a/conf")).toBe("ours\n");
    await converge(shell, "web", {});
    expect([existsSync(at("srv")), existsSync(shell.memory)]).toEqual([false, false]);
  });

  test("stay while somebody wants them as such", async () => {
    await converge(shell, "app", of(archive()));
    const folder = want.directory({ path: at("srv/a"), ...mine });
    await converge(shell, "web", of(folder));
    await converge(shell, "app", {});
    expect([existsSync(at("srv/a")), existsSync(at("srv/a/b"))]).toEqual([true, false]);
  });

  test("stay with what others put into them, and are named once the server is given back", async () => {
    await converge(shell, "app", of(archive()));
    there("srv/a/theirs", "theirs\n");
    await converge(shell, "app", {});
    expect((await giveBack(shell)).notes?.[0]).toContain(`${at("srv/a")} stays, with what others put into it`);
    expect([read("srv/a/theirs"), existsSync(shell.memory)]).toEqual(["theirs\n", false]);
  });
});

describe("wanting is a set", () => {
  test("what two roles want stays until the last one goes, and goes back to what was there before the first", async () => {
    there("shared", "theirs\n");
    await converge(shell, "one", of(ours("shared"), ours("own")));
    await converge(shell, "two", of(ours("shared")));
    expect(await outcomes("one", of(ours("own")))).toEqual([["file[/own]", "unchanged"]]);
    expect(read("shared")).toBe("ours\n");
    expect(await outcomes("two", {})).toEqual([["file[/shared]", "changed"]]);
    expect(read("shared")).toBe("theirs\n");
    await converge(shell, "one", {});
    expect([read("own"), existsSync(shell.memory)]).toEqual([undefined, false]);
  });

  test("a resource of another name takes the wants of the old one over: its delete undoes nothing", async () => {
    there("a", "theirs\n");
    await converge(shell, "app", of(ours("a"), ours("dropped")), { by: "core-isu1-app" });
    await converge(shell, "app", of(ours("a")), { by: "kernel-isu1-app" });
    expect([read("a"), read("dropped")]).toEqual(["ours\n", "ours\n"]);
    expect(await outcomes("app", {}, "core-isu1-app")).toEqual([["file[/dropped]", "changed"]]);
    expect([read("a"), read("dropped")]).toEqual(["ours\n", undefined]);
    await converge(shell, "app", {}, { by: "kernel-isu1-app" });
    expect([read("a"), existsSync(shell.memory)]).toEqual(["theirs\n", false]);
  });

  test("a path that another kind writes by now is the same thing", async () => {
    there("a", "theirs\n");
    await converge(shell, "files", of(ours("a")));
    await converge(shell, "app", of(want.link({ path: at("a"), target: "/etc/hostname" })));
    await converge(shell, "files", {});
    expect(await outcomes("app", of(want.link({ path: at("a"), target: "/etc/hostname" })))).toEqual([["link[/a]", "unchanged"]]);
    await converge(shell, "app", {});
    expect([read("a"), existsSync(shell.memory)]).toEqual(["theirs\n", false]);
  });
});

describe("a service that another role still wants", () => {
  const path = process.env.PATH;
  /** A systemd whose one service runs. It writes down what it is told to do, and which files the service starts with. */
  beforeEach(() => {
    const show = "Id=app.service\\nNames=app.service\\nLoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\n";
    const told = `case $1:$* in show:*--value*) echo loaded ;; show:*) printf '${show}' ;; re*load:*|restart:*) echo "$1 $(cat ${at("a")})" >> ${at("told")} ;; esac`;
    there("bin/systemctl", `#!/bin/sh\n${told}\n`, 0o755);
    process.env.PATH = `${at("bin")}:${path}`;
    there("a", "theirs\n");
  });
  afterEach(() => {
    process.env.PATH = path;
  });

  const valid = () => ({ unit: "app.service", settle: 0, validate: `[ ! -e ${at("bad")} ]` });
  const web = () => of(ours("a"), want.service({ ...valid(), reloadOn: [ours("a").address] }));
  const files = () => of(ours("b"), want.service({ ...valid(), keep: true, reloadOn: [ours("b").address], below: [shell.root] }));
  const told = (): string | undefined => {
    const said = read("told");
    rmSync(at("told"), { force: true });
    return said;
  };

  test.each([
    ["before", () => [["web", web()] as const, ["files", files()] as const]],
    ["after", () => [["files", files()] as const, ["web", web()] as const]],
  ])("hears of what goes back under it, where its own role came %s the other", async (_, roles) => {
    for (const [role, wants] of roles()) await converge(shell, role, wants);
    expect(told()).toContain("reload ours");
    expect(await outcomes("web", {})).toEqual([
      ["file[/a]", "changed"],
      ["service[app.service]", "changed"],
    ]);
    expect(told()).toBe("reload theirs\n");
    expect(await outcomes("web", {})).toEqual([]);
    await giveBack(shell);
    expect([read("a"), read("b"), existsSync(shell.memory)]).toEqual(["theirs\n", undefined, false]);
  });

  test("goes on where its files are refused, and hears of them in the next run", async () => {
    await converge(shell, "web", web());
    await converge(shell, "files", files());
    told();
    there("bad", "");
    expect((await outcomes("web", {})).at(-1)).toEqual(["service[app.service]", "failed"]);
    expect([read("a"), told()]).toEqual(["theirs\n", undefined]);
    rmSync(at("bad"));
    expect((await outcomes("web", {})).at(-1)).toEqual(["service[app.service]", "changed"]);
    expect(told()).toBe("reload theirs\n");
    expect(await outcomes("web", {})).toEqual([]);
  });

  test("hears of what another role was the first to change, when its own role drops it", async () => {
    await converge(shell, "web", web());
    const both = want.service({
      ...valid(),
      keep: true,
      reloadOn: [ours("a"), ours("b")].map(({ address }) => address),
      below: [shell.root],
    });
    await converge(shell, "files", of(ours("a"), ours("b"), both));
    await converge(shell, "web", {});
    told();
    await converge(shell, "files", files());
    expect([read("a"), told()]).toEqual(["theirs\n", "reload theirs\n"]);
  });

  test("does not hear of what goes back elsewhere", async () => {
    await converge(
      shell,
      "files",
      of(ours("b"), want.service({ ...valid(), keep: true, reloadOn: [ours("b").address], below: ["/etc/app"] })),
    );
    await converge(shell, "web", of(ours("a"), want.service({ ...valid() })));
    told();
    expect(await outcomes("web", {})).toEqual([["file[/a]", "changed"]]);
    expect(told()).toBeUndefined();
  });
});

test("a service that one role left to others comes back as it was before another switched it off", async () => {
  const path = process.env.PATH;
  const [active, enabled] = [at("active"), at("enabled")];
  const show = `printf 'Id=app.service\\nNames=app.service\\nLoadState=loaded\\nActiveState=%s\\nUnitFileState=%s\\n' "$(cat ${active})" "$(cat ${enabled})"`;
  const acts = `stop) echo inactive > ${active} ;; start) echo active > ${active} ;; disable) echo disabled > ${enabled} ;; enable) echo enabled > ${enabled} ;;`;
  there(
    "bin/systemctl",
    `#!/bin/sh\ncase $1:$* in show:*--value*) echo loaded; exit ;; show:*) ${show}; exit ;; esac\ncase $1 in ${acts} esac\n`,
    0o755,
  );
  there("active", "active\n");
  there("enabled", "enabled\n");
  process.env.PATH = `${at("bin")}:${path}`;
  try {
    const app = { unit: "app.service", settle: 0 };
    await converge(shell, "files", of(ours("b"), want.service({ ...app, keep: true, reloadOn: [ours("b").address], below: [shell.root] })));
    await converge(shell, "base", of(want.service({ ...app, enabled: false, running: false })));
    expect([read("active"), read("enabled")]).toEqual(["inactive\n", "disabled\n"]);
    await giveBack(shell);
    expect([read("active"), read("enabled"), existsSync(shell.memory)]).toEqual(["active\n", "enabled\n", false]);
  } finally {
    process.env.PATH = path;
  }
});

test("a handler that another role still wants runs when files go back under it", async () => {
  there("a", "theirs\n");
  const copies = (name: string) => want.handler({ name: "copy", on: [ours(name).address], run: `cp ${at("a")} ${at("copy")}` });
  await converge(shell, "one", of(ours("a"), copies("a")));
  await converge(shell, "two", of(ours("b"), copies("b")));
  await converge(shell, "one", {});
  expect(read("copy")).toBe("theirs\n");
});

describe("a server belongs to one stack", () => {
  const ada = { id: "1", stack: "team-ada", who: "ada@laptop", since: "2026-11-29T12:00:00.000Z" };
  const bob = { stack: "team-bob", who: "bob@laptop" };

  test("which is named to any other, and known again by its id, or by name and operator where its state was lost", async () => {
    await claimServer(shell, { by: "ada-isu1" }, ada);
    expect(await ownerBeside(shell, bob)).toEqual(ada);
    expect(await ownerBeside(shell, { ...bob, stack: "team-ada" })).toEqual(ada);
    expect(await ownerBeside(shell, { ...bob, stack: "team-ada", id: "2" })).toEqual(ada);
    expect(await ownerBeside(shell, { ...bob, stack: "renamed", id: "1" })).toBeUndefined();
    expect(await ownerBeside(shell, { stack: "team-ada", who: "ada@laptop" })).toBeUndefined();
    expect(await ownerBeside(shell, { stack: "team-ada", who: "ada@laptop", id: "of another backend" })).toBeUndefined();
  });

  test("until another takes it over: what the first wanted is wanted by nobody, and goes back in the end", async () => {
    there("a", "theirs a\n");
    there("b", "theirs b\n");
    await claimServer(shell, { by: "ada-isu1" }, ada);
    await converge(shell, "app", of(ours("a"), ours("b")), { by: "ada-isu1-app" });
    await claimServer(shell, { by: "bob-isu1" }, { ...ada, ...bob, id: "2" });
    expect(await ownerBeside(shell, { ...bob, id: "2" })).toBeUndefined();
    expect(await ownerBeside(shell, { ...ada })).toMatchObject(bob);
    await converge(shell, "web", of(ours("a")), { by: "bob-isu1-web" });
    await releaseServer(shell, "bob-isu1");
    expect([read("a"), read("b"), existsSync(shell.memory)]).toEqual(["theirs a\n", "theirs b\n", false]);
  });
});

describe("what can't be undone", () => {
  test("stops nothing, is named, and is tried again", async () => {
    for (const name of ["a", "b", "c"]) there(name, `theirs ${name}\n`);
    await converge(shell, "app", of(ours("a"), ours("b"), ours("c")));
    rmSync(at("b"));
    there("b/somebody's", "work\n");
    const { results } = await converge(shell, "app", {});
    expect(results.map(({ address, outcome }) => [address.replace(shell.root, ""), outcome])).toEqual([
      ["file[/c]", "changed"],
      ["file[/b]", "failed"],
      ["file[/a]", "changed"],
    ]);
    expect(results[1]!.reason).toMatch(/`put the original back` ended with exit code 1:\n.*not empty/s);
    expect([read("a"), read("b/somebody's"), read("c")]).toEqual(["theirs a\n", "work\n", "theirs c\n"]);
    rmSync(at("b"), { recursive: true });
    expect((await giveBack(shell)).results).toMatchObject([{ outcome: "changed" }]);
    expect([read("b"), existsSync(shell.memory)]).toEqual(["theirs b\n", false]);
  });

  test("a directory that somebody removed since is made again, an absent one, a fifo and a link come back as they were", async () => {
    mkdirSync(at("kept"), { mode: 0o2750 });
    chmodSync(at("kept"), 0o2750);
    mkdirSync(at("empty"), { mode: 0o700 });
    symlinkSync("/nowhere", at("link"));
    await shell.run({ text: `mkfifo -m 0620 ${at("fifo")}`, masked: "" });
    await converge(
      shell,
      "app",
      of(
        want.directory({ path: at("kept"), mode: "0700", ...mine }),
        ours("link"),
        ...["empty", "fifo"].map((name) => want.absent({ path: at(name) })),
      ),
    );
    rmSync(at("kept"), { recursive: true });
    expect((await converge(shell, "app", {})).results.map(({ outcome }) => outcome)).toEqual(["changed", "changed", "changed", "changed"]);
    expect(["kept", "empty", "fifo"].map((name) => statSync(at(name)).mode.toString(8))).toEqual(["42750", "40700", "10620"]);
    expect((await inspect(shell, "link", of(want.link({ path: at("link"), target: "/nowhere" })))).report.results).toMatchObject([
      { outcome: "unchanged" },
    ]);
  });
});

test("a look tells what stands in the place of what is wanted, and of no folder that only holds it", async () => {
  for (const name of ["linked", "joined"]) symlinkSync("theirs", at(name));
  writeFileSync(at("plain"), "theirs\n");
  mkdirSync(at("folder"));
  writeFileSync(at("hosts"), "theirs\n");
  const wants = of(
    ...["linked", "plain", "new"].map((name) => ours(name)),
    want.link({ path: at("folder"), target: "/nowhere" }),
    want.link({ path: at("joined"), target: "/nowhere" }),
    want.block({ path: at("hosts"), name: "app", content: "A=1\n", ...mine }),
  );
  expect((await inspect(shell, "app", wants)).instead).toEqual({ [`file[${at("linked")}]`]: "link to `theirs`" });
});

describe("a block in a file that is a link", () => {
  const block = (name = "env.sh", content = "A=1\n") => want.block({ path: at(name), name: "app", content, ...mine });
  const leadsTo = (name: string): string => readlinkSync(at(name));

  test.each([
    ["with a last line that ends", "theirs=1\n"],
    ["with one that does not", "theirs=1"],
    ["that is empty", ""],
  ])("edits what the link leads to, finds it right, and gives it back: %s", async (_, theirs) => {
    there("repository/env.sh", theirs, 0o604);
    symlinkSync("repository/env.sh", at("env.sh"));
    await converge(shell, "app", of(block()));
    expect([leadsTo("env.sh"), read("env.sh")]).toEqual([
      "repository/env.sh",
      `${theirs}${theirs.endsWith("1") ? "\n" : ""}# BEGIN fleet app\nA=1\n# END fleet app\n`,
    ]);
    expect(await outcomes("app", of(block()))).toEqual([["block[/env.sh:app]", "unchanged"]]);
    expect(await outcomes("app", of(block("env.sh", "A=2\n")))).toEqual([["block[/env.sh:app]", "changed"]]);
    await converge(shell, "app", {});
    expect([leadsTo("env.sh"), read("repository/env.sh")]).toEqual(["repository/env.sh", theirs]);
    expect([statSync(at("repository/env.sh")).mode & 0o7777, existsSync(shell.memory)]).toEqual([0o604, false]);
  });

  test("that leads to no file makes one there, and takes it away again", async () => {
    mkdirSync(at("repository"));
    symlinkSync(at("repository/env.sh"), at("env.sh"));
    await converge(shell, "app", of(block()));
    expect(read("repository/env.sh")).toContain("A=1\n");
    await converge(shell, "app", {});
    expect([leadsTo("env.sh"), existsSync(at("repository/env.sh"))]).toEqual([at("repository/env.sh"), false]);
  });

  test("goes back to the last good content where what reads it refuses", async () => {
    there("repository/env.sh", "theirs=1\n");
    symlinkSync("repository/env.sh", at("env.sh"));
    const reader = want.handler({ name: "reader", on: [block().address], validate: `! grep -q bad ${at("env.sh")}` });
    await converge(shell, "app", of(block(), reader));
    expect((await outcomes("app", of(block("env.sh", "bad=1\n"), reader))).map(([, outcome]) => outcome)).toEqual(["skipped", "failed"]);
    expect([leadsTo("env.sh"), read("repository/env.sh")]).toEqual([
      "repository/env.sh",
      "theirs=1\n# BEGIN fleet app\nA=1\n# END fleet app\n",
    ]);
    await converge(shell, "app", {});
    expect([leadsTo("env.sh"), read("repository/env.sh")]).toEqual(["repository/env.sh", "theirs=1\n"]);
  });
});

describe("last good contents that a failed run kept never undo later work", () => {
  const reader = (...on: readonly Declared[]) =>
    want.handler({ name: "reader", on: on.map(({ address }) => address), validate: `! grep -qs bad ${at("a")} ${at("b")}` });
  /** After the reader. */
  const checked = (...on: readonly Declared[]) =>
    want.check({ name: "up", command: `[ ! -e ${at("shut")} ]`, deadline: 0, after: [reader(...on).address] });
  const site = (a: string, b: string) => {
    const files = [ours("a", a), ours("b", b)];
    return of(...files, reader(...files), checked(...files));
  };
  const kept = (): readonly string[] => {
    const folder = at("memory/app/rollback");
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  const failures = (all: readonly (readonly string[])[]) => all.filter(([, outcome]) => outcome === "failed").map(([address]) => address);

  /** Its reader has confirmed both files; its check then fails. */
  async function failsLate(): Promise<void> {
    await converge(shell, "app", site("1\n", "1\n"));
    expect(kept()).toEqual([]);
    there("shut", "");
    expect(failures(await outcomes("app", site("2\n", "2\n")))).toEqual(["check[up]"]);
    expect(kept().length).toBeGreaterThan(0);
    rmSync(at("shut"));
  }

  test.each([
    ["with nothing left to do", () => site("2\n", "2\n"), ["2\n", "2\n"]],
    ["that changes one of them", () => site("3\n", "2\n"), ["3\n", "2\n"]],
    ["that goes back to what was there", () => site("1\n", "1\n"), ["1\n", "1\n"]],
    ["that no longer wants one of them", () => of(ours("a", "2\n"), reader(ours("a")), checked(ours("a"))), ["2\n", undefined]],
  ])("a successful run leaves none: %s", async (_, next, after) => {
    await failsLate();
    expect(failures(await outcomes("app", next()))).toEqual([]);
    expect([[read("a"), read("b")], kept(), existsSync(at("memory/app/rollback"))]).toEqual([after, [], false]);
    expect(failures(await outcomes("app", site("bad\n", "4\n")))).toEqual(["handler[reader]"]);
    // The refused run's own changes, and no others.
    expect([read("a"), read("b")]).toEqual(after);
  });

  test("after another failure, only what that one changed goes back", async () => {
    await failsLate();
    expect(failures(await outcomes("app", site("bad\n", "2\n")))).toEqual(["handler[reader]"]);
    expect([read("a"), read("b")]).toEqual(["2\n", "2\n"]);
  });
});

describe("people's work", () => {
  test("in a folder that the fleet made stays, and is named with what it is", async () => {
    const folder = want.directory({ path: at("made"), ...mine });
    await converge(shell, "app", of(folder));
    there("made/slow.log", "theirs\n");
    const { results } = await converge(shell, "app", {});
    expect(read("made/slow.log")).toBe("theirs\n");
    expect(results).toMatchObject([
      {
        address: folder.address,
        outcome: "changed",
        stays: [`${at("made")} stays, with what others put into it (slow.log); remove it by \`rm -r ${at("made")}\``],
      },
    ]);
  });

  const git = (text: string) => shell.run({ text: `set -e\nexport HOME=${shell.root}\n${text}`, masked: "" });
  const commit = "git -c user.name=x -c user.email=x commit -q";

  test.each([
    ["a commit that was pushed nowhere", `cd web; echo 2 > a; ${commit} -am 'work of the night'`, "work of the night"],
    ["a file that nobody added", "mkdir web/uploads; echo x > web/uploads/1", "uploads/"],
    ["a file that git ignores", "echo .env > .gitignore; cp .gitignore web/.git/info/exclude; echo secret > web/.env", ".env"],
  ])("a checkout stays and is named, with %s", async (_, work, named) => {
    await git(
      `git init -q -b main origin; cd origin; git config user.name x; echo 1 > a; git add a; ${commit} -m first`.replace(
        "git init",
        `cd ${shell.root}; git init`,
      ),
    );
    const checkout = of(want.git({ path: at("web"), repository: at("origin"), ref: "main", owner: who, group: who }));
    expect((await converge(shell, "app", checkout)).results).toMatchObject([{ outcome: "changed" }]);
    await git(`cd ${shell.root}; ${work}`);
    const [left] = (await converge(shell, "app", {})).results;
    expect(left).toMatchObject({ outcome: "skipped", reason: expect.stringContaining(`holds what is nowhere else: `) });
    expect(left!.reason).toContain(named);
    expect(read("web/a")).toBeDefined();
    rmSync(at("web"), { recursive: true });
    await giveBack(shell);
    expect(existsSync(shell.memory)).toBe(false);
  });

  test("goes where somebody says so: what would stay is listed, removed, and the rest is undone as ever", async () => {
    const repository = at("origin");
    await git(
      `mkdir ${repository}; cd ${repository}; git init -q -b main; git config user.name x; echo 1 > a; git add a; ${commit} -m first`,
    );
    const all = of(
      want.directory({ path: at("made"), ...mine }),
      want.directory({ path: at("made/below"), ...mine }),
      want.directory({ path: at("empty"), ...mine }),
      ours("made/ours"),
      want.git({ path: at("web"), repository, ref: "main", owner: who, group: who }),
      want.git({ path: at("clean"), repository, ref: "main", owner: who, group: who }),
    );
    expect(failures(await converge(shell, "app", all))).toEqual([]);
    there("made/below/theirs & it's", "x\n");
    await git(`cd ${at("web")}; echo 2 > a; ${commit} -am night`);
    const found = await leavings(shell);
    const path = (name: string) => expect.stringContaining(`${at(name)} (`);
    expect(found.all.map(({ what }) => what).sort()).toEqual([path("made"), path("web")]);
    expect(found.all.map(({ what }) => what).join()).toContain("(1 file: below/theirs & it's)");
    expect(failures(await purgeAll(shell, found))).toEqual([]);
    expect(failures(await converge(shell, "app", {}))).toEqual([]);
    expect(readdirSync(shell.root)).toEqual(["origin"]);
    expect(existsSync(shell.memory)).toBe(false);
  });

  const packed = async (name: string) => {
    await shell.run({
      text: `set -e; mkdir -p ${at("tree/sub")}; echo a > ${at("tree/a")}; echo b > ${at("tree/sub/b")}; ln -sf a ${at("tree/l")}; tar -cf ${at(name)} -C ${at("tree")} .`,
      masked: "",
    });
    const content = readFileSync(at(name));
    const sha256 = createHash("sha256").update(content).digest("hex");
    return want.archive({ path: at("laid"), content: content.toString("base64"), sha256, ...mine });
  };

  test.each([
    ["a file of theirs", "echo x > laid/sub/theirs", "sub/theirs"],
    ["a repository of theirs", "git init -q laid", ".git/HEAD"],
    ["an edit of theirs", "echo more >> laid/a", "a"],
  ])("an archive's folder stays and is named, with %s", async (_, work, named) => {
    await converge(shell, "app", of(await packed("one.tar")));
    await shell.run({ text: `cd ${shell.root}; ${work}`, masked: "" });
    const [left] = (await converge(shell, "app", {})).results;
    expect(left).toMatchObject({
      outcome: "failed",
      reason: expect.stringMatching(new RegExp(`did not come with the archive: .*${named}`)),
    });
    expect(read("laid/sub/b")).toBe("b\n");
  });

  test("an archive's folder that nobody worked in goes, whatever version was laid into it", async () => {
    await converge(shell, "app", of(await packed("one.tar")));
    there("tree/new", "c\n");
    await converge(shell, "app", of(await packed("two.tar")));
    expect((await converge(shell, "app", {})).results).toMatchObject([{ outcome: "changed" }]);
    expect([existsSync(at("laid")), existsSync(shell.memory)]).toEqual([false, false]);
  });
});

describe("every kind", () => {
  test("that lives at a path says what stands there", () => {
    const silent = kinds.filter(({ path, standing }) => (path === undefined) !== (standing === undefined));
    expect(silent.map(({ kind }) => kind)).toEqual([]);
  });

  const thereBefore = kindsWithCases().flatMap((name) =>
    casesOf(name).flatMap((each) => (each.problems || !kindOf(`${name}[x]`).kind.path ? [] : [[name, each.name, each] as const])),
  );
  test.each(thereBefore)("%s: %s: what stands is a path's own look", (name, _, { want: wanted, have }) => {
    const { kind } = kindOf(`${name}[x]`);
    const parsed = kind.schema.parse(wanted);
    expect(kind.standing!(have)).toMatchObject({ type: expect.stringMatching(/^(?:file|directory|link|other|missing)$/) });
    expect(kind.path!(parsed)).toMatch(/^\//);
  });

  const sensitive: readonly Declared[] = [
    want.file({ path: "/x", content: "CANARY-file", sensitive: true }),
    want.file({ path: "/y", content: "CANARY-plain" }),
    want.block({ path: "/z", name: "team", content: "CANARY-block\n", sensitive: true }),
    want.command({ name: "x", run: "true", unless: "true", environment: { A: "CANARY-environment" } }),
    want.user({ name: "ada", passwordHash: "$6$abc$CANARY" }),
    want.mysqlUser({ name: "app", password: "CANARY-mysql" }),
  ];
  test("with something sensitive is held against a canary here", () => {
    const tested = new Set(sensitive.map(({ address }) => kindOf(address).kind));
    expect(kinds.filter((kind) => kind.sensitive !== undefined && !tested.has(kind)).map(({ kind }) => kind)).toEqual([]);
    for (const { address, want: wanted } of sensitive.filter(({ address: name }) => name !== "file[/y]"))
      expect(kindOf(address).kind.sensitive!(wanted), address).not.toEqual([]);
  });
  test.each(sensitive.map((each) => [each.address, each] as const))("%s leaves no secret in the journal", (address, { want: wanted }) => {
    const have = { type: "file", content: Buffer.from("CANARY-have"), user: { passwordHash: "CANARY-shadow", uid: 1 } };
    expect(lineOf({ first: { address, role: "app", want: wanted, have } })).not.toMatch(/CANARY|Q0FOQVJ/);
  });
});
