// A group of servers behind one name, with kept connections.
import { z } from "zod";
import { AbsolutePath, Port, ServerRef } from "../../spec/scalars.ts";
import { conf, type Part, when } from "../conf.ts";
import { Label, ServerAddress } from "../words.ts";

const tuning = {
  weight: z.int().min(1).default(1).describe("Share of the requests, beside the other servers' weights."),
  backup: z.boolean().default(false).describe("Used only while the others fail."),
  down: z.boolean().default(false).describe("Gets no requests, and keeps its place."),
  maxFails: z.int().min(0).default(1).describe("Failures within 10 s that take the server out for 10 s; 0 never takes it out."),
};

export const UpstreamServer = z.union([
  z.strictObject({
    host: ServerAddress.describe("Server by its name in /etc/hosts, or address."),
    port: Port.describe("Port of the server."),
    ...tuning,
  }),
  z.strictObject({ socket: AbsolutePath.describe("Unix socket."), ...tuning }),
]);
export type UpstreamServer = z.infer<typeof UpstreamServer>;

const From = z.strictObject({
  role: z.string().describe("Role whose endpoints on the team's servers become its servers: `app`, `varnish`."),
  protocol: z.string().default("http").describe("Protocol of those endpoints."),
  weights: z.partialRecord(ServerRef, z.int().min(1)).default({}).describe("Weights of the team's servers, 1 each without: `{isu2: 3}`."),
});

const UpstreamShape = z.strictObject({
  name: Label.describe("Name that routes call it by."),
  from: From.optional().describe("Servers by what other roles of the team provide."),
  servers: z.array(UpstreamServer).default([]).describe("Its servers, or further ones: host and port, or a Unix socket."),
  leastConnections: z.boolean().default(false).describe("Choose the server with the fewest open connections, not the next in turn."),
  keepalive: z.int().min(0).default(64).describe("Idle connections kept open in each worker; 0 for none."),
});

export const Upstream = UpstreamShape.refine(({ from, servers }) => from !== undefined || servers.some(({ backup }) => !backup), {
  path: ["servers"],
  error: "expected a server that is no `backup`: nginx refuses an upstream of these alone, and one of none",
});
export type Upstream = z.infer<typeof Upstream>;

function serverLine(server: UpstreamServer): string {
  const address = "socket" in server ? `unix:${server.socket}` : `${server.host}:${server.port}`;
  const extras = [
    ...when(server.weight !== 1, `weight=${server.weight}`),
    ...when(server.maxFails !== 1, `max_fails=${server.maxFails}`),
    ...when(server.backup, "backup"),
    ...when(server.down, "down"),
  ];
  return `server ${[address, ...extras].join(" ")};`;
}

export const upstream = ({ name, servers, leastConnections, keepalive }: Upstream): Part => conf`
  upstream ${name} {
      ${when(leastConnections, "least_conn;")}
      ${servers.map(serverLine)}
      ${when(keepalive > 0, `keepalive ${keepalive};`, "keepalive_requests 1000000;")}
  }
`;
