// What `fleet down` fetches before it takes a server away, from a real sshd.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fetchAll } from "../../cli/archive.ts";
import { freePort, type Sshd, startSshd } from "../support/sshd.ts";

let sshd: Sshd;
let there = "";
const folder = mkdtempSync(join(tmpdir(), "archive-test-"));

beforeAll(async () => {
  sshd = await startSshd();
  there = join(sshd.directory, "srv");
  mkdirSync(join(there, "log"), { recursive: true });
  writeFileSync(join(there, "log", "a.log"), "first\n");
  writeFileSync(join(there, "log", "with space.log"), "second\n");
  writeFileSync(join(there, "log", "b.txt"), "not asked for\n");
  // More than one run may print otherwise.
  writeFileSync(join(there, "big"), randomBytes(70 * 1024 * 1024));
  chmodSync(join(there, "log", "a.log"), 0o600);
});
afterAll(async () => {
  await sshd.stop();
  rmSync(folder, { recursive: true, force: true });
});

const listed = (file: string): readonly string[] => execFileSync("tar", ["-tzf", file], { encoding: "utf8" }).trim().split("\n");

test("files, patterns and folders of each server, in one file that only its owner reads", async () => {
  const [fetched] = await fetchAll({ isu1: sshd.connection }, [`${there}/log/*.log`, `${there}/big`, "/nowhere/*"], join(folder, "first"));
  const file = join(folder, "first", "isu1.tar.gz");
  expect(fetched).toEqual({ server: "isu1", file, bytes: statSync(file).size });
  expect(listed(file)).toEqual([`.${there}/log/a.log`, `.${there}/log/with space.log`, `.${there}/big`]);
  expect(execFileSync("tar", ["-xzOf", file, `.${there}/log/with space.log`], { encoding: "utf8" })).toBe("second\n");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "first")).mode & 0o777).toBe(0o700);
});

test("a server that can't be reached, and one that has none of it, stop no other", async () => {
  const port = await freePort();
  const servers = { isu1: sshd.connection, isu2: { ...sshd.connection, name: "isu2", port }, isu3: { ...sshd.connection, name: "isu3" } };
  const result = await fetchAll(servers, [`${there}/log`], join(folder, "second"));
  expect(result.map(({ server, file }) => [server, file !== undefined])).toEqual([
    ["isu1", true],
    ["isu2", false],
    ["isu3", true],
  ]);
  expect(result[1]?.problem).toMatch(new RegExp(`^isu2: .*127\\.0\\.0\\.1:${port}`));
  expect(await fetchAll({ isu1: sshd.connection }, ["/nowhere/*"], join(folder, "third"))).toEqual([{ server: "isu1" }]);
  expect(readdirSync(join(folder, "third"))).toEqual([]);
  expect(existsSync(join(folder, "second", "isu2.tar.gz.part"))).toBe(false);
});
