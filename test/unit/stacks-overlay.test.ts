import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { overlayFiles, overlays } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "overlay-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, content: string | Buffer = "x\n", mode = 0o644): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}
const reasons = (servers: readonly string[]): readonly string[] => {
  try {
    overlays(folder, servers);
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.problems.map(({ at, path, reason }) => `${at.slice(at.indexOf(folder) + folder.length + 1)} ${path}: ${reason}`);
  }
};

describe("file overlays", () => {
  test("the server's own files replace the common ones, in the order of their paths", () => {
    put("common/etc/motd", "hello\n");
    put("common/usr/local/bin/tool", "#!/bin/sh\n", 0o755);
    put("isu1/etc/motd", "isu1\n");
    put("isu1/etc/a", "");
    expect(overlays(folder, ["isu1", "isu2"])).toEqual({
      isu1: [
        { path: "/etc/a", content: "", mode: "0644" },
        { path: "/etc/motd", content: "isu1\n", mode: "0644" },
        { path: "/usr/local/bin/tool", content: "#!/bin/sh\n", mode: "0755" },
      ],
      isu2: [
        { path: "/etc/motd", content: "hello\n", mode: "0644" },
        { path: "/usr/local/bin/tool", content: "#!/bin/sh\n", mode: "0755" },
      ],
    });
    expect(overlayFiles(folder, "isu2").map(({ path }) => path)).toEqual(["/etc/motd", "/usr/local/bin/tool"]);
  });

  test("bytes that are no text travel as base64", () => {
    const bytes = Buffer.from([0xff, 0xfe, 0, 1]);
    put("isu1/opt/blob", bytes);
    expect(overlayFiles(folder, "isu1")).toEqual([
      { path: "/opt/blob", content: bytes.toString("base64"), encoding: "base64", mode: "0644" },
    ]);
  });

  test("links stay links, wherever they point, and names are as they are", () => {
    put("isu1/etc/systemd/system/run-\\x2d.service");
    put("isu1/srv/my file @ホーム.txt");
    symlinkSync("../sites-available/a.conf", join(folder, "isu1/etc/enabled"));
    symlinkSync("/nowhere", join(folder, "isu1/etc/dangling"));
    expect(overlayFiles(folder, "isu1")).toEqual([
      { path: "/etc/dangling", target: "/nowhere" },
      { path: "/etc/enabled", target: "../sites-available/a.conf" },
      { path: "/etc/systemd/system/run-\\x2d.service", content: "x\n", mode: "0644" },
      { path: "/srv/my file @ホーム.txt", content: "x\n", mode: "0644" },
    ]);
  });

  test("an absent folder is an empty one, and so is one kept for git", () => {
    put("common/etc/.gitkeep");
    expect(overlays(folder, ["isu1"])).toEqual({ isu1: [] });
    expect(overlays(join(folder, "absent"), ["isu1"])).toEqual({ isu1: [] });
  });

  test("every problem comes at once", () => {
    put("isu11/etc/motd");
    put("common/etc/a|b");
    put("common/etc/a\nb");
    put("common/opt/big", Buffer.alloc(1024 * 1024 + 1));
    symlinkSync("-x", join(folder, "common/etc/shadow"));
    symlinkSync("/etc", join(folder, "isu1"));
    expect(reasons(["isu1", "isu2"])).toEqual([
      "isu11 files: expected `common` or the name of a server; did you mean `isu1`?",
      'common/etc/a\nb files: expected a name without control characters and `|`, got "/etc/a\\nb"; rename it',
      'common/etc/a|b files: expected a name without control characters and `|`, got "/etc/a|b"; rename it',
      'common/etc/shadow files: expected a link to a path, got one to "-x"; make it again',
      "common/opt/big files: expected at most 1 MiB, got 1048577 bytes; bring it as an archive",
      "isu1 files: expected a folder, got a link; copy what it points to",
    ]);
  });
});
