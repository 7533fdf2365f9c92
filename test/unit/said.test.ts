// What is said of servers, when and how long: secrets that are names, a server that is waited for, the time that a role gets.
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { openWords } from "../../cli/preview/redaction.ts";
import { Context } from "../../provisioners/provider/context.ts";
import type { Call } from "../../provisioners/provider/resource.ts";
import { deadlineOf } from "../../provisioners/provider/role.ts";
import { open, secret } from "../../provisioners/provider/wire.ts";
import { want } from "../../provisioners/resources/want.ts";
import { freePort } from "../support/sshd.ts";

describe("a secret", () => {
  test("that is its user's name is no word to be masked; any other is", () => {
    const connection = { user: "isucon", password: secret("isucon"), sudoPassword: secret("another") };
    expect(open({ connection }).secrets).toEqual(["another"]);
    expect(open({ connection: { user: "ada", password: secret("isucon") } }).secrets).toEqual(["isucon"]);
  });

  test("that is part of a path or an address which stands open is none either", () => {
    const secretsBeside = (repository: string) => open({ repository, password: secret("isucon") }).secrets;
    expect(secretsBeside("ssh://isucon@192.0.2.1/app.git")).toEqual([]);
    expect(secretsBeside("/home/isucon/webapp")).toEqual([]);
    expect(secretsBeside("hunts for isucon here")).toEqual(["isucon"]);
    expect(openWords({ path: "/home/isucon" })).toContain("isucon");
  });

  test("is told from names by where it stands in the stack file", () => {
    const spec = { servers: { isu1: { user: "isucon", password: "given", privateKey: "key", hostKey: "ssh-ed25519 AAAA" } } };
    expect(openWords(spec)).toEqual(["servers", "isu1", "user", "isucon", "hostKey", "ssh-ed25519 AAAA"]);
  });
});

describe("a server that is off", () => {
  const reach = async (port: number) => {
    const said: [number, string, string][] = [];
    const passed: string[] = [];
    const [start, abort] = [performance.now(), new AbortController()];
    const log: Call["log"] = (severity, message, passing = false) => {
      if (passing) passed.push(message);
      else said.push([performance.now() - start, severity, message]);
      if (!passing) abort.abort(new Error("heard"));
    };
    const call: Call = { urn: "", name: "", signal: abort.signal, redact: (text) => text, log };
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const connection = { name: "isu3", address: "127.0.0.1", port, user: "root", hostKey: key, password: "x" };
    await expect(new Context().reach(connection, call, { boot: true })).rejects.toThrow("heard");
    return { said, passed };
  };

  test.for(["refuses", "is silent"])("is named within seconds while it is waited for: one that %s", async (how) => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const port = how === "refuses" ? await freePort() : (silent.address() as { port: number }).port;
    const {
      said: [first],
      passed,
    } = await reach(port);
    silent.close();
    expect(first?.[0]).toBeLessThan(20_000);
    expect(first?.slice(1)).toEqual([
      "warning",
      expect.stringMatching(/^.*`127\.0\.0\.1:\d+`.*; waits for it, up to 120 s \(--connect-timeout\), while the others go on$/),
    ]);
    expect(passed.at(0)).toMatch(/^waits 1[12]\d of 120 s more: .*`127\.0\.0\.1:\d+`/);
  });
});

describe("the time that a role gets", () => {
  const wants = (...all: readonly { readonly address: string; readonly want: object }[]) =>
    Object.fromEntries(all.map((each) => [each.address, each.want])) as never;

  test("is an hour, or what the stack file says", () => {
    expect(deadlineOf(wants(want.file({ path: "/etc/motd", content: "" })))).toBe(3_600_000);
    expect(deadlineOf(wants(), 60_000)).toBe(60_000);
  });

  test("and what its commands and checks allow themselves", () => {
    const build = want.command({ name: "build", run: "make", creates: "/srv/made", timeout: 7200 });
    const check = want.check({ name: "up", port: { port: 80 }, deadline: 300 });
    expect(deadlineOf(wants(build, check), 60_000)).toBe(60_000 + 7_200_000 + 300_000);
  });
});
