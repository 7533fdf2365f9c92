// What is done to a server beside its roles: remembered there before it is done, and taken back with the server, by real shells.
import { chmodSync, existsSync, globSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nginxScript } from "../../operations/balance/scripts.ts";
import { aroundFile } from "../../operations/balance/way-back.ts";
import { begin, end } from "../../operations/lab/aside.ts";
import { finalClient } from "../../operations/measure/run/final.ts";
import { collect, discard, prepare, silent } from "../../operations/measure/run/scripts.ts";
import { stepsOn, taking, undoing } from "../../operations/retest/finalize.ts";
import { plant, remove } from "../../operations/retest/markers.ts";
import { claimServer, converge, giveBack } from "../../provisioners/engine/converge.ts";
import { handBack } from "../../provisioners/engine/hand-back.ts";
import { pathFunctions } from "../../provisioners/engine/prelude.ts";
import type { LockingShell } from "../../provisioners/engine/shell.ts";
import { type Command, lines, raw, sh } from "../../provisioners/engine/shell-quote.ts";
import { dropWayBack, keepWayBack } from "../../provisioners/engine/ways-back.ts";
import { checkout } from "../../provisioners/project.ts";
import { want } from "../../provisioners/resources/want.ts";
import { type LocalShell, localShell } from "../support/local-shell.ts";

let shell: LocalShell;
beforeEach(() => {
  shell = localShell();
});
afterEach(() => shell.close());

const at = (name: string): string => join(shell.root, name);
const read = (name: string): string | undefined => (existsSync(at(name)) ? readFileSync(at(name), "utf8") : undefined);
const there = (name: string, text: string): void => writeFileSync(at(name), text);
const run = async (command: Command) => {
  const { code, stderr } = await shell.run(command);
  expect([code, stderr]).toEqual([0, ""]);
};
const keep = (name: string, text: string, first = false) => run(keepWayBack({ name, title: `fleet ${name}` }, text, { first }));
const outcomes = async () =>
  (await giveBack(shell)).results.map(({ address, outcome, reason, said }) => [address, outcome, reason ?? said]);

describe("a way back", () => {
  test("is gone back where the server is given back, whatever the roles know; then nothing is left", async () => {
    await keep("bench", `echo bench >> ${at("done")}`);
    await keep("retest", `echo retest >> ${at("done")}; echo told`);
    expect(statSync(join(shell.memory, ".undo")).mode & 0o777).toBe(0o700);
    expect(await outcomes()).toEqual([
      ["operation[fleet retest]", "changed", ["told"]],
      ["operation[fleet bench]", "changed", undefined],
    ]);
    expect([read("done"), existsSync(shell.memory)]).toEqual(["retest\nbench\n", false]);
  });

  test("that fails is named, stops nothing, and is tried again", async () => {
    await keep("bench", `[ -e ${at("mended")} ] || { echo no room; exit 3; }`);
    there("a", "theirs\n");
    await converge(shell, "app", {
      [`file[${at("a")}]`]: want.file({ path: at("a"), content: "ours\n", owner: "root", group: "root", mode: "0644" }).want,
    });
    const [failed] = await outcomes();
    expect(failed).toEqual(["operation[fleet bench]", "failed", "`take back what it left` ended with exit code 3\nno room"]);
    expect([read("a"), existsSync(shell.memory)]).toEqual(["theirs\n", true]);
    there("mended", "");
    expect(await outcomes()).toEqual([["operation[fleet bench]", "changed", undefined]]);
    expect(existsSync(shell.memory)).toBe(false);
  });

  test("that is dropped leaves nothing; the first of several counts where that is said", async () => {
    await keep("bench", "exit 1");
    await run(dropWayBack("bench"));
    expect(existsSync(shell.memory)).toBe(false);
    await keep("log", `echo first > ${at("done")}`, true);
    await keep("log", `echo second > ${at("done")}`, true);
    await giveBack(shell);
    expect(read("done")).toBe("first\n");
  });

  test("is found by a `down` that knows nothing but the address, and no other stack's is gone", async () => {
    const lockable: LockingShell = { ...shell, lock: async () => {}, unlock: async () => {} };
    const comer = { stack: "b", who: "ada@laptop" };
    await keep("bench", `echo done > ${at("done")}`);
    await claimServer(shell, { by: "x" }, { id: "1", stack: "a", who: "bob@desk", since: "2026-01-01T00:00:00Z" });
    expect(await handBack(lockable, comer, async () => {})).toMatchObject({ found: "another's" });
    expect(read("done")).toBeUndefined();
    expect(await handBack(lockable, { ...comer, id: "1" }, async () => {})).toMatchObject({ found: "ours" });
    expect(read("done")).toBe("done\n");
    expect(await handBack(lockable, comer, async () => {})).toEqual({ found: "nothing" });
    await keep("bench", `echo again > ${at("done")}`);
    expect(await handBack(lockable, comer, async () => {})).toMatchObject({ found: "ours" });
  });
});

