// Servers of the team that have a role's endpoint, for whoever balances over them.
import type { RoleContext, TeamEndpoint } from "./role.ts";

export interface EndpointServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

type Place = Pick<RoleContext<unknown>, "self" | "team">;

/** As this server reaches them. Of several ports of one server the first: names must differ, and a weight is a server's. */
export function reachedServers(endpoints: readonly TeamEndpoint[], { self, team }: Place): readonly EndpointServer[] {
  const address = (server: string): string =>
    server === self.name ? "127.0.0.1" : (team.servers.find(({ name }) => name === server)?.privateAddress ?? server);
  const found = endpoints.flatMap(({ server, port }): EndpointServer[] =>
    port === undefined ? [] : [{ name: server, host: address(server), port }],
  );
  return [...new Map(found.toReversed().map((each) => [each.name, each])).values()].toReversed();
}

export const endpointServers = (
  { role, protocol }: { readonly role?: string | undefined; readonly protocol: string },
  place: Place,
): readonly EndpointServer[] =>
  reachedServers(
    place.team.endpoints.filter((each) => each.role === role && each.protocol === protocol),
    place,
  );

/** Per cent of what usually goes to a host, where it is a server of the team. */
export function shareOf(host: string, { self, team }: Place): number {
  const own = ["127.0.0.1", "localhost", "::1"].includes(host);
  const server = own ? self : team.servers.find(({ name, privateAddress }) => name === host || privateAddress === host);
  return server?.share ?? 100;
}
