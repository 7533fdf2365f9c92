// keepalived: addresses that the first of the team's servers has, and the next one once that is gone.
import { z } from "zod";
import { Ipv4, SecretText } from "../../../spec/scalars.ts";
import { HealthCommand, keepalivedConf } from "../../../templates/keepalived/keepalived-conf.ts";
import { want } from "../../resources/want.ts";
import { defineRole, type RoleContext } from "../role.ts";

const Interface = z.string().regex(/^[a-z][a-z0-9_.-]{0,14}$/, "expected the name of a network interface, such as `eth0`");

const Params = z.strictObject({
  addresses: z.array(Ipv4).max(20).default([]).describe("virtual addresses, which one server has at a time; without any, nothing is held"),
  interface: Interface.default("eth0").describe(
    "network interface that has the private address, by `ip -br address`: `ens5`, `host0` on a practice machine",
  ),
  routerId: z.int().min(1).max(255).default(51).describe("number of this group of servers, which no other in the network has"),
  password: SecretText.optional().describe('up to 8 characters, which is all that the protocol takes, without `"`; a Pulumi secret'),
  preempt: z.boolean().default(true).describe("whether a server that is back takes the addresses from one that comes after it"),
  healthCheck: HealthCommand.optional().describe(
    "program by absolute path and its arguments, run every second as nobody: a server where it fails hands over",
  ),
});
type Params = z.infer<typeof Params>;

const path = "/etc/keepalived/keepalived.conf";
/**
 * Asked as another user whether a health check's program can be run, a keepalived 2.2 that only tests asks to be ended, and is not where the
 * signal is ignored. It shows the line that it refuses: a password stays out.
 */
const validate = `trap '' TERM
said=$(keepalived -t -f ${path} 2>&1) || { printf '%s\\n' "$said" | sed 's/auth_pass ".*/auth_pass (hidden)/' | sort -u; exit 1; }`;

export const keepalived = defineRole<Params>({
  name: "keepalived",
  summary: "keepalived: virtual addresses that move to the next server, in the order of the stack file",
  params: Params,
  packageManagers: ["apt"],
  territory: [{ name: "keepalived", paths: ["/etc/keepalived"], unit: "keepalived.service", validate }],
  services: () => [{ unit: "keepalived.service", ports: {} }],
  resources(context) {
    const file = want.file({
      ...{ path, mode: "0640", sensitive: context.params.password !== undefined },
      content: keepalivedConf({ ...context.params, ...groupOf(context) }),
    });
    // Without an address it has nothing to do, and does not start.
    const running = context.params.addresses.length > 0;
    const service = want.service({ unit: "keepalived.service", enabled: running, running, reloadOn: [file.address], validate });
    return [want.package({ name: "keepalived" }), file, service];
  },
});

/** Highest first, as the stack file has them. A pool's servers have no order, and no address that others could know. */
function groupOf({ self, team }: RoleContext<Params>) {
  const group = team.servers.filter(({ roles, pooled }) => roles.includes("keepalived") && !pooled);
  const at = group.findIndex(({ name }) => name === self.name);
  return {
    self: { name: self.name, address: self.privateAddress, priority: at < 0 ? 1 : Math.max(2, 200 - 10 * at) },
    peers: group.filter(({ name }) => name !== self.name).map(({ privateAddress }) => privateAddress),
  };
}
