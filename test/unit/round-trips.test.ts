// How often a server is waited for: on a line across an ocean that is what a command's time is made of.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { see } from "../../provisioners/engine/converge.ts";
import { sh } from "../../provisioners/engine/shell-quote.ts";
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

/** How often the client waited for the server while the work went on. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  const before = line.turns;
  await work();
  return line.turns - before;
}

test("a first contact, a look and an act wait for a server as often as they must", { timeout: 120_000 }, async () => {
  const connection = { ...sshd.connection, port: line.port };
  const open = async () => {
    shell = await openShell(connection, { runDirectory: join(sshd.directory, "run"), handshakeTimeout: 60_000, rootTimeout: 60_000 });
  };
  // The greeting, two of the key exchange, the service, the key, its signature, the channel, the command, the shell.
  expect(await turnsOf(open)).toBeLessThanOrEqual(9);
  const { address, want: wanted } = want.file({ path: join(sshd.directory, "there"), content: "text\n" });
  const look = () => see(shell!, "app", { [address]: wanted });
  // All roles of a server look together.
  expect(await turnsOf(() => Promise.all([look(), look(), look()]))).toBe(1);
  // An act is the lock, one more look, and the script of all changes: three.
  expect(await turnsOf(() => shell!.lock({ who: "ada@laptop", what: "stack a" }))).toBe(1);
  expect(await turnsOf(() => shell!.run(sh`sleep 0.1; echo done`))).toBe(1);
});
