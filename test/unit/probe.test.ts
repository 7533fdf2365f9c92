// The look's script, run by this computer's own `sh` against a temporary folder: it changes nothing, so it needs no practice machine.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contentLimit, Look, LookMoved, missingPath } from "../../provisioners/engine/probe.ts";
import { sh } from "../../provisioners/engine/shell-quote.ts";

const me = userInfo().username;
let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-look-"));
  writeFileSync(at("plain"), "two\nlines\n", { mode: 0o640 });
  writeFileSync(at("empty"), "");
  writeFileSync(at("bytes"), Buffer.from([0, 1, 0x40, 0xff, 0x0a, 0, 0x0d]));
  writeFileSync(at("a b|c'd"), "odd name, no final newline");
  writeFileSync(at("large"), Buffer.alloc(contentLimit + 1, "x"));
  writeFileSync(at("program"), "", { mode: 0o755 });
  chmodSync(at("program"), 0o4755);
  mkdirSync(at("folder"), { mode: 0o750 });
  symlinkSync("/no/such/target", at("link"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function answer(look: Look): void {
  const { stdout, status, stderr } = spawnSync("sh", { input: look.script().text, maxBuffer: 2 ** 25 });
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
  look.hear(stdout);
}

/** What one look says to several questions. */
function ask<T extends readonly unknown[]>(question: (look: Look) => { [K in keyof T]: () => T[K] }): T {
  const look = new Look();
  const answers = question(look);
  answer(look);
  return answers.map((each) => (each as () => unknown)()) as unknown as T;
}

describe("paths", () => {
  test("type, mode, owner and size of everything that can stand there", () => {
    const [plain, program, directory, link, none, device] = ask((look) => [
      look.path(at("plain")),
      look.path(at("program")),
      look.path(at("folder")),
      look.path(at("link")),
      look.path(at("none")),
      look.path("/dev/null"),
    ]);
    expect(plain).toEqual({ type: "file", mode: "0640", owner: me, group: plain.group, target: "", size: 10 });
    expect(program).toMatchObject({ type: "file", mode: "4755", size: 0 });
    expect(directory).toMatchObject({ type: "directory", mode: "0750", owner: me });
    expect(link).toMatchObject({ type: "link", target: "/no/such/target" });
    expect(none).toEqual(missingPath);
    expect(device.type).toBe("other");
  });

  test("contents, byte for byte, whatever is in them and in whatever order they were asked for", () => {
    const names = ["bytes", "none", "plain", "folder", "empty", "plain", "link"];
    const seen = ask((look) => names.map((name) => look.path(at(name), { content: true })));
    expect(seen.map(({ content }) => content)).toEqual(
      names.map((name) => (["none", "folder", "link"].includes(name) ? undefined : readFileSync(at(name)))),
    );
  });

  test("a content that was not asked for is not carried", () => {
    const [plain, empty] = ask((look) => [look.path(at("plain")), look.path(at("empty"), { content: true })]);
    expect(plain.content).toBeUndefined();
    expect(empty.content).toEqual(Buffer.alloc(0));
  });

  test("a file above the limit has no content, and its checksum all the same", () => {
    const [large, sum, none] = ask((look) => [
      look.path(at("large"), { content: true }),
      look.sha256(at("large")),
      look.sha256(at("none")),
    ]);
    expect(large).toMatchObject({ type: "file", size: contentLimit + 1 });
    expect(large.content).toBeUndefined();
    expect(sum).toBe(spawnSync("sha256sum", [at("large")], { encoding: "utf8" }).stdout.slice(0, 64));
    expect(none).toBe("missing");
  });

  test("a file that shrinks between the two halves of a look is no answer", () => {
    const look = new Look();
    look.path(at("plain"), { content: true });
    const { stdout } = spawnSync("sh", { input: look.script().text });
    expect(() => look.hear(stdout.subarray(0, -1))).toThrow(LookMoved);
  });
});

describe("users, groups, packages", () => {
  test("root is there, and nobody of another name", () => {
    const [root, none, group, noGroup] = ask((look) => [
      look.user("root"),
      look.user("no-such-user"),
      look.group("root"),
      look.group("no-such-group"),
    ]);
    expect(root).toMatchObject({ uid: 0, group: "root", home: "/root" });
    expect(none).toBeUndefined();
    expect(group?.gid).toBe(0);
    expect(noGroup).toBeUndefined();
  });

  test.runIf(spawnSync("dpkg-query", ["--version"]).status === 0)("a package's version is dpkg's", () => {
    const [dpkg, none] = ask((look) => [look.package("dpkg"), look.package("no-such-package")]);
    expect(dpkg).toBe(spawnSync("dpkg-query", ["-W", "-f", "${Version}", "dpkg"], { encoding: "utf8" }).stdout);
    expect(none).toBe("missing");
  });
});

describe("kernel settings", () => {
  test("the live value, its white space as one blank; missing where there is none", () => {
    const [type, range, number, none] = ask((look) => [
      look.sysctl("kernel.ostype"),
      look.sysctl("net.ipv4.ip_local_port_range"),
      look.sysctl("net.core.somaxconn"),
      look.sysctl("net.no.such"),
    ]);
    expect(type).toEqual({ value: "Linux", writable: false });
    expect(range.value).toMatch(/^\d+ \d+$/);
    expect(number.value).toBe(readFileSync("/proc/sys/net/core/somaxconn", "utf8").trim());
    expect(none).toEqual({ value: "missing", writable: false });
  });
});

describe("commands", () => {
  test("exit code and words, apart from those of its neighbours", () => {
    const [fails, speaks, silent] = ask((look) => [
      look.command(sh`echo ${"it's; $HOME"}; exit 3`),
      look.command(sh`printf 'a\\n\\nb'; echo hidden >&2`),
      look.command(sh`cat; true`),
    ]);
    expect(fails).toEqual({ code: 3, stdout: "it's; $HOME\n" });
    expect(speaks).toEqual({ code: 0, stdout: "a\n\nb" });
    expect(silent).toEqual({ code: 0, stdout: "" });
  });

  test("an answer read before the host has spoken is our bug", () => {
    const look = new Look();
    expect(look.path("/etc")).toThrow("before the host answered");
  });
});
