// The end of a `down` of servers that were handed out: each is asked what it remembers, whatever the state knew of it. A state may be lost,
// and a first run may have been cut before it was written; what was done to a server stands on the server.

import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { failures } from "../provisioners/engine/converge.ts";
import { type HandedBack, handBack } from "../provisioners/engine/hand-back.ts";
import type { Result } from "../provisioners/engine/report.ts";
import { HostError } from "../provisioners/engine/shell.ts";
import { redactor } from "../provisioners/ssh/redact.ts";
import { Sessions } from "../provisioners/ssh/session-pool.ts";
import { changes } from "../pulumi/interruption.ts";
import { counted } from "../spec/counted.ts";
import { typed } from "../spec/typed.ts";
import type { LentServer } from "./lent-servers.ts";
import { phase } from "./phase.ts";

/** Milliseconds that another run gets to end. */
const lockPatience = 30_000;

/** What is said of one server. */
export interface Told {
  readonly lines: readonly string[];
  /** It is as it was, but for what is kept on purpose. */
  readonly clean: boolean;
}

/** 0 where no server has anything left to give back. */
export async function giveBackServers(stack: string, servers: readonly LentServer[], takeOver?: string): Promise<number> {
  const sessions = new Sessions();
  try {
    const told = await phase(`memory of ${counted(servers.length, "server")}`, () =>
      Promise.all(servers.map((server) => askOne(stack, server, sessions, takeOver))),
    );
    for (const { lines, clean } of told) for (const line of lines) clean ? console.log(line) : console.error(line);
    if (told.every(({ lines }) => lines.length === 0)) console.log(nothingLeft(stack, servers.length));
    return told.every(({ clean }) => clean) ? 0 : 1;
  } finally {
    await sessions.closeAll();
  }
}

/** Also where there was nothing to do at all: a `down` never ends without a word. */
export const nothingLeft = (stack: string, servers: number): string =>
  `${counted(servers, "server")} asked: nothing of ${stack} is left to give back`;

async function askOne(stack: string, server: LentServer, sessions: Sessions, takeOver: string | undefined): Promise<Told> {
  const who = `${userInfo().username}@${hostname()}`;
  try {
    const connection = await server.connection();
    const shell = await sessions.get(connection);
    const lock = async () => {
      changes();
      await shell.lock({ who, what: `stack ${stack}`, run: randomUUID(), wait: lockPatience });
    };
    const handed = await handBack(shell, { stack, who, id: server.owner }, lock, { takeOver });
    const secrets = [connection, connection.jump].flatMap((each) => [each?.password, each?.privateKey]);
    return said(stack, server.name, handed, redactor([...secrets, connection.sudoPassword].filter((each) => each !== undefined)));
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return { clean: false, lines: [unasked(stack, error)] };
  }
}

const unasked = (stack: string, { host, message }: HostError): string =>
  `${message}; what was done there, if anything, is there still; next: ${typed()} down ${stack} once it answers, ` +
  `or, if it is gone for good, with --forget ${host}`;

/** Pure. */
export function said(stack: string, name: string, handed: HandedBack, redact = (text: string): string => text): Told {
  if (handed.found === "nothing") return { clean: true, lines: [] };
  if (handed.found === "another's") {
    const { stack: other, who, since } = handed.owner;
    const next =
      other === stack
        ? `next: ${typed()} down ${stack} where its state is, or, if that is lost, ${typed()} down ${stack} --take-over ${other}`
        : `next: take ${name} out of stacks/Pulumi.${stack}.yaml, or ${typed()} down ${other} where that one is; ` +
          `--take-over ${other} gives it back in its place`;
    return { clean: false, lines: [`${name}: left as it is: it belongs to stack \`${other}\` of ${who} since ${since}; ${next}`] };
  }
  const { report } = handed;
  const failed = failures(report);
  const about = ({ address, reason, changes: done, outcome, said: more = [], stays = [] }: Result): readonly string[] => [
    ...(outcome === "changed" ? done.map((change) => `${name}: ${address}: ${change}`) : []),
    ...(outcome === "skipped" || outcome === "failed" ? [`${name}: ${address}: ${redact(reason ?? "no reason given")}`] : []),
    ...[...more, ...stays].map((each) => `${name}: ${address}: ${redact(each)}`),
  ];
  const changed = report.results.filter(({ outcome }) => outcome === "changed").length;
  const kept = report.results.filter(({ outcome }) => outcome === "skipped").length;
  const counts = [
    `${counted(changed, "resource")} put back from its own memory`,
    ...(kept > 0 ? [`${kept} kept`] : []),
    ...(failed.length > 0 ? [`${failed.length} could not be undone; put right what they say and run this again`] : []),
  ];
  const notes = (report.notes ?? []).map((note) => `${name}: ${note}`);
  return { clean: failed.length === 0, lines: [...report.results.flatMap(about), ...notes, `${name}: ${counts.join(", ")}`] };
}
