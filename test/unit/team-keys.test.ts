// Members' keys: fetched with retries, refused when they are no keys, frozen with their fingerprints.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Call } from "../../provisioners/provider/protocol.ts";
import { teamKeysResource } from "../../provisioners/provider/team-keys.ts";
import { ssh2 } from "../../provisioners/ssh/ssh2.ts";

const key = ssh2.utils.generateKeyPairSync("ed25519").public;
const answers: Record<string, { status: number; body: string }[]> = {};
let server: Server;
let keyUrl: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    const queue = answers[request.url ?? ""] ?? [];
    const { status, body } = (queue.length > 1 ? queue.shift() : queue[0]) ?? { status: 404, body: "Not Found" };
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  keyUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/{user}.keys`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const said: string[] = [];
const call: Call = {
  urn: "",
  name: "",
  signal: new AbortController().signal,
  redact: (text) => text,
  log: (_severity, message) => said.push(message),
};
const fetchFor = (github: string) => teamKeysResource.create({ members: [{ name: "ada", github }], keyUrl }, call, false);

describe("a member's keys", () => {
  test("come without their comments, with fingerprints", async () => {
    answers["/ada.keys"] = [{ status: 200, body: `${key} ada@laptop\n` }];
    const { outputs } = await fetchFor("ada");
    expect(outputs.keys.ada).toEqual([`${key.split(" ").slice(0, 2).join(" ")} ada`]);
    expect(outputs.fingerprints.ada?.[0]).toMatch(/^SHA256:/);
  });

  test("are fetched again where the server has trouble", async () => {
    answers["/bob.keys"] = [
      { status: 503, body: "later" },
      { status: 200, body: `${key}\n` },
    ];
    const { outputs } = await fetchFor("bob");
    expect(outputs.keys.ada).toHaveLength(1);
    expect(said.some((line) => line.includes("again, try 2 of 5: status 503"))).toBe(true);
  });

  test.for([
    ["nothing", "", "got none"],
    ["a page", "<html>Not a key</html>\n", "got `<html>"],
    ["options before a key", `command="rm -rf /" ${key}\n`, "got `command="],
  ] as const)("that are %s are refused", async ([name, body, expected]) => {
    answers[`/${name[0]}.keys`] = [{ status: 200, body }];
    await expect(fetchFor(name[0]!)).rejects.toThrow(expected);
  });

  test("of somebody who is not there are refused at once", async () => {
    await expect(fetchFor("nobody")).rejects.toThrow("got status 404; give them as `keys:` in the stack file");
  });

  test("stay frozen where a refresh can't fetch them", async () => {
    answers["/eve.keys"] = [{ status: 200, body: `${key}\n` }];
    const { outputs } = await fetchFor("eve");
    answers["/eve.keys"] = [{ status: 404, body: "" }];
    const read = await teamKeysResource.read("team-keys", { inputs: { members: outputs.members, keyUrl }, outputs }, call);
    expect(read?.outputs).toEqual(outputs);
    expect(said.at(-1)).toContain("keeps the keys as they are frozen");
  });
});
