// varnish: a cache in front of the http endpoints that other roles of the team provide.
import { z } from "zod";
import { UserError } from "../../../spec/problem.ts";
import { Port, RoleName, ServerRef } from "../../../spec/scalars.ts";
import { dropIn } from "../../../templates/app/unit.ts";
import { defaultVcl, VarnishRule, VarnishServer, varnishCommand, varnishMiB } from "../../../templates/varnish/default-vcl.ts";
import { UrlPath } from "../../../templates/words.ts";
import { want } from "../../resources/want.ts";
import { reachedServers } from "../endpoints.ts";
import { machineOf } from "../machine.ts";
import { defineRole, type RoleContext } from "../role.ts";

const Params = z.strictObject({
  port: Port.default(6081).describe("port to listen on"),
  server: ServerRef.optional().describe(
    "server whose http endpoint it stands in front of, which is done before it; where that server has several, or varnish itself, say `role`",
  ),
  role: RoleName.optional().describe(
    "role whose http endpoints, on `server` or on every server of the team, it stands in front of: `nginx`, `app`",
  ),
  servers: z.array(VarnishServer).default([]).describe("further servers, by host and port"),
  healthCheck: UrlPath.optional().describe(
    "path that must answer with 200, asked every second; without it, a server that does not answer is found by the requests",
  ),
  memory: z
    .int()
    .min(16)
    .optional()
    .describe("MiB for objects; without it, a quarter of the machine's memory, half where it has the machine alone"),
  timeout: z.int().min(1).default(60).describe("seconds that a server may take to answer"),
  grace: z.int().min(0).default(60).describe("seconds for which what has expired is served, where no server is well by the health check"),
  rules: z.array(VarnishRule).default([]).describe("what is cached by its path; elsewhere the answers' headers count"),
  ttl: z
    .int()
    .min(0)
    .default(0)
    .describe("seconds for which an answer is served again that no rule is for, and whose headers say nothing of it"),
  esi: z.array(UrlPath).default([]).describe("beginnings of the paths whose pages are put together from their `<esi:include>`"),
  accessLog: z.boolean().default(false).describe("write every request to /var/log/varnish/varnishncsa.log"),
});
type Params = z.infer<typeof Params>;

const path = "/etc/varnish/default.vcl";
/** Of what it accepts it prints the C that it became. */
const validate = `said=$(varnishd -C -f ${path} 2>&1) || { printf '%s\\n' "$said"; exit 1; }`;

export const varnish = defineRole<Params>({
  name: "varnish",
  summary: "varnish in front of the team's http servers, with rules by path, ESI and bans",
  params: Params,
  packageManagers: ["apt"],
  territory: [{ name: "varnish", paths: ["/etc/varnish"], unit: "varnish.service", validate }],
  services: ({ port }) => [{ unit: "varnish.service", ports: { port } }],
  provides: ({ port }) => ({ varnish: { protocol: "http", port } }),
  needs: ({ server, role }) => (server === undefined || role !== undefined ? [] : [{ protocol: "http", of: server, at: "server" }]),
  memory: "share",
  resources(context) {
    const { params, team } = context;
    const servers = serversOf(context);
    const file = want.file({
      path,
      content: defaultVcl({
        ...params,
        servers,
        team: team.servers.filter(({ pooled }) => !pooled).map(({ privateAddress }) => privateAddress),
      }),
    });
    const unit = want.unit({
      name: "varnish.service",
      dropIn: "zz-fleet.conf",
      content: dropIn({
        role: "varnish",
        service: { ExecStart: ["", varnishCommand(params.port, params.memory ?? varnishMiB(machineOf(context)))] },
      }),
    });
    // The package starts it, where nothing forbids that.
    const log = want.service({
      unit: "varnishncsa.service",
      enabled: params.accessLog,
      running: params.accessLog,
      masked: !params.accessLog,
    });
    const server = want.package({ name: "varnish", after: params.accessLog ? [] : [log.address] });
    return [
      ...(params.accessLog ? [server, log] : [log, server]),
      file,
      unit,
      // A reload compiles the new rules beside the old ones: the cache stays.
      want.service({ unit: "varnish.service", reloadOn: [file.address], restartOn: [unit.address], validate }),
      want.check({ name: `varnish-${params.port}`, port: { port: params.port, program: "varnishd" } }),
    ];
  },
});

/** Those that the team's endpoints give, by the names of their servers, and those that the stack file names. */
function serversOf({ params, self, team }: RoleContext<Params>): readonly VarnishServer[] {
  const { role, server, servers } = params;
  const asked = role === undefined && server === undefined ? [] : team.endpoints;
  const found = asked.filter(
    (each) =>
      each.protocol === "http" && each.role !== "varnish" && (role ?? each.role) === each.role && (server ?? each.server) === each.server,
  );
  const all = [...reachedServers(found, { self, team }), ...servers];
  if (all.length > 0) return all;
  const reason = "expected a server to stand in front of, got none; name a `role` that the team has, a `server`, or `servers`";
  throw new UserError(`${self.name}: varnish: ${reason}`, [{ at: self.name, path: "params.varnish", reason }]);
}
