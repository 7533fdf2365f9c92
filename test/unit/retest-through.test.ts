// The note through the application, against a small one that takes notes; and what is kept of a retest that is cut short.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { thisProcess } from "../../operations/doer.ts";
import { forgetRetest, keepRetest, keptRetest, refuseWhileAtWork } from "../../operations/retest/kept.ts";
import { filled, missing, take, write } from "../../operations/retest/through.ts";
import type { LockingShell } from "../../provisioners/engine/shell.ts";
import { MarkerSpec } from "../../spec/retest.ts";

const shell: Pick<LockingShell, "run"> = {
  async run({ text }) {
    const child = spawn("sh", ["-s"]);
    const out: Buffer[] = [];
    let stderr = "";
    child.stdout.on("data", (part: Buffer) => out.push(part));
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      stderr += part;
    });
    child.stdin.end(text);
    const [code] = (await once(child, "close")) as [number];
    return { code, stdout: Buffer.concat(out), stderr };
  },
};

describe("a note through the application", () => {
  const notes = new Map<string, string>();
  let server: Server;
  let marker: MarkerSpec;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const [, , id = ""] = (request.url ?? "").split("/");
      let body = "";
      request.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      request.on("end", () => {
        if (request.headers["x-key"] !== "it's") return response.writeHead(403).end("who are you?\x1b[31m");
        if (request.method === "POST") {
          const key = String(notes.size + 7);
          notes.set(key, body);
          return response.writeHead(201).end(JSON.stringify({ id: key }));
        }
        if (request.method === "DELETE") notes.delete(id);
        return notes.has(id) ? response.end(notes.get(id)) : response.writeHead(404).end("no such note");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    marker = MarkerSpec.parse({
      port: (server.address() as AddressInfo).port,
      post: "/notes",
      body: '{"text": "it\'s {mark}"}',
      headers: { "x-key": "it's" },
      id: '"id":"([0-9]+)"',
      read: "/notes/{id}",
      remove: "/notes/{id}",
    });
  });
  afterAll(() => {
    server.close();
  });

  test("is written, read back and taken away; what is lost is said with what came instead", async () => {
    const note = await write(shell, marker, "3f9c0a");
    expect([note, [...notes.values()]]).toEqual([{ mark: "3f9c0a", id: "7" }, ['{"text": "it\'s 3f9c0a"}']]);
    expect(await missing(shell, marker, note)).toBeUndefined();
    expect(await missing(shell, { ...marker, expect: "{mark}, twice" }, note)).toContain("(/notes/7: 200 ");
    // Its brackets are the path's own.
    expect(await write(shell, { ...marker, post: "/notes?tags[]={a,b}" }, "3f9c0b")).toMatchObject({ mark: "3f9c0b" });
    expect(notes.size).toBe(2);
    notes.delete("8");
    await take(shell, marker, note);
    expect([...notes]).toEqual([]);
    expect(await missing(shell, marker, note)).toBe("note through the application (/notes/7: 404 no such note)");
  });

  test("that can't be written stops the retest, in a sentence without what a terminal would obey", async () => {
    await expect(write(shell, { ...marker, headers: {} }, "x")).rejects.toThrow(
      "retest.marker: POST /notes: expected 2xx, got 403: who are you? [31m",
    );
    await expect(write(shell, { ...marker, id: "nothing ([0-9])" }, "x")).rejects.toThrow(
      "retest.marker.id: expected it to find something",
    );
    await expect(write(shell, { ...marker, port: 1 }, "x")).rejects.toThrow(/retest\.marker: POST \/notes: expected an answer, got: curl/);
  });

  test("its places are filled, and no other", () => {
    expect(filled("/{mark}/{id}/{name}", { mark: "m" })).toBe("/m//{name}");
    for (const wrong of [
      { post: "notes", read: "/" },
      { post: "/a b", read: "/" },
      { post: "/", read: "/", id: "no group" },
      { post: "/", read: "/", headers: { a: "b\nc" } },
    ])
      expect(MarkerSpec.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
  });
});

test("what is kept of a retest is its owner's alone, and gone with its end", () => {
  const folder = mkdtempSync(join(tmpdir(), "kept-"));
  const kept = { version: 1, at: "2026-11-29T10:00:00Z", mark: "3f", before: [], note: { server: "isu1", mark: "3f" } } as const;
  expect(keptRetest("team-a", folder)).toBeUndefined();
  keepRetest("team-a", { ...kept, before: [] }, folder);
  expect(keptRetest("team-a", folder)).toEqual(kept);
  expect(statSync(join(folder, "retest", "team-a.json")).mode & 0o777).toBe(0o600);
  forgetRetest("team-a", folder);
  expect(keptRetest("team-a", folder)).toBeUndefined();
  rmSync(folder, { recursive: true });
});

test("what a retest at work has written is not another's to take away; that of one that was killed is", () => {
  const kept = { version: 1, at: "2026-11-29T10:00:00Z", mark: "3f", before: [] } as const;
  const by = thisProcess();
  const refusing = (who: typeof by | undefined) => () => refuseWhileAtWork("team-a", { ...kept, before: [], by: who });
  expect(refusing(by)).toThrow(`team-a: expected no retest at work, got that of process ${process.pid} since 2026-11-29T10:00:00Z`);
  // Its number may be another's by now.
  for (const gone of [undefined, { ...by, born: "1" }, { ...by, pid: 2 ** 22 + 1 }]) expect(refusing(gone)).not.toThrow();
});
