// Who listens at a port and where: the question of a check, for real under dash, with an `ss` that says what the case has.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Look } from "../../provisioners/engine/probe.ts";
import type { Command } from "../../provisioners/engine/shell-quote.ts";
import { CheckWant, check } from "../../provisioners/resources/check.ts";
import { reachedPorts } from "../../provisioners/roles/contract.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-listens-"));
  writeFileSync(join(folder, "ss"), '#!/bin/sh\nprintf "%s" "$SOCKETS"\n');
  chmodSync(join(folder, "ss"), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

function asked(port: { readonly program?: string | readonly string[]; readonly reached?: string }, sockets: readonly string[]) {
  let question: Command | undefined;
  const look = {
    command(command: Command) {
      question = command;
      return () => ({ code: 0, stdout: "" });
    },
  };
  check.read(CheckWant.parse({ name: "it", port: { port: 3306, ...port } }), look as unknown as Look);
  const SOCKETS = sockets.map((each) => `${each}\n`).join("");
  const { status, stdout } = spawnSync("dash", ["-c", question!.text], {
    encoding: "utf8",
    env: { PATH: `${folder}:${process.env.PATH}`, SOCKETS },
  });
  return [status, stdout.trim()];
}

const line = (address: string, program: string) => `LISTEN 0 80 ${address}:3306 0.0.0.0:* users:(("${program}",pid=7,fd=21))`;
const mysql = { program: ["mariadbd", "mysqld"], reached: "10.0.0.2" };

describe("a port", () => {
  test.each([
    ["of one of its programs, on its address", mysql, [line("10.0.0.2", "mysqld")], [0, "open"]],
    ["on every address", mysql, [line("0.0.0.0", "mariadbd")], [0, "open"]],
    ["on every address of both families", mysql, [line("*", "mariadbd")], [0, "open"]],
    ["on every address, as an older ss says it", mysql, [line("[::]", "mariadbd")], [0, "open"]],
    ["on loopback and on its address", mysql, [line("127.0.0.1", "mariadbd"), line("10.0.0.2", "mariadbd")], [0, "open"]],
    ["on an address of IPv6", { reached: "fd00::2" }, [line("[fd00::2]", "node")], [0, "open"]],
    ["by a name, which is not compared", { reached: "isu1.internal" }, [line("127.0.0.1", "node")], [0, "open"]],
    ["that nobody holds", mysql, [], [1, "closed"]],
    ["of another program", mysql, [line("0.0.0.0", "python3")], [1, "open, but of python3"]],
    ["on loopback alone", mysql, [line("127.0.0.1", "mariadbd"), line("[::1]", "mariadbd")], [1, "open, but on 127.0.0.1 [::1] alone"]],
    ["on loopback alone, whoever holds it", { reached: "10.0.0.2" }, [line("127.0.0.1", "node")], [1, "open, but on 127.0.0.1 alone"]],
  ] as const)("%s", (_, port, sockets, expected) => {
    expect(asked(port, sockets)).toEqual(expected);
  });
});

test("a port is reached where another server's role needs it, and by nobody's wish else", () => {
  const database = { name: "isu2", place: "servers.isu2", roles: ["mysql"], params: { mysql: { port: 3306 } } };
  const wordpress = (name: string) => ({ name, place: `servers.${name}`, roles: ["wordpress"], params: { wordpress: { database: {} } } });
  const endpoints = [{ server: "isu2", role: "mysql", protocol: "mysql", port: 3306 }];
  expect(reachedPorts("isu2", [database, wordpress("isu1")], endpoints)).toEqual([3306]);
  expect(reachedPorts("isu2", [database, wordpress("isu2")], endpoints)).toEqual([]);
  expect(reachedPorts("isu1", [database, wordpress("isu1")], endpoints)).toEqual([]);
});
