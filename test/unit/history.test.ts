// The team's history: what is kept of a run, where, and that a run never fails for it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { told } from "../../cli/commands/diff.ts";
import { when } from "../../cli/commands/history.ts";
import { maskOf } from "../../operations/fleet-up.ts";
import { type HistoryEntry, idAt } from "../../operations/history/entry.ts";
import { historyOf, recorded, runOf } from "../../operations/history/history.ts";
import { OpenRuns, unseenEnd } from "../../operations/history/open-runs.ts";
import { FolderStore, type HistoryStore, historyStore } from "../../operations/history/store.ts";
import { stateFolder } from "../../pulumi/folder.ts";
import { changes } from "../../pulumi/interruption.ts";

const folder = mkdtempSync(join(tmpdir(), "history-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A bucket as the SDK speaks to it: put, get, list in pages of two. */
function startBucket() {
  const objects = new Map<string, string>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
    const key = decodeURIComponent(pathname.replace(/^\/team\/?/, ""));
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "PUT") {
        objects.set(key, Buffer.concat(chunks).toString());
        response.end();
      } else if (key === "") {
        const prefix = searchParams.get("prefix") ?? "";
        const from = Number(searchParams.get("continuation-token") ?? 0);
        const keys = [...objects.keys()].filter((each) => each.startsWith(prefix)).sort();
        const page = keys.slice(from, from + 2).map((each) => `<Contents><Key>${each}</Key></Contents>`);
        const next = from + 2 < keys.length ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : "";
        response.end(`<ListBucketResult>${page.join("")}${next}</ListBucketResult>`);
      } else if (objects.has(key)) response.end(objects.get(key));
      else response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
    });
  });
  return { server, objects };
}

const entry = (minute: number, what = "up"): HistoryEntry => {
  const at = new Date(Date.UTC(2026, 10, 29, 10, minute));
  const id = idAt(at, what, String(minute).padStart(4, "0"));
  return {
    version: 1,
    id,
    stack: "team-a",
    at: at.toISOString(),
    seconds: 1,
    who: "ada@laptop",
    what,
    command: `fleet ${what}`,
    result: "done",
    summary: "",
    servers: [],
  };
};

let server: Server;
let objects: Map<string, string>;
const stores: Record<string, () => Promise<HistoryStore>> = {
  "a folder": async () => new FolderStore(folder),
  "a bucket": () =>
    historyStore(
      `s3://team/fleet/state?region=us-east-1&endpoint=127.0.0.1:${(server.address() as AddressInfo).port}&disableSSL=true&s3ForcePathStyle=true`,
    ),
};

