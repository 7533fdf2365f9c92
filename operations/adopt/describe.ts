// Facts of all servers as a stack: the fleet as its file says it, the trees laid over the servers, and what was left where it is.
import type { Guards } from "../../spec/guards.ts";
import type { FileRule } from "../../spec/overlay.ts";
import type { HandedOutServer } from "./addresses.ts";
import { type Candidate, candidatesOn } from "./candidates.ts";
import type { ServerFacts } from "./facts.ts";
import { guardsIn } from "./guarded.ts";
import { type Hidden, hide, SecretNames, type Secrets } from "./hidden.ts";
import { type Switch, switchesOf } from "./services.ts";
import { type Layers, type LeftOut, layersOf, treeOf } from "./trees.ts";

/** How a server is reached: what was typed, and the key that it showed. */
export interface Way extends HandedOutServer {
  readonly user: string;
  readonly hostKey: string;
  readonly password?: string;
  readonly privateKey?: string;
  readonly sudoPassword?: string;
}

export interface Adopted {
  readonly stack: string;
  readonly servers: readonly { readonly way: Way; readonly facts: ServerFacts }[];
  readonly members: readonly string[];
  /** Names that secrets have already. */
  readonly secrets?: Secrets;
}

export interface ServerDescription {
  /** Beside base. */
  readonly candidates: readonly Candidate[];
  readonly services: Readonly<Record<string, Switch>>;
  readonly privateAddress?: string;
}

export interface Description {
  readonly stack: string;
  readonly appUser: string;
  readonly members: readonly string[];
  readonly guards: Guards;
  readonly servers: Readonly<Record<string, ServerDescription>>;
  readonly layers: Layers;
  readonly secrets: Secrets;
  readonly rules: readonly FileRule[];
  readonly left: Readonly<Record<string, readonly LeftOut[]>>;
}

export function describe({ stack, servers, members, secrets }: Adopted): Description {
  const all = servers.map(({ facts }) => facts);
  const guards = guardsIn(all);
  const names = new SecretNames(secrets);
  const trees = servers.map(({ way, facts }) => {
    const { entries, left } = treeOf(facts, guards);
    const hidden = hide(entries, facts.files, { environment: environmentFilesOf(facts), names });
    const secret = hidden.refused.map((path) => ({ path, why: "not for everybody to read, and more than a list of variables" }));
    return { name: way.name, left: [...left, ...secret], ...hidden };
  });
  return {
    ...{ stack, members, guards },
    appUser: appUserOf(servers),
    servers: Object.fromEntries(
      servers.map(({ way, facts }) => [
        way.name,
        { candidates: candidatesOn(facts, guards), services: switchesOf(facts, guards), ...privateAddressOf(way, facts) },
      ]),
    ),
    layers: layersOf(Object.fromEntries(trees.map(({ name, entries }) => [name, entries]))),
    secrets: names.secrets,
    rules: rulesOf(trees),
    left: Object.fromEntries(trees.map(({ name, left }) => [name, left])),
  };
}

const environmentFilesOf = ({ units }: ServerFacts): ReadonlySet<string> =>
  new Set(["/etc/environment", ...units.flatMap(({ environmentFiles }) => environmentFiles)]);

/** A stack has one rule for a path, whichever server: who has it otherwise is found to differ, and keeps its file to itself. */
const rulesOf = (trees: readonly Pick<Hidden, "rules">[]): readonly FileRule[] => [
  ...new Map(trees.flatMap(({ rules }) => rules.map((rule) => [rule.path, rule] as const))).values(),
];

/** As whom most of the team's units run; who logs in, where none says. */
function appUserOf(servers: Adopted["servers"]): string {
  const people = new Set(servers.flatMap(({ facts }) => facts.people.map(({ name }) => name)));
  const users = servers.flatMap(({ facts }) => facts.units.map(({ user }) => user)).filter((user) => people.has(user));
  const count = (user: string) => users.filter((each) => each === user).length;
  const most = [...new Set(users)].sort((a, b) => count(b) - count(a))[0];
  const login = servers.map(({ way }) => way.user).find((user) => people.has(user));
  return most ?? login ?? [...people][0] ?? "isucon";
}

/** Only where the servers know it by another address than we do. */
function privateAddressOf({ address, privateAddress }: Way, { addresses }: ServerFacts): { readonly privateAddress?: string } {
  if (privateAddress !== undefined) return { privateAddress };
  const [first] = addresses;
  return addresses.includes(address) || first === undefined ? {} : { privateAddress: first };
}
