// Does a password belong to what the server keeps? Against hashes that the servers and openssl made.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { nativeHash, passwordFits, sha256Crypt } from "../../provisioners/resources/mysql-password.ts";

test("mysql_native_password, as the manual of MySQL shows it", () => {
  expect(nativeHash("password")).toBe("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
});

test.each(["a", "Hello world!", "x".repeat(40), "pässwörd'\\"])("crypt's sha256 of %j is openssl's", (password) => {
  const { stdout } = spawnSync("openssl", ["passwd", "-5", "-salt", "saltstring", "-stdin"], { input: `${password}\n`, encoding: "utf8" });
  expect(stdout.trim().split("$")[3]).toBe(sha256Crypt(password, Buffer.from("saltstring"), 5000));
});

test("caching_sha2_password has 20 bytes of salt, and its rounds in thousands", () => {
  const salt = Buffer.from("01234567890123456789");
  const stored = Buffer.concat([Buffer.from("$A$005$"), salt, Buffer.from(sha256Crypt("secret", salt, 5000))]);
  expect(passwordFits("secret", "caching_sha2_password", stored)).toBe(true);
  expect(passwordFits("other", "caching_sha2_password", stored)).toBe(false);
  expect(passwordFits("secret", "unix_socket", stored)).toBe(false);
});