beforeAll(async () => {
  ({ server, objects } = startBucket());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" });
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

describe.for(Object.entries(stores))("in %s", ([, open]) => {
  test("runs are kept a stack at a time, the newest first, each found by a part of its id", async () => {
    const store = await open();
    expect(await historyOf("team-a", 10, store)).toEqual([]);
    for (const minute of [5, 1, 3]) await store.add("team-a", entry(minute).id, JSON.stringify(entry(minute)));
    await store.add("team-b", entry(9).id, JSON.stringify(entry(9)));
    expect((await historyOf("team-a", 2, store)).map(({ id }) => id.slice(-4))).toEqual(["0005", "0003"]);
    expect((await runOf("team-a", undefined, store)).id).toContain("0005");
    expect((await runOf("team-a", "0001", store)).at).toBe("2026-11-29T10:01:00.000Z");
    await expect(runOf("team-a", "-up-", store)).rejects.toThrow(
      /-up-: expected one run of team-a, got .*0005, .*0003, .*0001; next: \.\/fleet history -s team-a/,
    );
    await expect(runOf("team-a", "0009", store)).rejects.toThrow("got none");
  });

  test("without an id it is the newest that is there to change something, else the newest", async () => {
    const store = await open();
    const newest = async () => (await runOf("team-d", undefined, store)).id.slice(-4);
    const add = (minute: number, what: string) => store.add("team-d", entry(minute, what).id, JSON.stringify(entry(minute, what)));
    await expect(newest()).rejects.toThrow("team-d: expected one run of team-d, got none; next: ./fleet history -s team-d");
    await add(1, "run");
    expect(await newest()).toBe("0001");
    await add(2, "deploy");
    await add(3, "retest");
    await add(4, "run");
    expect(await newest()).toBe("0002");
    await add(5, "up");
    expect(await newest()).toBe("0005");
  });

  test("what another version wrote is left out, and told where it is asked for", async () => {
    const store = await open();
    await store.add("team-c", "20991129T100000Z-up-ffff", '{"version":9}');
    await store.add("team-c", entry(1).id, JSON.stringify(entry(1)));
    expect(await historyOf("team-c", 10, store)).toEqual([entry(1)]);
    await expect(runOf("team-c", "ffff", store)).rejects.toThrow("expected a run as this version writes it");
    expect(await store.get("team-c", "20001129T100000Z-up-ffff")).toBeUndefined();
  });
});

test("a bucket keeps it beside the state, a folder as its owner's alone", async () => {
  expect([...objects.keys()].every((key) => key.startsWith("fleet/state/.fleet-history/team-"))).toBe(true);
  expect(statSync(join(folder, "team-a", readdirSync(join(folder, "team-a"))[0]!)).mode & 0o777).toBe(0o600);
});

test("where the history is follows where the state is", async () => {
  expect((await historyStore(undefined)).place).toBe(join(stateFolder, "history"));
  expect((await historyStore("file:///srv/state")).place).toBe("/srv/state/.fleet-history");
  expect((await historyStore("file://~/state")).place).toBe(join(homedir(), "state/.fleet-history"));
  const cloud = await historyStore("https://api.pulumi.com");
  expect([cloud.place, cloud.alone]).toEqual([join(stateFolder, "history"), expect.stringContaining("of this computer alone")]);
});

describe("a run", () => {
  const store = async () => new FolderStore(folder);
  const of = (stack: string) => historyOf(stack, 10, new FolderStore(folder));

  test("that changed nothing is none", async () => {
    expect(await recorded({ stack: "quiet", what: "up", store }, async () => 0)).toBe(0);
    expect(await of("quiet")).toEqual([]);
  });

  test("that changed something is kept with who, what and how it ended, without a secret", async () => {
    changes();
    const words = ["run", "--", "mysql", "-phunter22"];
    const mask = maskOf({ servers: [], secrets: ["hunter22"] });
    const code = await recorded({ stack: "kept", what: "run", words, store }, async (notes) => {
      Object.assign(notes, { summary: "said hunter22", servers: ["isu1"], mask });
      return 1;
    });
    expect(code).toBe(1);
    const [run] = await of("kept");
    expect(run).toMatchObject({
      what: "run",
      command: "fleet run -- mysql -p[secret]",
      result: "failed",
      summary: "said [secret]",
      servers: ["isu1"],
    });
    expect(run!.who).toMatch(/^.+@.+$/);
    expect(readFileSync(join(folder, "kept", `${run!.id}.json`), "utf8")).not.toContain("hunter22");
  });

  test("that found nothing to do is none", async () => {
    await recorded({ stack: "nothing", what: "up", store }, async (notes) => {
      notes.nothing = true;
      return 0;
    });
    expect(await of("nothing")).toEqual([]);
  });

  test("that throws is kept as failed, and throws", async () => {
    await expect(recorded({ stack: "thrown", what: "drain", store }, () => Promise.reject(new Error("no\nmore")))).rejects.toThrow("no");
    expect(await of("thrown")).toMatchObject([{ result: "failed", summary: "no" }]);
  });

  test("that was killed is kept as such by whoever reads next; one that goes on is not", async () => {
    const open = new OpenRuns(join(folder, "open"));
    const to = new FolderStore(folder);
    const script = `
      import { recorded } from "${import.meta.dirname}/../../operations/history/history.ts";
      import { OpenRuns } from "${import.meta.dirname}/../../operations/history/open-runs.ts";
      import { FolderStore } from "${import.meta.dirname}/../../operations/history/store.ts";
      import { changes } from "${import.meta.dirname}/../../pulumi/interruption.ts";
      const store = async () => new FolderStore(${JSON.stringify(folder)});
      const open = new OpenRuns(${JSON.stringify(join(folder, "open"))});
      await recorded({ stack: "killed", what: "up", words: ["up", "killed"], store, open }, async () => {
        changes();
        console.log("changes");
        await new Promise(() => setInterval(() => {}, 1000));
        return 0;
      });`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    expect(await historyOf("killed", 10, to, open)).toEqual([]);
    child.kill("SIGKILL");
    await once(child, "close");
    const expected = [{ what: "up", command: "fleet up killed", result: "interrupted", summary: unseenEnd }];
    expect(await historyOf("killed", 10, to, open)).toMatchObject(expected);
    expect(await historyOf("killed", 10, to, open)).toMatchObject(expected);
    expect(readdirSync(join(folder, "open", "killed"))).toEqual([]);
  });

  test("that was killed when it had said its end keeps that end", async () => {
    const open = new OpenRuns(join(folder, "open"));
    const to = new FolderStore(folder);
    let note = { file: "", text: "" };
    await recorded({ stack: "late", what: "up", store: async () => to, open }, async (notes) => {
      changes();
      const [name = ""] = readdirSync(join(folder, "open", "late"));
      const file = join(folder, "open", "late", name);
      note = { file, text: JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), born: "long ago" }) };
      notes.summary = "3 changed";
      return 0;
    });
    writeFileSync(note.file, note.text);
    expect(await historyOf("late", 10, to, open)).toMatchObject([{ result: "done", summary: "3 changed" }]);
    expect(readdirSync(join(folder, "open", "late"))).toEqual([]);
  });

  test("does not fail for a history that can't be written", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const full = async (): Promise<HistoryStore> => Promise.reject(new Error("disk full"));
    expect(await recorded({ stack: "x", what: "up", store: full }, async () => 0)).toBe(0);
    expect(said).toHaveBeenCalledWith("x: the history could not be written: disk full");
    said.mockRestore();
  });
});

