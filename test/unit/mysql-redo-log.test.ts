// The redo log and the disk: sized by it, and refused by a real shell where it has no room.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { redoLogCheck, redoLogIn } from "../../provisioners/roles/mysql/redo-log.ts";
import { computedSettings, redoLogMiB } from "../../templates/mysql/sizes.ts";

test("an eighth of the disk is the most, where the disk is known", () => {
  expect([redoLogMiB(16384), redoLogMiB(16384, 8192), redoLogMiB(512, 8192), redoLogMiB(512, 400)]).toEqual([4096, 1024, 128, 48]);
  const machine = { memoryMiB: 32768, cores: 8, shared: false, diskMiB: 8000 };
  expect(computedSettings({ product: "mariadb", version: "10.11" }, machine)).toMatchObject({ innodb_log_file_size: "992M" });
  expect(computedSettings({ product: "mysql", version: "8.4" }, machine)).toMatchObject({ innodb_redo_log_capacity: "992M" });
});

test.each([
  [{ innodb_log_file_size: "96M" }, 1, 96],
  [{ innodb_log_file_size: "100663296" }, 2, 192],
  [{ innodb_log_file_size: "1G", innodb_log_files_in_group: "3" }, 2, 3072],
  [{ innodb_redo_log_capacity: "8g" }, 2, 8192],
  [{}, 1, undefined],
])("%j in %d files are %s MiB", (settings, files, size) => {
  expect(redoLogIn(settings, files)).toBe(size);
});

describe("before a restart", () => {
  let datadir: string;
  beforeEach(() => {
    datadir = mkdtempSync(join(tmpdir(), "fleet-data-"));
  });
  afterEach(() => rmSync(datadir, { recursive: true }));
  const check = (size: string) => {
    const { status, stdout } = spawnSync("sh", [
      "-ec",
      redoLogCheck({ innodb_log_file_size: size, datadir: join(datadir, "made/later") }, 1)!,
    ]);
    return [status, stdout.toString()];
  };

  test("what has room is taken, and what has not is refused with what to type", () => {
    expect(check("16M")).toEqual([0, ""]);
    expect(check("900T")).toEqual([
      1,
      expect.stringMatching(/^expected \d+ MiB on the disk of \S+ for a redo log of 943718400 MiB, got \d+ MiB free; make room, or/),
    ]);
  });

  test("what is there already is no reason, however full the disk is", () => {
    writeFileSync(join(datadir, "ib_logfile0"), "");
    truncateSync(join(datadir, "ib_logfile0"), 2 ** 40);
    const script = redoLogCheck({ innodb_log_file_size: "1T", datadir }, 1)!.replace("du -cm", "du -cm --apparent-size");
    expect(spawnSync("sh", ["-ec", script]).status).toBe(0);
  });
});
