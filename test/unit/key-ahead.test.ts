// The key of a state is begun before the command is loaded: made once, of the right stack, and a mistake is somebody else's to tell.
import crypto, { type BinaryLike } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { keyAhead } from "../../cli/quick/key-ahead.ts";
import { stacksFolder } from "../../provisioners/project.ts";
import { encrypted, unlock } from "../../pulumi/passphrase.ts";

const fileOf = (name: string): string => join(stacksFolder, `Pulumi.${name}.yaml`);
const [rounds, fewer] = [1_000_000, 1000];
const real = crypto.pbkdf2;
let begun: string[] = [];
beforeAll(() => mkdirSync(stacksFolder, { recursive: true }));
beforeEach(() => {
  begun = [];
  vi.spyOn(crypto, "pbkdf2").mockImplementation(((
    password: BinaryLike,
    salt: BinaryLike,
    count: number,
    ...rest: [number, string, never]
  ) => {
    begun.push(String(password));
    real(password, salt, count / fewer, ...rest);
  }) as typeof real);
  syncBuiltinESMExports();
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});
afterAll(() => {
  for (const name of ["team-a", "practice"]) rmSync(fileOf(name));
});

/** With a salt of its own, whose key nobody has made yet. */
function stack(name: string, passphrase: string): string {
  const bytes = crypto.randomBytes(8);
  const key = crypto.pbkdf2Sync(passphrase, bytes, rounds / fewer, 32, "sha256");
  const salt = `v1:${bytes.toString("base64")}:${encrypted(key, "pulumi")}`;
  writeFileSync(fileOf(name), `encryptionsalt: ${salt}\nconfig: {}\n`);
  return salt;
}
/** Until what was begun is on its way. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test.for([
  [["up", "team-a", "--yes"], {}],
  [["preview", "--full", "team-a"], {}],
  [["verify", "team-a"], {}],
  [["verify"], { FLEET_STACK: "team-a" }],
] as const)("%j begins the key, and who opens the state takes that one", async ([words, env]) => {
  const salt = stack("team-a", "secret");
  keyAhead(words, { PULUMI_CONFIG_PASSPHRASE: "secret", ...env });
  await turn();
  expect(begun).toEqual(["secret"]);
  expect(await unlock(salt, "secret")).toBeInstanceOf(Buffer);
  expect(begun).toEqual(["secret"]);
});

test("without a passphrase it is that of practice", async () => {
  stack("practice", "practice");
  keyAhead(["up", "practice"], {});
  await turn();
  expect(begun).toEqual(["practice"]);
});

test.for([
  [["cost", "team-a"], {}],
  [["up", "team-b"], {}],
  [["up", "../stacks/team-a"], {}],
  [["up"], {}],
  [[], {}],
  [["up", "team-a"], { PULUMI_BACKEND_URL: "s3://states" }],
  [["up", "team-a"], { PULUMI_CONFIG_PASSPHRASE: undefined, PULUMI_CONFIG_PASSPHRASE_FILE: "/no/such/file" }],
] as const)("%j with %j begins nothing, and says nothing", async ([words, env]) => {
  stack("team-a", "secret");
  keyAhead(words, { PULUMI_CONFIG_PASSPHRASE: "secret", ...env });
  await turn();
  expect(begun).toEqual([]);
});
