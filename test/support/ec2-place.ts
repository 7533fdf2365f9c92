// Where hosts boot as on EC2: a bridge, on it the metadata service's address, and AWS under its own names.
import { randomBytes } from "node:crypto";
import type { MachineSpec } from "../../machines/machine.ts";
import { bridgeName } from "../../machines/names.ts";
import { ensureNetwork } from "../../machines/network.ts";
import { preflight } from "../../machines/preflight.ts";
import { run } from "../../machines/run.ts";
import { gateway, parseSubnet } from "../../machines/subnet.ts";
import type { Emulator } from "./aws-emulator.ts";
import { AwsFront } from "./aws-front.ts";
import { type Credentials, MetadataService } from "./metadata-service.ts";

export interface Place {
  readonly metadata: MetadataService;
  readonly aws: AwsFront;
  /** Of the role that every host here has. */
  readonly credentials: Credentials;
  /** Leaves the bridge: it goes with the stack. */
  close(): Promise<void>;
}

const metadataAddress = "169.254.169.254";

/** This computer's address on the hosts' bridge. */
export const gatewayOf = (subnet: string): string => gateway(parseSubnet(subnet)!);

/** Of the bridge alone: no other part of this computer sees the address, and nothing that hosts send there leaves it. */
const rules = (table: string, { stack, subnet }: MachineSpec, port: number): string => `table ip ${table} {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "${bridgeName(stack)}" ip daddr ${metadataAddress} tcp dport 80 dnat to ${gatewayOf(subnet)}:${port}
  }
  chain forward {
    type filter hook forward priority filter - 1; policy accept;
    iifname "${bridgeName(stack)}" ip daddr 169.254.0.0/16 drop
  }
}
`;

/** `spec`: any machine of the stack. */
export async function openPlace(spec: MachineSpec, region: string, emulator: Emulator): Promise<Place> {
  await preflight("nspawn");
  await ensureNetwork(spec);
  const address = gatewayOf(spec.subnet);
  // Both of base64's odd characters: they must come through JSON, curl's config and the signature.
  const secret = `${randomBytes(27).toString("base64").slice(0, -2)}/+`;
  const credentials = { key: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`, secret, token: randomBytes(150).toString("base64") };
  const metadata = new MetadataService();
  const port = await metadata.listen(address);
  const aws = await AwsFront.open({ address, region, emulator: emulator.env.AWS_ENDPOINT_URL!, credentials });
  const table = `metadata_${bridgeName(spec.stack).replace("-", "_")}`;
  await run("nft", ["-f", "-"], { input: rules(table, spec, port) });
  const close = async () => {
    await run("nft", ["delete", "table", "ip", table]);
    await Promise.all([metadata.close(), aws.close()]);
  };
  return { metadata, aws, credentials, close };
}
