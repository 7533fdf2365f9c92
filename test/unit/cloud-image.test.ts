// Debian's cloud image, from a server of the test's own on loopback.
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureCloudImage, sumOf } from "../../machines/cloud-image.ts";

const file = "debian-12-genericcloud-arm64.qcow2";
const content = Buffer.alloc(3_000_000, "image ");
const sum = createHash("sha512").update(content).digest("hex");

let directory: string;
let server: Server | undefined;
let asked: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "cloud-image-test-"));
  asked = [];
});
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  await rm(directory, { recursive: true });
});

/** The image's handler; the sums are served beside it. */
async function serve(image: RequestListener, sums = `${"0".repeat(128)}  other.qcow2\n${sum}  ${file}\n`): Promise<string> {
  server = createServer((request, response) => {
    asked.push(request.url!);
    if (request.url === "/bookworm/latest/SHA512SUMS") response.end(sums);
    else if (request.url === `/bookworm/latest/${file}`) image(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const whole: RequestListener = (_, response) => response.writeHead(200, { "content-length": content.length }).end(content);
const ensure = (base: string, more: { release?: string; signal?: AbortSignal; log?: (line: string) => void } = {}) =>
  ensureCloudImage({ release: more.release ?? "bookworm", architecture: "arm64", directory, base }, more);

test("is fetched once, with its progress, under its own name, for its owner alone", async () => {
  const base = await serve(whole);
  const said: string[] = [];
  const path = await ensure(base, { log: (line) => said.push(line) });
  expect(path).toBe(join(directory, file));
  expect(await readFile(path)).toEqual(content);
  expect(said[0]).toContain(file);
  expect(said.slice(-2)).toEqual(["image: 3 MB of 3 MB", `the image is ready: ${path}`]);
  expect(await ensure(base)).toBe(path);
  expect(asked).toEqual(["/bookworm/latest/SHA512SUMS", `/bookworm/latest/${file}`]);
  expect(await readdir(directory)).toEqual([file]);
});

test("two that want it at once fetch it once", async () => {
  const base = await serve(whole);
  const [a, b] = await Promise.all([ensure(base), ensure(base)]);
  expect(a).toBe(b);
  expect(asked).toHaveLength(2);
});

test.each<[string, RequestListener, string | undefined, RegExp]>([
  [
    "another sum",
    (_, response) => response.end("something else"),
    undefined,
    /expected the SHA-512 [0-9a-f]{16}…, got [0-9a-f]{16}…; try again/,
  ],
  [
    "a broken download",
    (_, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 100_000), () => response.destroy());
    },
    undefined,
    /the download broke off .*try again/,
  ],
  [
    "no file",
    (_, response) => response.writeHead(404).end(),
    undefined,
    /expected a file, got HTTP status 404; try again, or name .*FLEET_QEMU_IMAGE/,
  ],
  ["no sum", whole, `${sum}  other.qcow2\n`, /expected a line for `debian-12-genericcloud-arm64.qcow2`, got none/],
])("with %s: refused, and nothing is kept", async (_, image, sums, sentence) => {
  const base = await serve(image, sums);
  await expect(ensure(base)).rejects.toThrow(sentence);
  expect(await readdir(directory)).toEqual([]);
});

test("with nobody there, and of a release without one: says so", async () => {
  const base = await serve(whole);
  await expect(ensure(base, { release: "buzz" })).rejects.toThrow("release: expected bookworm or trixie, got `buzz`");
  await new Promise((resolve) => server!.close(resolve));
  await expect(ensure(base)).rejects.toThrow(/can't be fetched \(.*ECONNREFUSED.*name a cloud image of your own in `FLEET_QEMU_IMAGE`/);
});

test("stops on request in the middle, and nothing is kept", async () => {
  const stop = new AbortController();
  const base = await serve((_, response) => {
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, 100_000), () => stop.abort());
  });
  await expect(ensure(base, { signal: stop.signal })).rejects.toThrow("cancelled");
  expect(await readdir(directory)).toEqual([]);
});

test("a sum is found in lists of text and of binary mode, of the whole name alone", () => {
  expect(sumOf(`${sum} *${file}\n`, file)).toBe(sum);
  expect(sumOf(`${sum}  x${file}\n`, file)).toBeUndefined();
});
