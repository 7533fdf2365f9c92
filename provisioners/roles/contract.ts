// What the roles of a server, and of a team, say of themselves, put together: ports, memory, endpoints, and what contradicts.
import { meets, type Need, type TeamEndpoint } from "./role.ts";
import { roleNamed } from "./roles.ts";

/** A server or a pool, by where it stands in the stack file. */
export interface Holder {
  readonly name: string;
  /** `servers.isu1`, `target.pools.web`. */
  readonly place: string;
  readonly roles: readonly string[];
  readonly params: Readonly<Record<string, unknown>>;
}

export interface ContractProblem {
  readonly path: string;
  readonly reason: string;
}

type Roles = Pick<Holder, "roles" | "params">;

interface PortUse {
  readonly role: string;
  readonly at: string;
  readonly port: number;
}

const portUses = ({ roles, params }: Roles): readonly PortUse[] =>
  roles.flatMap((role) =>
    (roleNamed(role).services?.(params[role]) ?? []).flatMap(({ ports }) =>
      Object.entries(ports).map(([at, port]) => ({ role, at, port })),
    ),
  );

/** TCP ports that the roles listen on, each once, in order. */
export const portsOf = (holder: Roles): readonly number[] => [...new Set(portUses(holder).map(({ port }) => port))].sort((a, b) => a - b);

/** The user that applications run as: contests' own where no role says. */
export const accountOf = ({ roles, params }: Roles): string =>
  roles.map((role) => roleNamed(role).account?.(params[role])).find((user) => user !== undefined) ?? "isucon";

export const repositoriesOf = ({ roles, params }: Roles): readonly string[] => [
  ...new Set(roles.flatMap((role) => roleNamed(role).repositories?.(params[role]) ?? [])),
];

/** Whether another role wants memory too. Roles that take the rest take it together. */
export function sharesMemory(role: string, roles: readonly string[]): boolean {
  const { memory: own } = roleNamed(role);
  const others = roles.filter((each) => each !== role).map((each) => roleNamed(each).memory ?? "none");
  return others.some((memory) => memory === "share" || (memory === "rest" && own !== "rest"));
}

/** What the servers of a team provide for each other. Pools come and go: nobody can name one. */
export const endpointsOf = (servers: readonly Holder[]): readonly TeamEndpoint[] =>
  servers.flatMap(({ name, roles, params }) =>
    roles.flatMap((role) =>
      Object.values(roleNamed(role).provides?.(params[role]) ?? {}).map((endpoint) => ({ server: name, role, ...endpoint })),
    ),
  );

export const needsOf = (role: string, params: unknown): readonly Need[] => roleNamed(role).needs?.(params) ?? [];

/** @param role whose need it is */
export const candidates = (need: Need, endpoints: readonly TeamEndpoint[], role: string): readonly TeamEndpoint[] =>
  endpoints.filter((each) => meets(each, need) && !(need.every && each.role === role));

/** Ports of a server that the roles of others need. */
export const reachedPorts = (server: string, holders: readonly Holder[], endpoints: readonly TeamEndpoint[]): readonly number[] =>
  [
    ...new Set(
      holders
        .filter(({ name }) => name !== server)
        .flatMap(({ roles, params }) =>
          roles.flatMap((role) => needsOf(role, params[role]).flatMap((need) => candidates(need, endpoints, role))),
        )
        .flatMap((each) => (each.server === server && each.port !== undefined ? [each.port] : [])),
    ),
  ].sort((a, b) => a - b);

/** Of all servers and pools. */
export function contractProblems(holders: readonly Holder[], endpoints: readonly TeamEndpoint[]): readonly ContractProblem[] {
  return holders.flatMap((holder) => [...portClashes(holder), ...openNeeds(holder, endpoints)]);
}

function portClashes(holder: Holder): readonly ContractProblem[] {
  const first = new Map<number, PortUse>();
  return portUses(holder).flatMap((use) => {
    const other = first.get(use.port);
    if (!other) first.set(use.port, use);
    if (!other || other.role === use.role) return [];
    const path = (of: PortUse) => `${holder.place}.params.${of.role}.${of.at}`;
    return [
      {
        path: path(use),
        reason: `expected a port of its own on \`${holder.name}\`, got ${use.port}, which \`${path(other)}\` has; change one of them`,
      },
    ];
  });
}

function openNeeds({ place, roles, params }: Holder, endpoints: readonly TeamEndpoint[]): readonly ContractProblem[] {
  return roles.flatMap((role) =>
    needsOf(role, params[role]).flatMap((need): readonly ContractProblem[] => {
      const found = candidates(need, endpoints, role);
      if (found.length === 1 || (found.length === 0 && need.optional) || (found.length > 1 && need.every)) return [];
      const path = `${place}.params.${role}.${need.at}`;
      const by = need.role === undefined ? "" : ` by the role \`${need.role}\``;
      const one = `${need.every ? "at least " : ""}one server${need.of === undefined ? "" : `, \`${need.of}\`,`}`;
      const what = `expected ${one} that provides \`${need.protocol}\`${by}`;
      if (found.length === 0) return [{ path, reason: `${what}, got none; give it the role that does` }];
      return [{ path, reason: `${what}, got ${found.map(({ server }) => `\`${server}\``).join(" and ")}; name one here` }];
    }),
  );
}