describe("a drained server in a file of nginx'", () => {
  const path = () => at("site");
  const change = async (content: string) => {
    const { before, after } = aroundFile(path(), content);
    await run(lines([raw(pathFunctions), sh`f=${path()}`, before, sh`printf %s ${content} > "$f"`, after]));
  };

  beforeEach(() => {
    there("site", "server a;\n");
    chmodSync(path(), 0o640);
  });

  test("comes in again with the server, also after several changes", async () => {
    await change("server a weight=3;\n");
    await change("server a down;\n");
    expect(await outcomes()).toEqual([[`operation[fleet drain (${path()})]`, "changed", undefined]]);
    expect([read("site"), statSync(path()).mode & 0o777, existsSync(shell.memory)]).toEqual(["server a;\n", 0o640, false]);
  });

  test("leaves nothing to remember once it is in again", async () => {
    await change("server a down;\n");
    await change("server a;\n");
    expect(existsSync(shell.memory)).toBe(false);
  });

  test("stays as somebody wrote it since, and that is said", async () => {
    await change("server a down;\n");
    there("site", "server b;\n");
    expect(await outcomes()).toEqual([[expect.anything(), "changed", [expect.stringContaining("it stays as they left it")]]]);
    expect([read("site"), existsSync(shell.memory)]).toEqual(["server b;\n", false]);
  });

  test("stays as somebody wrote it between two changes, and that is said", async () => {
    await change("server a down;\n");
    there("site", "server a down;\nserver b;\n");
    await change("server a;\nserver b;\n");
    expect(await outcomes()).toEqual([[expect.anything(), "changed", [expect.stringContaining("it stays as they left it")]]]);
    expect([read("site"), existsSync(shell.memory)]).toEqual(["server a;\nserver b;\n", false]);
  });

  test("is not named where the fleet has its original anyway", async () => {
    const own = want.file({ path: path(), content: "ours\n", owner: "root", group: "root" });
    await converge(shell, "nginx", { [own.address]: own.want });
    await change("ours, drained\n");
    await converge(shell, "nginx", { [own.address]: own.want });
    expect((await outcomes()).map(([, outcome, said]) => [outcome, said])).toEqual([
      ["changed", undefined],
      ["changed", undefined],
    ]);
    expect(read("site")).toBe("server a;\n");
  });
});

describe("a log of the database that was switched off", () => {
  const undone = async (start: string, files: string) => {
    const fakes = `database() { echo ${start}; }\nmariadbd() { echo 'slow-query-log ${files}'; }\ncommand() { echo mariadbd; }\nsql() { echo "$1" >> ${at("told")}; }`;
    await run(raw(`${finalClient}\n${fakes}\nlog_back slow_query_log 12-345`));
    return read("told");
  };

  test("is on again in the process that had it on", async () => {
    expect(await undone("12-345", "FALSE")).toBe("set global slow_query_log = 1\n");
  });

  test("is on in a later process where the files say so: ours was still among them at its start", async () => {
    expect(await undone("99-678", "TRUE")).toBe("set global slow_query_log = 1\n");
  });

  test.each(["99-678", "none"])("stays as the files of a later process (%s) say: the role whose log it was is gone", async (start) => {
    expect(await undone(start, "FALSE")).toBeUndefined();
  });
});

/** Scripts of operations that change a server, each with the name of its way back. */
const mysql = { on: true, longQueryTime: "10", file: "slow.log", output: "FILE", dataFolder: "/var/lib/mysql", sleeping: 0 };
const place = { nginx: { add: true, own: [], silencedBy: [] }, mysql };
const profile = { pprof: [], programs: [], files: [] } as unknown as Parameters<typeof collect>[1];
const facts = { mysql: [["live", "slow_query_log", "ON"]], measuring: [], redis: [], units: [] } as unknown as Parameters<
  typeof stepsOn
>[0];
const writing: Readonly<Record<string, Command>> = {
  "fleet bench": prepare(place, [], { sampler: raw(""), profile }),
  "fleet bench --final": silent(place, []),
  "fleet finalize": taking(stepsOn(facts)),
  "fleet retest": plant("0123456789ab"),
  "fleet lab": begin(60),
  "fleet drain": aroundFile("/etc/nginx/site", "").before,
};
const ending: Readonly<Record<string, Command>> = {
  "fleet bench": collect(place, profile),
  "fleet bench, given up": discard(place),
  "fleet finalize --undo": undoing,
  "fleet retest": remove(),
  "fleet lab": end,
};

