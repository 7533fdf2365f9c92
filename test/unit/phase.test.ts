// What a person sees of what takes long, and which machines share their packages.
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { packageSets } from "../../cli/ground.ts";
import { phase } from "../../cli/phase.ts";

function stream(isTTY: boolean) {
  const said: string[] = [];
  const out = new Writable({
    write(chunk, _encoding, done) {
      said.push(String(chunk));
      done();
    },
  });
  return { said, out: Object.assign(out, { isTTY, columns: 60 }) as unknown as typeof process.stderr };
}

describe("a phase", () => {
  test("of less than a second says nothing in a log", async () => {
    const { said, out } = stream(false);
    expect(await phase("image", async () => 7, out)).toBe(7);
    expect(said).toEqual([]);
  });

  test("of more is one line that ends with its time, whether it ended well or not", async () => {
    const { said, out } = stream(false);
    const slow = async (tell: (detail: string) => void) => {
      tell("unpacking");
      await sleep(1050);
    };
    await phase("image", slow, out);
    const failing = phase("packages", async (tell) => await slow(tell).then(() => Promise.reject(new Error("no mirror"))), out);
    await expect(failing).rejects.toThrow("no mirror");
    expect(said).toEqual([expect.stringMatching(/^image: \d\.\d s\n$/), expect.stringMatching(/^packages: failed after \d\.\d s\n$/)]);
  });

  test("is drawn over itself on a terminal, within its width, and leaves the one line", async () => {
    const { said, out } = stream(true);
    const slow = async (tell: (detail: string) => void) => {
      tell("x".repeat(100));
      await sleep(1250);
    };
    await phase("image", slow, out);
    const frames = said.slice(0, -2);
    expect(frames.length).toBeGreaterThan(1);
    for (const frame of frames) {
      expect(frame.startsWith("\r\x1b[K")).toBe(true);
      expect(frame.length - "\r\x1b[K".length).toBeLessThan(60);
    }
    expect(said.slice(-2)).toEqual(["\r\x1b[K", expect.stringMatching(/^image: \d\.\d s\n$/)]);
  });
});

test("servers that want the same packages share a layer; one that wants none needs none", () => {
  expect(packageSets({ isu1: ["nginx"], isu2: ["nginx"], isu3: ["redis-server"], isu4: [] })).toEqual([
    { servers: ["isu1", "isu2"], packages: ["nginx"] },
    { servers: ["isu3"], packages: ["redis-server"] },
  ]);
});
