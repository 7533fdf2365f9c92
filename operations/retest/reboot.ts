// Reboots servers and waits until they do their work again.
import { setTimeout as sleep } from "node:timers/promises";
import type { LockingShell } from "../../provisioners/engine/shell.ts";
import { type Command, sh } from "../../provisioners/engine/shell-quote.ts";
import { throwIfInterrupted } from "../../pulumi/interruption.ts";
import type { FleetServer } from "../fleet-up.ts";
import { OpenServers, type Outcome, type Work } from "../on-servers.ts";
import { type Alive, aliveIn, aliveScript, deadAfter } from "./alive.ts";

/** Answers before it goes, so that the connection ends well. */
const goesIn = (seconds: number): Command => sh`sync; setsid sh -c ${`sleep ${seconds}; systemctl reboot`} </dev/null >/dev/null 2>&1 &
:`;

/** Whether the boot is through, whatever came of it. */
const booted: Command = sh`timeout 60 systemctl is-system-running --wait >/dev/null 2>&1; :`;

/** Seconds that applications have after the boot. */
const settle = 20;

export interface Back {
  readonly seconds?: number;
  readonly alive?: Alive;
  readonly error?: string;
}

export const lookAlive = async (shell: Pick<LockingShell, "run">): Promise<Alive> =>
  aliveIn((await shell.run(aliveScript, { deadline: 60_000 })).stdout.toString("utf8"));

/** Seconds until the first one goes: all are told by then, also those that are reached through it. */
const lead = 2;

/** In this order, with less than a second between two. */
export async function sendReboots(open: OpenServers, servers: readonly FleetServer[]): Promise<readonly Outcome<void>[]> {
  let at = lead;
  const delays = new Map(
    servers.map(({ name }) => {
      const delay = at;
      at += Math.random();
      return [name, Math.round(delay * 100) / 100];
    }),
  );
  const work: Work<void> = async ({ name }, shell) => void (await shell.run(goesIn(delays.get(name) ?? lead), { deadline: 20_000 }));
  return await open.each(servers, work, { change: "retest: reboot", timeout: 60_000 });
}

/** Until another boot than `before.boot` answers and what did its work before does so again, or `limit` seconds are over. Never rejects, but for an interruption. */
export async function waitUntilBack(server: FleetServer, before: Alive, limit: number): Promise<Back> {
  const begun = performance.now();
  const since = () => (performance.now() - begun) / 1000;
  let last: Back = {};
  let firstAnswer: number | undefined;
  while (since() < limit) {
    throwIfInterrupted();
    const seen = await once(server, Math.max(5, limit - since()));
    if (seen.alive && seen.alive.boot !== before.boot) {
      last = { alive: seen.alive, seconds: since() };
      if (deadAfter(before, seen.alive).length === 0) return last;
      firstAnswer ??= since();
      if (since() - firstAnswer > settle) return last;
    } else if (seen.error !== undefined && last.alive === undefined) last = { error: seen.error };
    await sleep(1000);
  }
  return last;
}

async function once(server: FleetServer, seconds: number): Promise<{ readonly alive?: Alive; readonly error?: string }> {
  // A connection of before the reboot is none any more.
  const open = new OpenServers();
  try {
    const [outcome] = await open.each(
      [server],
      async (_, shell) => {
        await shell.run(booted, { deadline: 70_000 });
        return await lookAlive(shell);
      },
      { timeout: Math.ceil(seconds * 1000) },
    );
    throwIfInterrupted();
    if (outcome && "value" in outcome) return { alive: outcome.value };
    return { error: outcome ? outcome.error.message.replace(`${server.name}: `, "") : "no answer" };
  } finally {
    await open.close();
  }
}
