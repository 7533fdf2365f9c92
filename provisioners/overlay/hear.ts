// Who hears of the team's files: the role's own service, the unit of the territory where it runs, the unit whose file it is, or a handler.
import type { OverlayEntry } from "../../spec/overlay.ts";
import type { Facts } from "../engine/facts.ts";
import { isBelow } from "../resources/address-path.ts";
import { restartReadersOf } from "../resources/environment-readers.ts";
import type { Address } from "../resources/kind.ts";
import type { ReaderName } from "../resources/live/readers.ts";
import { type Declared, want } from "../resources/want.ts";
import type { Territory } from "../roles/role.ts";
import { byFacts, type Neighbour } from "./owners.ts";
import { canRestart, unitFolder, unitPlace } from "./unit-place.ts";

export interface Placed {
  readonly entry: OverlayEntry;
  readonly declared: Declared;
}

/** What hears of files: a unit, a handler, or (neither) every service of the role. */
export interface Hearer {
  readonly unit?: string | undefined;
  readonly handler?: { readonly name: string; readonly run?: string | undefined };
  readonly validate?: string | undefined;
  /** Who is asked whether a file is in force. */
  readonly live?: readonly { readonly of: ReaderName; readonly file: string; readonly unit?: string }[];
  readonly reloadOn: readonly Address[];
  readonly restartOn: readonly Address[];
  readonly below: readonly string[];
}

export function hearers(placed: readonly Placed[], { territory }: Neighbour, facts: Facts): readonly Hearer[] {
  const units = placed.flatMap(({ entry, declared }) => ofUnit(entry.path, declared.address));
  const places = territory.flatMap((each) => ofTerritory(each, placed, facts));
  const environments = placed.flatMap(({ entry, declared }) => ofEnvironment(entry.path, declared.address));
  return [...units, ...places, ...environments];
}

/** By its name alone: which services read it only the server knows. */
const isEnvironment = (path: string): boolean => /^\/etc\/(?:default|sysconfig)\/|env[^/]*$/i.test(path) && !isBelow(path, unitFolder);

