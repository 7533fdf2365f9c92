// What `fleet drain` and `fleet enable` share: find the balancers, tell them, say it in the stack file, wait.

import { InvalidArgumentError } from "commander";
import {
  type Balancer,
  balancersOn,
  ended,
  hostsOf,
  isSo,
  type Left,
  type Placed,
  placesOf,
  refuseBroken,
  refuseLast,
  type Shares,
  sharesBy,
  type Target,
  tell,
} from "../operations/balance/drain.ts";
import { type PutBack, putBack, wantedAt } from "../operations/balance/lasting.ts";
import { sharesOf, shareText, writeShares } from "../operations/balance/stack-share.ts";
import { writeTeamFiles } from "../operations/balance/team-files.ts";
import { sourceOf } from "../operations/edit/place.ts";
import { type FleetServer, type FleetUp, fleetUp } from "../operations/fleet-up.ts";
import { type RunNotes, recorded } from "../operations/history/history.ts";
import { OpenServers } from "../operations/on-servers.ts";
import { select } from "../operations/select.ts";
import { isUnreachable, sentenceOf } from "../provisioners/engine/shell.ts";
import { planOf } from "../provisioners/stack.ts";
import { changes, throwIfInterrupted } from "../pulumi/interruption.ts";
import { counted } from "../spec/counted.ts";
import { isUserError, UserError } from "../spec/problem.ts";
import { typed } from "../spec/typed.ts";
import { waiting } from "./progress.ts";
import { stackInMind } from "./stack-in-mind.ts";
import { wrapped } from "./terminal.ts";

export interface BalanceOptions {
  readonly stack?: string;
  /** In per cent. */
  readonly share: number;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly wait?: boolean;
  readonly anyway?: boolean;
  readonly json: boolean;
}

export function percent(text: string): number {
  const value = Number(text.replace(/%$/, ""));
  if (!Number.isInteger(value) || value < 0 || value > 100) throw new InvalidArgumentError("expected per cent from 0 to 100");
  return value;
}

export const balancedServers = "servers by name (isu3, isu2,isu3), pattern ('isu*') or role";

export async function balance(what: "drain" | "enable", words: readonly string[], options: BalanceOptions): Promise<number> {
  const stack = options.stack ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const chosen = select(fleet.servers, words);
  return await recorded({ stack, what }, (notes) => change(fleet, chosen, options, notes));
}

async function change(fleet: FleetUp, chosen: readonly FleetServer[], options: BalanceOptions, notes: RunNotes): Promise<number> {
  const { stack } = fleet;
  const shares = sharesOf(stack);
  const targets = chosen.map(
    (server): Target => ({ name: server.name, hosts: hostsOf(server), before: shares[server.name] ?? 100, now: options.share }),
  );
  const open = new OpenServers();
  try {
    const outcomes = await waiting(
      () => `looks for what balances over ${chosen.map(({ name }) => name).join(", ")}`,
      () => balancersOn(open, fleet.servers),
    );
    throwIfInterrupted();
    const silent = outcomes.flatMap((each) => ("error" in each ? [each] : []));
    for (const { server, error } of silent) console.error(`${server}: ${sentenceOf(error)}; what balances there is not told`);
    // That it is off is why it is drained; what balanced there is off with it.
    const isWhy = (name: string, error: Error) => options.share === 0 && isUnreachable(error) && chosen.some((each) => each.name === name);
    const missing = silent.filter(({ server, error }) => !isWhy(server, error));
    const balancers = outcomes.flatMap((each) => ("value" in each ? [each.value] : []));
    refuseBroken(balancers);
    const places = placesOf(balancers, targets);
    const names = targets.map(({ name }) => name).join(", ");
    if (places.length === 0)
      throw new UserError(`${names}: expected nginx or haproxy on a server of ${stack} that balances over it, got none`);
    if (options.share === 0 && !options.anyway) refuseLast(places);
    changes();
    notes.servers = [...new Set(places.map(({ balancer }) => balancer))];
    const wanted = { targets, shareOf: sharesBy(fleet.servers, shares) };
    const already = isSo(balancers, places, wanted);
    const refused = await tellAll(fleet, open, balancers, { places, shares: wanted });
    // Who can't be told now is told by the next up.
    if (refused.length === 0) writeShares(stack, Object.fromEntries(targets.map(({ name }) => [name, options.share])));
    const goes = refused.length > 0 ? [] : said(fleet, balancers, places, wanted);
    const waits = refused.length === 0 && options.wait !== false && options.share === 0;
    const left = waits ? await waited(fleet, open, places, options) : { connections: 0, workers: 0 };
    notes.summary = refused.length > 0 ? refused.join("; ") : `${names}: ${shareText(options.share)}`;
    notes.detail = places.map(outcome);
    report({ stack, options, places, refused, left, names, already, goes });
    return refused.length + missing.length > 0 || left.connections > 0 ? 1 : 0;
  } finally {
    await open.close();
  }
}

/** With the stack's own file that is to be changed, where one stands for it. */
type GoesBack = PutBack & { readonly source?: string };

