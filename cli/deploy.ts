// What `fleet deploy` and `fleet rollback` share: run it, keep it, say it.

import { sharesOf } from "../operations/balance/stack-share.ts";
import { type Done, deploy, type Told, type Wish } from "../operations/deploy/deploy.ts";
import { followedOf, refsOf, writeRefs } from "../operations/deploy/pin.ts";
import { type Place, placesOf } from "../operations/deploy/places.ts";
import { pinnedLine, reasonsOf } from "../operations/deploy/reasons.ts";
import { isCommit, short } from "../operations/deploy/records.ts";
import { type DeploySettings, settingsOf } from "../operations/deploy/settings.ts";
import { type FleetUp, fleetUp, maskOf } from "../operations/fleet-up.ts";
import { type RunNotes, recorded } from "../operations/history/history.ts";
import { RunRecord } from "../operations/record.ts";
import { select } from "../operations/select.ts";
import { forgotten, needed } from "../operations/unreachable.ts";
import { isUnreachable } from "../provisioners/engine/shell.ts";
import { throwIfInterrupted } from "../pulumi/interruption.ts";
import { typed } from "../spec/typed.ts";
import { waiting } from "./progress.ts";
import { labels } from "./server-lines.ts";
import { stackInMind } from "./stack-in-mind.ts";
import { columns, styled } from "./terminal.ts";

export interface DeployOptions {
  readonly stack?: string;
  readonly to: readonly string[];
  readonly health?: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly anyway?: string;
  readonly json: boolean;
}

/** Of the stack, as its state and its stack file have it. */
export interface Known {
  readonly stack: string;
  readonly places: readonly Place[];
  /** The branch or tag that the stack file follows, or did before it was pinned; undefined where it never named one. */
  readonly follows: string | undefined;
  readonly settings: DeploySettings;
}

export async function brought(what: Wish["what"], options: DeployOptions, wishOf: (known: Known) => Wish | Promise<Wish>): Promise<number> {
  const stack = options.stack ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const all = placesOf(fleet.servers, stack);
  const places = placesOf(select(fleet.servers, options.to), stack);
  const names = all.map(({ server }) => server.name);
  const chosen = places.map(({ server }) => server.name);
  // Nothing is built or migrated on the way back.
  const settings = what === "rollback" ? { files: [] } : settingsOf(stack, chosen);
  const wish = await wishOf({ stack, places, follows: followedOf(stack, chosen[0]!), settings });
  return await recorded({ stack, what }, (notes) => onThem(fleet, { places, names, wish, settings, options }, notes));
}

interface Job {
  readonly places: readonly Place[];
  /** All servers with the application. */
  readonly names: readonly string[];
  readonly wish: Wish;
  readonly settings: DeploySettings;
  readonly options: DeployOptions;
}

