// The secrets of a stack file are opened without the engine, as Pulumi's passphrase manager wrote them.
import { createCipheriv, pbkdf2Sync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stacksFolder } from "../../provisioners/project.ts";
import { openFleet } from "../../pulumi/open-fleet.ts";

const bytes = Buffer.from("0123456789abcdef");
const key = pbkdf2Sync("of the team", bytes, 1_000_000, 32, "sha256");
function sealed(text: string): string {
  const nonce = Buffer.alloc(12, text.length);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  return `v1:${nonce.toString("base64")}:${Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString("base64")}`;
}
const salt = `v1:${bytes.toString("base64")}:${sealed("pulumi")}`;

function stackFile(name: string, password: string): void {
  mkdirSync(stacksFolder, { recursive: true });
  const fleet = `    team: t\n    members: [{ name: ada }]\n    servers:\n      isu1: { password: ${password} }\n`;
  writeFileSync(join(stacksFolder, `Pulumi.${name}.yaml`), `encryptionsalt: ${salt}\nconfig:\n  contest-fleet:fleet:\n${fleet}`);
}

beforeEach(() => vi.stubEnv("PULUMI_CONFIG_PASSPHRASE_FILE", undefined));
afterEach(() => vi.unstubAllEnvs());

test("what was written as a secret is in the clear, the rest as it stands", async () => {
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "of the team");
  stackFile("opened", `{ secure: "${sealed("pass of the contest")}" }`);
  expect(await openFleet("opened")).toEqual({
    team: "t",
    members: [{ name: "ada" }],
    servers: { isu1: { password: "pass of the contest" } },
  });
});

test("without a secret no passphrase is asked for", async () => {
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", undefined);
  stackFile("plain", "isucon");
  expect(await openFleet("plain")).toMatchObject({ servers: { isu1: { password: "isucon" } } });
});

test.each([
  ["none", undefined],
  ["another one by PULUMI_CONFIG_PASSPHRASE", "of somebody"],
])("a passphrase is asked for, got %s", async (got, passphrase) => {
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", passphrase);
  stackFile("shut", `{ secure: "${sealed("pass of the contest")}" }`);
  await expect(openFleet("shut")).rejects.toThrow(
    `shut: expected the passphrase that stacks/Pulumi.shut.yaml is encrypted with, got ${got}; next: export PULUMI_CONFIG_PASSPHRASE=`,
  );
});

test("a secret that was copied from another stack is told as such", async () => {
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "of the team");
  const text = sealed("pass of the contest");
  stackFile("copied", `{ secure: "${text.slice(0, -8)}${text.slice(-8).toLowerCase().replace(/^./, "0")}" }`);
  await expect(openFleet("copied")).rejects.toThrow(
    "Pulumi.copied.yaml: expected secrets that were written with its `encryptionsalt`, got one of",
  );
});
