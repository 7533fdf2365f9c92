// Keys that the fleet makes: each must be one.

import { expect, test } from "vitest";
import { makeKeyPair } from "../../provisioners/provider/key-pair.ts";
import { ssh2 } from "../../provisioners/ssh/ssh2.ts";

const broken = ({ public: open, private: hidden }: ReturnType<typeof makeKeyPair>): boolean =>
  [open, hidden].some((text) => ssh2.utils.parseKey(text) instanceof Error);

test("a pair that ssh2 has cut short is made anew", () => {
  const cut = { public: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAHwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= x", private: "" };
  expect(broken(cut)).toBe(true);
  const whole = makeKeyPair("x");
  const queue = [cut, { ...whole, private: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n" }, whole];
  expect(makeKeyPair("x", () => queue.shift()!)).toBe(whole);
});

test("a thousand are right, with their comment", () => {
  const made = Array.from({ length: 1000 }, () => makeKeyPair("fleet@team-a"));
  expect(made.filter(broken)).toEqual([]);
  expect(made.every((pair) => /^ssh-ed25519 \S{68} fleet@team-a$/.test(pair.public))).toBe(true);
});
