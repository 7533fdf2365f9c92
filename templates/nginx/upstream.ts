// A group of servers behind one name, with kept connections.
import { z } from "zod";
import { AbsolutePath, Port } from "../../spec/scalars.ts";
import { conf, type Part, when } from "../conf.ts";
import { Label, ServerAddress } from "../words.ts";

const tuning = {
  weight: z.int().min(1).default(1).describe("Share of the requests, beside the other servers' weights."),
  backup: z.boolean().default(false).describe("Used only while the others fail."),
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

export const Upstream = z.strictObject({
  name: Label.describe("Name that routes call it by."),
  servers: z
    .array(UpstreamServer)
    .min(1)
    .refine((servers) => servers.some(({ backup }) => !backup), {
      error: "expected a server that is no `backup`: nginx refuses an upstream of these alone",
    })
    .describe("Its servers: host and port, or a Unix socket."),
  leastConnections: z.boolean().default(false).describe("Choose the server with the fewest open connections, not the next in turn."),
  keepalive: z.int().min(0).default(64).describe("Idle connections kept open in each worker; 0 for none."),
});
export type Upstream = z.infer<typeof Upstream>;

function serverLine(server: UpstreamServer): string {
  const address = "socket" in server ? `unix:${server.socket}` : `${server.host}:${server.port}`;
  const extras = [
    ...when(server.weight !== 1, `weight=${server.weight}`),
    ...when(server.maxFails !== 1, `max_fails=${server.maxFails}`),
    ...when(server.backup, "backup"),
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