async function onThem(fleet: FleetUp, { places, names, wish, settings, options }: Job, notes: RunNotes): Promise<number> {
  const { stack } = fleet;
  const mask = maskOf(fleet);
  const chosen = places.map(({ server }) => server.name);
  notes.mask = mask;
  notes.servers = chosen;
  const record = new RunRecord(wish.what, stack);
  const label = labels([...new Set([...chosen, ...fleet.servers.map(({ name }) => name)])], process.stderr);
  const keep = (server: string, line: string) => record.line(server, mask(line));
  const say = (server: string, line: string) => {
    keep(server, line);
    console.error(`${label(server)} ${mask(line)}`);
  };
  const done = await waiting(
    () => `${wish.what}: ${chosen.join(", ")}`,
    () =>
      deploy(places, wish, {
        ...{ stack, servers: fleet.servers, shares: sharesOf(stack), once: settings, onLine: say, onOutput: keep },
        ...(options.health !== undefined && { health: options.health }),
        ...(options.timeout !== undefined && { patience: options.timeout }),
        ...(options.anyway !== undefined && { anyway: mask(options.anyway) }),
        onTarget: ({ commit, subject, ref }, servers) =>
          console.error(`${stack}: ${isCommit(ref) ? "" : `${ref}, `}${short(commit)} ${mask(subject)}, to ${servers.join(", ")}`),
      }),
  ).catch((error: unknown) => Promise.reject(isUnreachable(error) ? needed(error, stack, otherThan(error.host, names)) : error));
  const right = done.servers.every(({ result }) => result === "deployed" || result === "unchanged");
  const pinned = writeRefs(stack, done.refs, names);
  const isPinned = isCommit(refsOf(stack, chosen)[chosen[0]!]!);
  const again = wish.what === "rollback" && isPinned ? followedOf(stack, chosen[0]!) : undefined;
  notes.nothing = !pinned && done.servers.every(({ result }) => result === "unchanged");
  notes.summary = mask(summaryOf(done));
  notes.detail = done.servers.map((each) => mask(rowOf(each).join(" ")));
  const { commit, subject, ref } = done.target;
  const told = { stack, commit, subject, ref, servers: done.servers, stackFileChanged: pinned };
  const plain = JSON.parse(mask(JSON.stringify({ ...told, kept: record.folder })));
  record.summary(plain);
  if (options.json) console.log(JSON.stringify(plain, null, 2));
  else console.log(mask(recap(done, { stack, again, pinned, right, kept: record.shown })));
  throwIfInterrupted();
  return right ? 0 : 1;
}

const otherThan = (server: string, names: readonly string[]): string | undefined =>
  names.some((name) => name !== server) ? `--to '!${server}'` : undefined;

const words: Readonly<Record<Told["result"], string>> = {
  deployed: "deployed",
  unchanged: "unchanged",
  back: "went back",
  broken: "failed, and could not go back",
  interrupted: "interrupted",
  unknown: "not known",
  "not-begun": "not begun",
  unreachable: "unreachable",
};

const rowOf = ({ server, before, result, seconds }: Told): readonly string[] => [
  server,
  words[result],
  ...(result === "deployed" && before ? [`was ${short(before)}`] : result === "back" && before ? [`runs ${short(before)}`] : [""]),
  seconds > 0 ? `${seconds.toFixed(1)} s` : "",
];

const summaryOf = ({ target, servers }: Done): string => {
  const by = (result: Told["result"]) => servers.filter((each) => each.result === result).map(({ server }) => server);
  const told = (Object.keys(words) as Told["result"][])
    .filter((each) => by(each).length > 0)
    .map((each) => `${words[each]}: ${by(each).join(", ")}`);
  return `${short(target.commit)} ${target.subject}; ${told.join("; ")}`;
};

/** What is typed for a server that the others went on without. */
const behind = (stack: string, server: string): string =>
  `${server}: next, once it answers: ${typed()} up ${stack}, or the same with --to ${server}; ${forgotten(stack, server)}`;

interface Around {
  readonly stack: string;
  /** What `fleet deploy` goes forward to. */
  readonly again: string | undefined;
  readonly pinned: boolean;
  readonly right: boolean;
  readonly kept: string;
}

function recap(done: Done, { stack, again, pinned, right, kept }: Around): string {
  const rows = done.servers.map((each) => {
    const [server, word, ...rest] = rowOf(each);
    const colour = ["deployed", "unchanged"].includes(each.result) ? "green" : each.result === "not-begun" ? "dim" : "red";
    return [server!, styled(colour, word!), ...rest];
  });
  const reasons = reasonsOf(done.servers);
  const stays = pinned ? [pinnedLine(stack, right, done.refs)] : [];
  const forward = again === undefined ? [] : [`\`${typed()} deploy\` goes forward again, to the newest of ${again}`];
  const next = right ? forward : [`kept in ${kept}`];
  const table = columns(rows).replace(/ +$/gm, "");
  const late = done.servers.filter(({ result }) => result === "unreachable").map(({ server }) => behind(stack, server));
  return [...reasons, table, ...stays, ...late, ...next].join("\n");
}
