// fleet edit: what can be edited, which text is opened, where it comes to lie, and what an editor does with it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { edited, editorOf } from "../../cli/editor.ts";
import { chosen, placeOf, taken, tellsSecret, wishIn, write } from "../../operations/edit/place.ts";
import { fetchScript, remoteFile } from "../../operations/edit/remote-file.ts";
import { planFleet } from "../../provisioners/expand.ts";
import { stacksFolder } from "../../provisioners/project.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { blankFacts } from "../support/facts.ts";

const folder = mkdtempSync("/var/tmp/fleet-edit-test-");
const files = join(stacksFolder, "files-edit");
beforeEach(() => mkdirSync(folder, { recursive: true }));
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(files, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

function plan(roles = "base, nginx") {
  const server = `{ roles: [${roles}], address: 192.0.2.1, user: isucon, password: { secure: v1:x } }`;
  const text = `config:
  contest-fleet:fleet:
    team: t
    target: inventory
    files: files-edit
    servers: { isu1: ${server}, isu2: ${server.replace("192.0.2.1", "192.0.2.2")} }
`;
  const { spec } = parseStack(text, "stacks/Pulumi.t.yaml", choices);
  return planFleet(spec, { stack: "t", cores: 1, architecture: "amd64", overlays: { isu1: [], isu2: [] } });
}

describe("which file is meant", () => {
  test("a server and a path, colons in it too", () => {
    expect(wishIn("isu1:/etc/a:b")).toEqual({ server: "isu1", path: "/etc/a:b" });
  });
  test.for([
    ["/etc/motd", "next: ./fleet edit isu1:/etc/motd"],
    ["isu1", "got `isu1`"],
    ["isu1:etc/motd", "expected a server and an absolute path"],
    ["isu1:/etc/../root/x", "expected a server and an absolute path"],
  ])("%s is refused: %s", ([word, said]) => {
    expect(() => wishIn(word!)).toThrow(said);
  });
});

describe("what lies on the server, asked of a real shell", () => {
  const ask = (name: string) =>
    remoteFile(`isu1:${name}`, execFileSync("sh", ["-c", fetchScript(join(folder, name)).text], { maxBuffer: 1e8 }));
  const put = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content, { mode: 0o640 });

  test("a text with its mode, whatever its last byte", () => {
    put("it's a file", "ä\nno newline");
    expect(ask("it's a file")).toEqual({ path: join(folder, "it's a file"), text: "ä\nno newline", mode: "640" });
  });
  test("a link leads to where it leads", () => {
    put("real", "x");
    symlinkSync("real", join(folder, "link"));
    expect(ask("link").path).toBe(join(folder, "real"));
  });
  test("what is not there yet is new, in a folder that is there", () => {
    expect(ask("new")).toMatchObject({ text: undefined });
    expect(() => ask("no/such")).toThrow("got a path in a folder that is not there");
  });
  test("folders, sockets, other bytes and what is too big are refused", () => {
    mkdirSync(join(folder, "dir"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    put("nul", Buffer.from([65, 0, 66]));
    put("latin", Buffer.from([0xe4, 10]));
    put("big", "x".repeat(1024 * 1024 + 1));
    expect(() => ask("dir")).toThrow("got a directory");
    expect(() => ask("pipe")).toThrow("that is no file");
    expect(() => ask("nul")).toThrow("other bytes than UTF-8 text");
    expect(() => ask("latin")).toThrow("other bytes than UTF-8 text");
    expect(() => ask("big")).toThrow("got 1048577 bytes, of at most 1048576");
  });
  test("what the kernel makes, or is gone at the next boot, is refused", () => {
    expect(() => remoteFile("isu1:/proc/x", Buffer.from("file 0 644 /proc/x\n"))).toThrow("one below /proc");
    expect(remoteFile("isu1:/runner", Buffer.from("file 0 644 /runner\n")).text).toBe("");
  });
});

describe("where it comes to lie", () => {
  const lay = (name: string, content = "x\n") => {
    const file = join(files, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  };
  const wish = { server: "isu1", path: "/etc/a.conf" };

  test("with the server's own files; with --all, with those of all", () => {
    expect(placeOf(plan(), wish, false)).toMatchObject({ file: join(files, "isu1/etc/a.conf"), before: undefined, notes: [] });
    expect(placeOf(plan(), wish, true)).toMatchObject({ file: join(files, "common/etc/a.conf"), before: undefined, notes: [] });
  });
  test("says which file counted until now, and which goes on to count elsewhere", () => {
    lay("common/etc/a.conf");
    expect(placeOf(plan(), wish, false).notes).toEqual([expect.stringContaining("files-edit/common/etc/a.conf` counts for all servers")]);
    lay("isu2/etc/a.conf");
    expect(placeOf(plan(), wish, true)).toMatchObject({
      before: "x\n",
      notes: [expect.stringContaining("isu2/etc/a.conf` goes on to count")],
    });
  });
  test("--all is refused where the server's own file would hide it", () => {
    lay("isu1/etc/a.conf");
    expect(() => placeOf(plan(), wish, true)).toThrow("which would go on to count there");
  });
  test("a template stands for what it makes", () => {
    lay("isu1/etc/a.conf.tmpl", "{{ server.name }}\n");
    const place = placeOf(plan(), wish, false);
    expect(place).toMatchObject({ template: true, before: "{{ server.name }}\n" });
    expect(chosen(place, { text: "isu1\n" }, { fromServer: true }).text).toBe("{{ server.name }}\n");
  });
  test("the stack's own text goes before the server's, but for --from-server", () => {
    const place = { before: "ours\n", template: false, shown: "f" };
    expect(chosen(place, { text: "theirs\n" }, { fromServer: false })).toMatchObject({
      text: "ours\n",
      notes: [expect.stringContaining("differs")],
    });
    expect(chosen(place, { text: "theirs\n" }, { fromServer: true }).text).toBe("theirs\n");
    expect(chosen({ ...place, before: undefined }, { text: "theirs\n" }, { fromServer: false })).toEqual({ text: "theirs\n", notes: [] });
    // A slip in a name looks like an empty file.
    const nothing = chosen({ ...place, before: undefined }, { text: undefined }, { fromServer: false });
    expect(nothing).toEqual({ text: "", notes: [expect.stringContaining("no such file")] });
  });
  test("a new file of an executable one is executable", () => {
    const place = placeOf(plan(), wish, false);
    write(place, "#!/bin/sh\n", "755");
    expect([readFileSync(place.file, "utf8"), statSync(place.file).mode & 0o777]).toEqual(["#!/bin/sh\n", 0o755]);
  });
});

describe("before anybody types a line", () => {
  test("says which resource of a role the file takes the place of", () => {
    expect(taken(plan(), ["isu1"], "/etc/nginx/nginx.conf", () => blankFacts)).toEqual([
      "isu1: the team's `/etc/nginx/nginx.conf` takes the place of `file[/etc/nginx/nginx.conf]` of the role `nginx`",
    ]);
    expect(taken(plan(), ["isu1", "isu2"], "/etc/other", () => blankFacts)).toEqual([]);
  });
  test("refuses a path where a role wants a folder", () => {
    expect(() => taken(plan("base, nginx"), ["isu1"], "/etc/nginx/sites-enabled", () => blankFacts)).toThrow(
      "expected no file `/etc/nginx/sites-enabled`",
    );
  });
  test("secrets of the stack, and files that are not for everybody, want a word", () => {
    const mask = (text: string) => text.replaceAll("hunter2", "[secret]");
    expect(tellsSecret("password=hunter2", "644", mask)).toContain("a secret of the stack");
    expect(tellsSecret("x", "640", mask)).toContain("mode 640");
    expect(tellsSecret("x", "644", mask)).toBeUndefined();
  });
});

describe("the editor", () => {
  test("is $VISUAL, else $EDITOR, else vi", () => {
    expect([editorOf({ VISUAL: "a", EDITOR: "b" }), editorOf({ EDITOR: "b" }), editorOf({ VISUAL: "" })]).toEqual(["a", "b", "vi"]);
  });
  test("may have options; what it saved comes back, and the copy goes", async () => {
    vi.stubEnv("VISUAL", "sed -i s/one/two/");
    const { text, keep, done } = await edited("a b.conf", "one\n");
    const copy = keep();
    expect([text, statSync(copy).mode & 0o777, copy.startsWith(tmpdir())]).toEqual(["two\n", 0o600, true]);
    done();
    expect(existsSync(copy)).toBe(false);
  });
  test("one that fails, or is not there, changes nothing", async () => {
    vi.stubEnv("VISUAL", "false");
    await expect(edited("a", "x")).rejects.toThrow("to end with 0, got 1; nothing was changed");
    vi.stubEnv("VISUAL", "no-such-editor 2>/dev/null");
    await expect(edited("a", "x")).rejects.toThrow("next: export EDITOR=nano");
  });
});