/** A service reads the file of its environment at its start. */
function ofEnvironment(path: string, address: Address): readonly Hearer[] {
  if (!/^(?:file|link)\[/.test(address) || !isEnvironment(path)) return [];
  const name = `environment${path.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  return [{ handler: { name, run: restartReadersOf(path) }, reloadOn: [address], restartOn: [], below: [path] }];
}

/** A unit's own file, or a drop-in of it. systemd reads it again when it lands; a unit that runs starts again with it. */
function ofUnit(path: string, address: Address): readonly Hearer[] {
  const none = { reloadOn: [], restartOn: [] };
  const place = address.startsWith("unit[") ? unitPlace(path) : undefined;
  if (place)
    return canRestart(place.name)
      ? [{ ...none, unit: place.name, restartOn: [address], below: [`${unitFolder}/${place.name}`, `${unitFolder}/${place.name}.d`] }]
      : [];
  if (!isBelow(path, unitFolder)) return [];
  return [{ ...none, handler: { name: "systemd", run: "systemctl daemon-reload" }, reloadOn: [address], below: [unitFolder] }];
}

function ofTerritory(territory: Territory, placed: readonly Placed[], facts: Facts): readonly Hearer[] {
  const { name, paths, hears = "reload", run, everyService } = territory;
  const here = placed.filter(
    ({ entry, declared }) => /^(?:file|link)\[/.test(declared.address) && paths.some((path) => isBelow(entry.path, path)),
  );
  const [unit, validate] = [byFacts(territory.unit, facts), byFacts(territory.validate, facts)];
  // A unit that only some distributions have: nobody is known to read the files here.
  if (here.length === 0 || (territory.unit && !unit)) return [];
  const handler = !unit && !everyService ? { name, run } : undefined;
  if (handler && !run && !validate) return [];
  const addresses = here.map(({ declared }) => declared.address);
  const [reloadOn, restartOn] = hears === "reload" ? [addresses, []] : [[], addresses];
  const asked = territory.live && unit ? { live: comparedIn(territory, territory.live, here, unit) } : {};
  return [{ unit, validate, reloadOn, restartOn, below: paths, ...asked, ...(handler && { handler }) }];
}

/** What a role writes there itself it compares itself: of a file in its place it is told by the role's own look. */
function comparedIn({ paths, liveFiles }: Territory, of: ReaderName, here: readonly Placed[], unit: string): NonNullable<Hearer["live"]> {
  if (!liveFiles) return here.some(({ entry }) => entry.path === paths[0]) ? [{ of, file: paths[0]! }] : [];
  return here.flatMap(({ entry, declared }) =>
    declared.address.startsWith("file[") && liveFiles.test(entry.path) ? [{ of, file: entry.path, unit }] : [],
  );
}

/** The same resources, with those that hear of the files among them. */
export function withHearers(declared: readonly Declared[], all: readonly Hearer[]): readonly Declared[] {
  const handlers = merged(all.filter(({ handler }) => handler));
  const services = merged(all.filter(({ handler }) => !handler));
  const made = [
    ...handlers.map(({ handler, reloadOn, restartOn, below, validate }) =>
      want.handler({ name: handler!.name, run: handler!.run, on: [...reloadOn, ...restartOn], below, validate }),
    ),
    ...services
      .filter(({ unit }) => unit && !declared.some(({ address }) => address === `service[${unit}]`))
      .map(({ unit, handler: _, live: __, ...heard }) => want.service({ unit: unit!, keep: true, ...heard })),
    ...services.flatMap(({ unit, live = [] }) =>
      live
        .filter(({ file }) => !declared.some((each) => isLook(each, file)))
        .map((each) => want.live({ ...each, after: [`service[${unit}]`] })),
    ),
  ];
  return [...declared.map((each) => hearing(each, services)), ...made];
}

const isLook = ({ address, want: of }: Declared, file: string): boolean =>
  address.startsWith("live[") && (of as { readonly file?: string }).file === file;

/** One for each unit or handler, with all that it hears of. */
function merged(all: readonly Hearer[]): readonly Hearer[] {
  const by = new Map<string, Hearer>();
  for (const each of all) {
    const key = each.handler?.name ?? each.unit ?? "";
    const other = by.get(key);
    by.set(key, other ? { ...other, ...each, validate: other.validate ?? each.validate, ...both(other, each) } : each);
  }
  return [...by.values()];
}

const both = (a: Hearer, b: Hearer) => ({
  reloadOn: [...a.reloadOn, ...b.reloadOn],
  restartOn: [...a.restartOn, ...b.restartOn],
  below: [...a.below, ...b.below],
  ...((a.live ?? b.live) && { live: [...(a.live ?? []), ...(b.live ?? [])] }),
});

/** A role's own service hears of what the role no longer wants anyway. */
function hearing(declared: Declared, services: readonly Hearer[]): Declared {
  if (!declared.address.startsWith("service[")) return declared;
  const heard = services.filter(({ unit }) => (unit ? declared.address === `service[${unit}]` : declared.address.endsWith(".service]")));
  if (heard.length === 0) return declared;
  const own = declared.want as {
    readonly reloadOn?: readonly Address[];
    readonly restartOn?: readonly Address[];
    readonly validate?: string;
  };
  const restartOn = [...new Set([...(own.restartOn ?? []), ...heard.flatMap((each) => each.restartOn)])];
  const reloadOn = [...new Set([...(own.reloadOn ?? []), ...heard.flatMap((each) => each.reloadOn)])];
  const validate = own.validate ?? heard.map((each) => each.validate).find(Boolean);
  return { ...declared, want: { ...declared.want, restartOn, reloadOn, ...(validate && { validate }) } as Declared["want"] };
}
