// The sites' own parts that depend on the team: upstreams whose servers are other roles' endpoints.
import { UserError } from "../../../spec/problem.ts";
import type { Site } from "../../../templates/nginx/site.ts";
import type { Upstream } from "../../../templates/nginx/upstream.ts";
import { sharedOut } from "../../../templates/shares.ts";
import { endpointServers, shareOf } from "../endpoints.ts";
import type { RoleContext } from "../role.ts";

type Team = Pick<RoleContext<unknown>, "self" | "team">;

/** Throws a UserError where nobody in the team has such an endpoint. */
export function settledUpstream(upstream: Upstream, context: Team): Upstream {
  return sharedAmong(withEndpoints(upstream, context), context);
}

/** What `fleet drain` writes at run time is what stands here. */
function sharedAmong(upstream: Upstream, context: Team): Upstream {
  const shares = upstream.servers.map((each) => ("host" in each ? shareOf(each.host, context) : 100));
  const parts = sharedOut(upstream.servers, shares);
  return { ...upstream, servers: upstream.servers.map((each, index) => ({ ...each, ...parts[index]! })) };
}

function withEndpoints(upstream: Upstream, context: Team): Upstream {
  const { from, name } = upstream;
  if (!from) return upstream;
  const found = endpointServers(from, context);
  if (found.length + upstream.servers.length === 0)
    throw new UserError(
      `params.nginx: upstream \`${name}\`: expected a server whose role \`${from.role}\` provides \`${from.protocol}\`, got none; give one the role, with its ports`,
    );
  const servers = found.map(({ name: server, host, port }) => ({
    host,
    port,
    weight: from.weights[server] ?? 1,
    backup: false,
    maxFails: 1,
    down: false,
  }));
  return { ...upstream, servers: [...servers, ...upstream.servers] };
}

export const settledSite = (site: Site, context: Team): Site => ({
  ...site,
  upstreams: site.upstreams.map((each) => settledUpstream(each, context)),
});