describe("an operation", () => {
  test.each(Object.entries(writing))("%s keeps the way back before anything else of it is written", (_, { text }) => {
    const kept = text.indexOf("/var/lib/fleet/.undo/");
    expect(kept).toBeGreaterThanOrEqual(0);
    const writes = [
      "mkdir -p /var/lib/fleet/lab",
      "zz-fleet-measure.conf <<",
      "set global slow_query_log = 0",
      ">>/var/lib/fleet/final/undo",
      '.fleet-retest" &&',
      "create database",
    ];
    const first = writes.map((each) => text.indexOf(each)).filter((index) => index >= 0);
    for (const index of first) expect(index).toBeGreaterThan(kept);
  });

  test.each(Object.entries(ending))("%s drops it once nothing is left", (_, { text }) => {
    expect(text).toMatch(/rm -f -- \/var\/lib\/fleet\/\.undo\/\w+/);
  });

  /** By the folder of operations, how what its scripts leave on a server comes back; what is not here leaves nothing there. */
  const comesBack: Readonly<Record<string, "ways back" | "the journal">> = {
    balance: "ways back",
    deploy: "the journal",
    lab: "ways back",
    measure: "ways back",
    retest: "ways back",
    // Its own record on both servers says what it has to put back first.
    split: "the journal",
  };
  const folders = [...new Set(globSync("operations/*/", { cwd: checkout }).map((name) => name.split("/")[1]!))].sort();
  /** Shell text that leaves something on a server's disk. What is here alone is Node's. */
  const leaves = /\b(?:mkdir|install -[dmo]|tee|touch|cp|mv|ln|dd|truncate)\s+-|\bcat\s*>|>>\s*["$/]|\bsed -i\b|\bset global\b/;
  const sourcesOf = (folder: string) =>
    globSync(`operations/${folder}/**/*.ts`, { cwd: checkout }).map((file) => readFileSync(join(checkout, file), "utf8"));

  test.each(folders)("in operations/%s leaves nothing that does not come back", (folder) => {
    const how = comesBack[folder] ?? "nothing";
    const texts = sourcesOf(folder);
    const code = texts.map((text) => text.replace(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, ""));
    if (how === "nothing") for (const text of code) expect(text.match(leaves)?.[0]).toBeUndefined();
    if (how === "ways back") expect(texts.some((text) => text.includes("keepWayBack("))).toBe(true);
    if (how === "the journal") expect(texts.some((text) => /\bconverge\(/.test(text))).toBe(true);
  });

  /** Root's own folders, and names within one that was entered. */
  const roots = new Set(["keep", "kept", "name", "came"]);
  /** By the end of its file's name: variables whose folder is root's in each distribution, or whose script is the owner's. */
  const exempt: Readonly<Record<string, readonly string[]>> = { "retest/stays.ts": ["file", "log"], "deploy/once.ts": ["place"] };
  /** A redirection to a path in a variable, or a program of files with one. */
  const byPath = /(?:>>?[ ]*|\b(?:cp|mv|rm|chmod|chown|ln|install|tee|touch|truncate|mkdir|sed -i)\s[^|;&\n`]*?)"\$\{?(\w+)[^"]*"/g;

  test("writes below what a user may own in the folder that it entered, never by the whole path", () => {
    const found = globSync("operations/**/*.ts", { cwd: checkout }).flatMap((file) => {
      const code = readFileSync(join(checkout, file), "utf8").replace(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, "");
      const [, own = []] = Object.entries(exempt).find(([end]) => file.endsWith(end)) ?? [];
      return [...code.matchAll(byPath)]
        .filter(([, name = ""]) => !roots.has(name) && !own.includes(name))
        .map(([text]) => `${file}: ${text}`);
    });
    expect(found).toEqual([]);
  });

  describe("that meets a link which a user put there", () => {
    const outside = () => read("roots");
    beforeEach(() => {
      there("roots", "of root's\n");
      symlinkSync(at("roots"), at("link"));
    });

    test("a marker of a retest takes its place", async () => {
      await run(lines([raw(pathFunctions), raw(`printf 'mark\\n' | fleet_new ${at("link")}`)]));
      expect([outside(), read("link"), lstatSync(at("link")).isSymbolicLink()]).toEqual(["of root's\n", "mark\n", false]);
    });

    test("a file that is written into stays as it is", async () => {
      const { code, stderr } = await shell.run(lines([raw(pathFunctions), raw(`echo drained | fleet_into ${at("link")}`)]));
      expect([code === 0, stderr]).toEqual([false, expect.stringContaining("symbolic links")]);
      expect(outside()).toBe("of root's\n");
    });

    test("markers of a retest are planted so, and files of nginx' are written so", () => {
      expect(plant("0123456789ab").text).toMatch(/\| fleet_new "\$place/);
      expect(nginxScript([{ path: "/etc/nginx/site", was: "", content: "\n" }]).text).toMatch(/fleet_into "\$f"/);
    });
  });
});
