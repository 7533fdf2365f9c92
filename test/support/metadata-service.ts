// EC2's instance metadata service, version 2 alone, for hosts that the test made: each is told apart by its address, as on EC2.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A directory is an object, a leaf its text. */
export interface Tree {
  [name: string]: string | Tree;
}

export interface Instance {
  readonly id: string;
  readonly type: string;
  readonly zone: string;
  /** As the launch template carries it: base64. */
  readonly userData: string;
  /** @default none: it holds no credentials */
  readonly role?: { readonly name: string; readonly credentials: Credentials };
  /** `target-lifecycle-state` of its group. Tests change it. @default it is in no group */
  target?: "InService" | "Terminated";
  /** Set when AWS takes a spot instance back. */
  spot?: { readonly action: "terminate"; readonly time: string };
}

export interface Credentials {
  readonly key: string;
  readonly secret: string;
  readonly token: string;
}

const credentialsText = ({ key, secret, token }: Credentials): string =>
  // AWS's own layout, a field a line.
  `{
  "Code" : "Success",
  "LastUpdated" : "2026-01-01T00:00:00Z",
  "Type" : "AWS-HMAC",
  "AccessKeyId" : "${key}",
  "SecretAccessKey" : "${secret}",
  "Token" : "${token}",
  "Expiration" : "2099-01-01T00:00:00Z"
}`;

const identityOf = ({ id, type, zone }: Instance, address: string): string =>
  JSON.stringify({ instanceId: id, instanceType: type, availabilityZone: zone, region: zone.slice(0, -1), privateIp: address });

/** Not the link's own: the image sets up its network without asking. */
const mac = "02:00:00:00:00:01";

/** What the service shows below `latest/`. */
function treeOf(instance: Instance, address: string): Tree {
  const { id, type, zone, role, target, spot, userData } = instance;
  return {
    "meta-data": {
      "instance-id": id,
      "instance-type": type,
      "local-hostname": `ip-${address.replaceAll(".", "-")}`,
      "local-ipv4": address,
      mac,
      network: { interfaces: { macs: { [mac]: { "device-number": "0", "local-ipv4s": address } } } },
      placement: { "availability-zone": zone, region: zone.slice(0, -1) },
      ...(role && { iam: { "security-credentials": { [role.name]: credentialsText(role.credentials) } } }),
      ...(target && { autoscaling: { "target-lifecycle-state": target } }),
      ...(spot && { spot: { "instance-action": JSON.stringify(spot) } }),
    },
    "user-data": Buffer.from(userData, "base64").toString("utf8"),
    dynamic: { "instance-identity": { document: identityOf(instance, address) } },
  };
}

const listing = (tree: Tree): string =>
  Object.entries(tree)
    .map(([name, below]) => (typeof below === "string" ? name : `${name}/`))
    .join("\n");

/** The text at a path of a tree: a leaf, or the names in a directory. */
export function lookUp(tree: Tree, path: string): string | undefined {
  let at: string | Tree | undefined = tree;
  for (const name of path.split("/").filter(Boolean)) at = typeof at === "object" && Object.hasOwn(at, name) ? at[name] : undefined;
  return typeof at === "object" ? listing(at) : at;
}

export class MetadataService {
  /** By the address that asks. */
  readonly instances = new Map<string, Instance>();
  /** Every request that brought no token of its own: version 1 of the service, which launch templates switch off. */
  readonly withoutToken: string[] = [];
  readonly #tokens = new Map<string, string>();
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));

  /** Returns the port. */
  async listen(address: string): Promise<number> {
    await new Promise<void>((resolve, reject) => this.#server.once("error", reject).listen(0, address, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #answer({ method = "GET", url = "/", headers, socket }: IncomingMessage, response: ServerResponse): void {
    const { status, text = "" } = this.#answerTo(`${method} ${url}`, headers, socket.remoteAddress ?? "");
    response.writeHead(status, { "content-type": "text/plain" }).end(text);
  }

  #answerTo(asked: string, headers: IncomingHttpHeaders, address: string): { readonly status: number; readonly text?: string } {
    const instance = this.instances.get(address);
    if (!instance) return { status: 404 };
    if (asked === "PUT /latest/api/token") {
      if (!headers["x-aws-ec2-metadata-token-ttl-seconds"]) return { status: 400 };
      const token = randomBytes(24).toString("base64");
      this.#tokens.set(token, address);
      return { status: 200, text: token };
    }
    if (this.#tokens.get(String(headers["x-aws-ec2-metadata-token"])) !== address) {
      this.withoutToken.push(asked);
      return { status: 401 };
    }
    // Each version of the service is a directory of its own, all with the same content here.
    const [, path] = /^GET \/(?:latest|\d{4}-\d{2}-\d{2})\/(.*)$/.exec(asked) ?? [];
    const text = path === undefined ? undefined : lookUp(treeOf(instance, address), path);
    return text === undefined ? { status: 404 } : { status: 200, text };
  }
}
