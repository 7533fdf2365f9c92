// Connections of any protocol, handed on as they are: `stream` of nginx.
import { z } from "zod";
import { Port } from "../../spec/scalars.ts";
import { conf } from "../conf.ts";
import { Upstream, upstream } from "./upstream.ts";

export const Stream = z.strictObject({
  port: Port.describe("Port to listen on."),
  upstream: Upstream.describe("Where its connections go."),
  timeout: z.int().min(1).default(600).describe("Seconds that a connection may be silent."),
});
export type Stream = z.infer<typeof Stream>;

/** Kept connections are for HTTP alone. */
export const streamBlock = (streams: readonly Stream[]): string => conf`

  stream {
      ${streams.map((each) => upstream({ ...each.upstream, keepalive: 0 }))}
      ${streams.map(server)}
  }
`;

const server = ({ port, timeout, upstream: { name } }: Stream): string => conf`
  server {
      listen ${port};
      proxy_pass ${name};
      proxy_connect_timeout 2s;
      proxy_timeout ${timeout}s;
  }
`;