function goesBack(
  { stack, servers }: FleetUp,
  balancers: readonly Balancer[],
  places: readonly Placed[],
  shares: Shares,
): readonly GoesBack[] {
  try {
    const plan = planOf(stack);
    const wanted = wantedAt(plan, (name) => servers.find((each) => each.name === name)?.facts);
    return putBack(balancers, places, shares, wanted).map((each) => {
      const source = sourceOf(plan, { server: each.place.balancer, path: each.path });
      return { ...each, ...(source !== undefined && { source }) };
    });
  } catch (error) {
    // A mistake elsewhere in the stack file is the next up's to tell.
    if (!isUserError(error)) throw error;
    return [];
  }
}

/** In the team's own files too; what can't be said there, goes back. */
function said(fleet: FleetUp, balancers: readonly Balancer[], places: readonly Placed[], shares: Shares): readonly GoesBack[] {
  const goes = goesBack(fleet, balancers, places, shares);
  const own = goes.filter(({ source }) => source !== undefined);
  return own.length > 0 && writeTeamFiles(planOf(fleet.stack), own, shares) ? goesBack(fleet, balancers, places, shares) : goes;
}

interface Known {
  readonly places: readonly Placed[];
  readonly shares: Shares;
}

/** @returns what went wrong, a sentence each */
async function tellAll(
  fleet: FleetUp,
  open: OpenServers,
  balancers: readonly Balancer[],
  { places, shares }: Known,
): Promise<readonly string[]> {
  const asked = fleet.servers.filter(({ name }) => places.some(({ balancer }) => balancer === name));
  const outcomes = await open.each(
    asked,
    ({ name }, shell, signal) => tell(balancers.find(({ server }) => server === name)!, shell, shares, signal),
    {
      change: `another share for ${shares.targets.map(({ name }) => name).join(", ")}`,
      onWait: (server, why) => console.error(`${server}: ${why}`),
    },
  );
  return outcomes.flatMap((each) => ("error" in each ? [`${each.server}: ${sentenceOf(each.error)}`] : []));
}

async function waited(fleet: FleetUp, open: OpenServers, places: readonly Placed[], { timeout = 30_000 }: BalanceOptions): Promise<Left> {
  const until = Date.now() + timeout;
  const left = new Map<string, Left>();
  const asked = fleet.servers.filter(({ name }) => places.some(({ balancer }) => balancer === name));
  const sum = (what: keyof Left) => [...left.values()].reduce((total, each) => total + each[what], 0);
  const work = () =>
    open.each(asked, ({ name }, shell, signal) =>
      ended(
        shell,
        places.filter(({ balancer }) => balancer === name),
        { until, signal, onLeft: (count) => left.set(name, count) },
      ),
    );
  const waitsFor = () =>
    sum("connections") === 0 && sum("workers") > 0 ? "clients from before" : counted(sum("connections"), "connection");
  await waiting(() => `waits for ${waitsFor()} to end`, work);
  return { connections: sum("connections"), workers: sum("workers") };
}

const outcome = ({ balancer, kind, group, target }: Placed): string =>
  `${balancer} ${kind} ${group}: ${target.name} ${target.now === 0 ? "out" : target.now === 100 ? "in" : `in with ${target.now} %`}`;

const goesBackText = ({ place, path, role, words, until, source }: GoesBack): string =>
  `${outcome(place)} until ${until}: ${source ?? `role ${role}`} has another ${path}; to keep it, write ${words} ${source === undefined ? "into what the role is told" : "there"}`;

interface Told {
  readonly stack: string;
  readonly options: BalanceOptions;
  readonly places: readonly Placed[];
  readonly refused: readonly string[];
  readonly left: Left;
  readonly names: string;
  /** It was so before. */
  readonly already: boolean;
  /** Changes that do not last. */
  readonly goes: readonly GoesBack[];
}

function report({ stack, options, places, refused, left, names, already, goes }: Told): void {
  if (options.json) {
    const told = places.map((place) => {
      const { balancer, kind, group, target } = place;
      const back = goes.find((each) => each.place === place);
      return {
        balancer,
        kind,
        group,
        server: target.name,
        share: target.now,
        ...(back && { until: back.until, file: back.source ?? back.path }),
      };
    });
    console.log(
      JSON.stringify({ stack, already, places: told, refused, connectionsLeft: left.connections, oldWorkers: left.workers }, null, 2),
    );
    return;
  }
  for (const each of refused) console.error(each);
  if (refused.length > 0) return;
  console.log(places.map(outcome).join("\n"));
  if (left.connections > 0) console.log(`${names}: ${counted(left.connections, "connection is", "connections are")} still open`);
  else if (left.workers > 0) console.log(`${names}: nginx has clients from before yet (a stream, say), whose requests may still come`);
  const stays =
    options.share < 100 && goes.length < places.length
      ? `; stays so in the next up (stacks/Pulumi.${stack}.yaml), until: ${typed()} enable ${names.replaceAll(", ", ",")} -s ${stack}`
      : "";
  const share = `${names}: ${already ? "already " : ""}${shareText(options.share)}${stays}`;
  console.log([wrapped(share), ...goes.map((each) => wrapped(goesBackText(each)))].join("\n"));
}
