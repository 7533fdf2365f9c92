// /etc/keepalived/keepalived.conf: addresses that one of several servers has, told between their private addresses (VRRP, unicast).
import { z } from "zod";
import { AbsolutePath } from "../../spec/scalars.ts";
import { conf, ownedBy, type Part, when } from "../conf.ts";

/** A word of a command line, where keepalived reads quotes, `!`, `#`, `$` and `@` in its own way. */
const Word = z.string().regex(/^[A-Za-z0-9_./:=,?&%+~-]+$/, "expected one word without spaces, quotes, `!`, `#`, `$`, `@`");
export const HealthCommand = z.tuple([AbsolutePath], Word);

export interface KeepalivedConf {
  readonly interface: string;
  readonly routerId: number;
  readonly password?: string | undefined;
  readonly preempt: boolean;
  readonly addresses: readonly string[];
  readonly healthCheck?: readonly string[] | undefined;
  readonly self: { readonly name: string; readonly address: string; readonly priority: number };
  readonly peers: readonly string[];
}

export const keepalivedConf = (keepalived: KeepalivedConf): string => conf`
  # ${ownedBy("keepalived", "templates/keepalived/keepalived-conf.ts")}
  global_defs {
      router_id ${keepalived.self.name}
      enable_script_security
      script_user nobody nogroup
      # At once, and again for those that missed it: neighbours learn where the address is by now.
      vrrp_garp_master_refresh 10
  }
  ${when(keepalived.addresses.length > 0 && keepalived.healthCheck !== undefined, health(keepalived.healthCheck ?? []))}
  ${when(keepalived.addresses.length > 0, instance(keepalived))}
`;

const health = (command: readonly string[]): string => conf`

  vrrp_script health {
      script "${command}"
      interval 1
      timeout 2
      fall 2
      rise 2
  }
`;

/** One without others has nobody to tell, and keepalived takes no empty list. */
const unicast = ({ self, peers }: KeepalivedConf): Part =>
  when(peers.length > 0, `unicast_src_ip ${self.address}`, "unicast_peer {", ...peers.map((peer) => `    ${peer}`), "}");

/** Between quotes keepalived takes all but a quote as it stands, and has no way to write that. */
const password = (text: string | undefined): Part =>
  text === undefined ? [] : ["authentication {", "    auth_type PASS", `    auth_pass "${text}"`, "}"];

/** All begin as backups: who has the highest priority takes the addresses, once nobody else says that it has them. */
const instance = (keepalived: KeepalivedConf): string => conf`

  vrrp_instance fleet {
      state BACKUP
      interface ${keepalived.interface}
      virtual_router_id ${keepalived.routerId}
      priority ${keepalived.self.priority}
      advert_int 1
      ${when(!keepalived.preempt, "nopreempt")}
      ${unicast(keepalived)}
      ${password(keepalived.password)}
      virtual_ipaddress {
          ${keepalived.addresses.map((address) => `${address}/32 dev ${keepalived.interface}`)}
      }
      ${when(keepalived.healthCheck !== undefined, "track_script {", "    health", "}")}
  }
`;