test("a password that is spelled like a user hides no path", () => {
  const connection = { name: "isu1", address: "x", port: 22, user: "isucon", hostKey: "" };
  const server = { name: "isu1", roles: [], facts: {}, wants: {}, undone: [], remembered: [], connection };
  const elsewhere = { ...server, connection: { ...connection, user: "ubuntu" } };
  const mask = (wants: Record<string, Record<string, unknown>>) =>
    maskOf({ servers: [{ ...elsewhere, wants }], secrets: ["isucon"] })("/home/isucon");
  expect(mask({})).toBe("/home/[secret]");
  expect(mask({ app: { "git[/home/isucon/webapp]": {} } })).toBe("/home/isucon");
  expect(mask({ app: { "file[/srv/x]": { owner: "isucon", content: "x" } } })).toBe("/home/isucon");
  expect(mask({ app: { "file[/srv/x]": { owner: "www", content: "isucon" } } })).toBe("/home/[secret]");
  expect(maskOf({ servers: [server], secrets: ["isucon", "hunter22"] })("/home/isucon hunter22")).toBe("/home/isucon [secret]");
});

test("what a run changed is shown as a preview was, or by what it says of itself", () => {
  const preview = {
    stack: "team-a",
    team: "team-a",
    against: "servers",
    counts: { create: 0, update: 1, replace: 0, delete: 0 },
    price: { perHour: 0, change: 0 },
    servers: [{ name: "isu1", items: [{ address: "file[/etc/x]", operation: "update", cause: "planned", lines: ["-a", "+b"] }] }],
    shared: [],
    notes: [],
  };
  const text = told({ ...entry(1), summary: "1 change", commit: "abc", detail: preview });
  expect(text).toContain("~ file[/etc/x]\n      -a\n      +b\n\n1 change");
  expect(text).toContain("ada@laptop, at abc");
  expect(told({ ...entry(1, "drain"), summary: "isu3 is out", servers: ["isu1"], detail: ["a", "b"] })).toContain(
    "isu3 is out\non isu1\na\nb",
  );
});

test("times are by this computer's clock, with the day where it is not today", () => {
  const now = new Date(2026, 10, 29, 12, 0);
  expect(when(new Date(2026, 10, 29, 9, 5, 7).toISOString(), now)).toBe("09:05:07");
  expect(when(new Date(2026, 10, 28, 9, 5, 7).toISOString(), now)).toBe("11-28 09:05:07");
});
