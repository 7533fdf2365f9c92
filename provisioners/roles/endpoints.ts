// Servers of the team that have a role's endpoint, for whoever balances over them.
import type { RoleContext, TeamEndpoint } from "./role.ts";

export interface EndpointServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Of several ports of one server the first: a weight is a server's. */
export function endpointServers(
  { role, protocol }: { readonly role?: string | undefined; readonly protocol: string },
  { self, team }: Pick<RoleContext<unknown>, "self" | "team">,
): readonly EndpointServer[] {
  const address = ({ server }: TeamEndpoint): string =>
    server === self.name ? "127.0.0.1" : (team.servers.find(({ name }) => name === server)?.privateAddress ?? server);
  const found = team.endpoints.flatMap((each): EndpointServer[] =>
    each.role === role && each.protocol === protocol && each.port !== undefined
      ? [{ name: each.server, host: address(each), port: each.port }]
      : [],
  );
  return [...new Map(found.toReversed().map((each) => [each.name, each])).values()].toReversed();
}
