// How often a server is waited for: on a line across an ocean that is what a command's time is made of.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { see } from "../../provisioners/engine/converge.ts";
import type { Facts } from "../../provisioners/engine/facts.ts";
import { sh } from "../../provisioners/engine/shell-quote.ts";
import { Context } from "../../provisioners/provider/context.ts";
import { hostResource } from "../../provisioners/provider/host.ts";
import { want } from "../../provisioners/resources/want.ts";
import { openShell, type Session } from "../../provisioners/ssh/session.ts";
import { type SlowLine, startSlowLine } from "../support/slow-line.ts";
import { type Sshd, startSshd } from "../support/sshd.ts";

/** Milliseconds each way: far more than this computer thinks about an answer, also with other tests beside it. */
const delay = 150;
let sshd: Sshd;
let line: SlowLine;
let shell: Session | undefined;
beforeAll(async () => {
  sshd = await startSshd();
  line = await startSlowLine(sshd.connection, delay);
});
afterAll(async () => {
  await shell?.close();
  await line?.close();
  await sshd?.stop();
});

/**
 * How often the client waited for the server while the work went on. A computer that is busy with other tests thinks for longer than the line takes
 * and splits one answer in two, so more than `aim` is tried again; work that waits more often does so each time.
 */
async function turnsOf(aim: number, work: () => Promise<unknown>, before: () => Promise<unknown> = async () => {}): Promise<number> {
  let turns = Number.POSITIVE_INFINITY;
  for (let tries = 0; turns > aim && tries < 5; tries++) {
    await before();
    const begun = line.turns;
    await work();
    turns = line.turns - begun;
  }
  return turns;
}

test("a first contact, a look and an act wait for a server as often as they must", async () => {
  const connection = { ...sshd.connection, port: line.port };
  const open = async () => {
    shell = await openShell(connection, { runDirectory: join(sshd.directory, "run"), handshakeTimeout: 60_000, rootTimeout: 60_000 });
  };
  // The greeting, two of the key exchange, the service, the key, its signature, the channel, the command, the shell.
  expect(await turnsOf(9, open, async () => shell?.close())).toBeLessThanOrEqual(9);
  const { address, want: wanted } = want.file({ path: join(sshd.directory, "there"), content: "text\n" });
  const look = () => see(shell!, "app", { [address]: wanted });
  // All roles of a server look together.
  expect(await turnsOf(1, () => Promise.all([look(), look(), look()]))).toBe(1);
  // An act is the lock, one more look, and the script of all changes: three.
  const lock = () => shell!.lock({ who: "ada@laptop", what: "stack a" });
  expect(await turnsOf(1, lock, async () => shell!.unlock())).toBe(1);
  expect(await turnsOf(1, () => shell!.run(sh`sleep 0.1; echo done`))).toBe(1);
});

test("whose a server is and what it is are asked in one command, with what its roles ask", { timeout: 120_000 }, async () => {
  const context = new Context();
  const connection = { ...sshd.connection, port: line.port };
  const call = {
    urn: "urn:pulumi:t::p::fleet:index:Host::isu1",
    name: "isu1",
    signal: AbortSignal.timeout(120_000),
    log: () => {},
    redact: String,
  };
  try {
    const open = await context.reach(connection, call);
    const inputs = { name: "isu1", connection };
    const { address, want: wanted } = want.file({ path: join(sshd.directory, "there"), content: "text\n" });
    const look = () =>
      Promise.all([
        hostResource(context).read("isu1", { inputs, outputs: { ...inputs, facts: {} as Facts, problem: "" } }, call),
        see(open, "app", { [address]: wanted }),
      ]);
    expect(await turnsOf(1, look)).toBe(1);
  } finally {
    await context.close();
  }
});
