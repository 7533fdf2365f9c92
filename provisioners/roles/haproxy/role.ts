// haproxy: balances over the endpoints that other roles of the team provide.
import { z } from "zod";
import { Port } from "../../../spec/scalars.ts";
import { dropIn } from "../../../templates/app/unit.ts";
import { HaproxyBackend, HaproxyFrontend, type HaproxyServer, haproxyCfg } from "../../../templates/haproxy/haproxy-cfg.ts";
import { Label } from "../../../templates/words.ts";
import { want } from "../../resources/want.ts";
import { endpointServers, shareOf } from "../endpoints.ts";
import { defineRole, type RoleContext } from "../role.ts";

const Params = z
  .strictObject({
    frontends: z.array(HaproxyFrontend).default([]).describe("what it listens for"),
    backends: z.record(Label, HaproxyBackend).default({}).describe("groups of servers by name"),
    maxConnections: z
      .int()
      .min(16)
      .default(8000)
      .describe("client connections at once; each takes two open files, and haproxy does not start with fewer"),
    timeout: z.int().min(1).default(60).describe("seconds that a client, a server or the queue may be silent"),
    statsPort: z
      .union([Port, z.literal(false)])
      .default(8404)
      .describe("port of the statistics page on 127.0.0.1; false for none"),
  })
  .superRefine(({ frontends, backends }, context) => {
    const names = Object.keys(backends);
    frontends.forEach(({ backend }, index) => {
      if (names.includes(backend)) return;
      const message = `expected one of the backends (${names.join(", ") || "there is none yet"}), got \`${backend}\``;
      context.addIssue({ code: "custom", path: ["frontends", index, "backend"], message });
    });
  });
type Params = z.infer<typeof Params>;

const path = "/etc/haproxy/haproxy.cfg";

export const haproxy = defineRole<Params>({
  name: "haproxy",
  summary: "haproxy in front of the team's servers, with health checks and weights",
  params: Params,
  packageManagers: ["apt"],
  territory: [{ name: "haproxy", paths: ["/etc/haproxy"], unit: "haproxy.service", validate: `haproxy -c -f ${path}` }],
  services: ({ frontends, statsPort }) => [
    {
      unit: "haproxy.service",
      ports: {
        ...Object.fromEntries(frontends.map(({ port }, index) => [`frontends[${index}].port`, port])),
        ...(statsPort !== false && { statsPort }),
      },
    },
  ],
  provides: ({ frontends, backends }) =>
    Object.fromEntries(frontends.map(({ name, port, backend }) => [name, { protocol: backends[backend]?.mode ?? "http", port }])),
  resources(context) {
    const { params } = context;
    const backends = Object.fromEntries(
      Object.entries(params.backends).map(([name, settings]) => [name, { settings, servers: serversOf(settings, context) }]),
    );
    const file = want.file({ path, content: haproxyCfg({ ...params, backends }) });
    // Two of each connection, and some for itself: with fewer it does not start.
    const limits = want.unit({
      name: "haproxy.service",
      dropIn: "zz-fleet.conf",
      content: dropIn({ role: "haproxy", service: { LimitNOFILE: 2 * params.maxConnections + 1000 } }),
    });
    return [
      want.package({ name: "haproxy" }),
      file,
      limits,
      want.service({
        unit: "haproxy.service",
        reloadOn: [file.address],
        restartOn: [limits.address],
        validate: `haproxy -c -f ${path}`,
      }),
      ...params.frontends.map(({ port }) => want.check({ name: `haproxy-${port}`, port: { port, program: "haproxy" } })),
    ];
  },
});

/** Those that the team's endpoints give, by the names of their servers, and those that the stack file names. */
const serversOf = ({ weights, servers, ...from }: HaproxyBackend, context: RoleContext<Params>): readonly HaproxyServer[] => [
  ...endpointServers(from, context).map((each) => shared({ ...each, weight: weights[each.name] ?? 100, down: false }, context)),
  ...servers.map((each) => shared(each, context)),
];

/** In haproxy's own weights, which are fine enough for per cents. */
function shared(server: HaproxyServer, context: RoleContext<Params>): HaproxyServer {
  const share = shareOf(server.host, context);
  return {
    ...server,
    down: server.down || share === 0,
    weight: share === 0 || share === 100 ? server.weight : Math.max(1, Math.round((server.weight * share) / 100)),
  };
}
