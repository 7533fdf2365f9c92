// EC2 as a command of the fleet itself meets it: the emulator, with a machine behind each instance that the command starts (ec2-hosts.ts), and with
// an image being what is on the machine's disk. Does what the emulator lacks: tags on snapshots, addresses that lead somewhere.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CreateTagsCommand, DescribeImagesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { region } from "./aws-emulator.ts";
import type { Ec2Hosts } from "./ec2-hosts.ts";

const idsIn = (text: string, tag: string): readonly string[] =>
  [...text.matchAll(new RegExp(`<${tag}>([^<]+)<`, "g"))].map(([, id]) => id!);

export class Ec2Door {
  /** Told of every call before it is done; a text that it returns refuses the call in its place. */
  onCall: (action: string) => string | undefined = () => undefined;
  readonly #emulator: string;
  readonly #hosts: Ec2Hosts;
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  private constructor(emulator: string, hosts: Ec2Hosts) {
    this.#emulator = emulator;
    this.#hosts = hosts;
  }

  static async open(emulator: string, hosts: Ec2Hosts): Promise<Ec2Door> {
    const door = new Ec2Door(emulator, hosts);
    await new Promise<void>((resolve, reject) => door.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    return door;
  }

  get env(): NodeJS.ProcessEnv {
    return { AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` };
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    const asked = new URLSearchParams(body);
    const action = asked.get("Action") ?? "";
    const refused = this.onCall(action);
    if (refused !== undefined) {
      const errors = `<Errors><Error><Code>${refused}</Code><Message>refused by the test</Message></Error></Errors>`;
      response.writeHead(400, { "content-type": "text/xml" }).end(`<Response>${errors}<RequestID>x</RequestID></Response>`);
      return;
    }
    try {
      const tags = snapshotTags(asked);
      const { host: _, "content-length": __, connection: ___, ...headers } = request.headers;
      const answer = await fetch(this.#emulator, { method: "POST", body: asked.toString(), headers: headers as Record<string, string> });
      const text = await answer.text();
      if (answer.ok) await this.#happen(action, asked, text, tags);
      response.writeHead(answer.status, { "content-type": "text/xml" }).end(this.#addressed(text));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  }

  async #happen(action: string, asked: URLSearchParams, text: string, tags: Readonly<Record<string, string>>): Promise<void> {
    const ids = [...asked].filter(([key]) => key.startsWith("InstanceId")).map(([, id]) => id);
    if (action === "RunInstances") for (const id of new Set(idsIn(text, "instanceId"))) await this.#hosts.act(id, "start");
    if (action === "StopInstances") for (const id of ids) await this.#hosts.act(id, "stop");
    if (action === "TerminateInstances") for (const id of ids) await this.#hosts.act(id, "terminate");
    if (action !== "CreateImage") return;
    const [image = ""] = idsIn(text, "imageId");
    await this.#hosts.keep(image, ids[0]!);
    const client = new EC2Client({ region, endpoint: this.#emulator });
    const { Images = [] } = await client.send(new DescribeImagesCommand({ ImageIds: [image] }));
    const Resources = (Images[0]?.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);
    await client.send(new CreateTagsCommand({ Resources, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }));
  }

  /** The emulator's public addresses lead nowhere. */
  #addressed(text: string): string {
    return text.replace(/<instanceId>([^<]+)<\/instanceId>(?:(?!<instanceId>).)*/gs, (item, id: string) => {
      const address = this.#hosts.addressOf(id);
      return address === undefined ? item : item.replace(/<ipAddress>[^<]*</g, `<ipAddress>${address}<`);
    });
  }
}

/** Takes them out of what is asked: the emulator knows none at the making of an image. */
function snapshotTags(asked: URLSearchParams): Readonly<Record<string, string>> {
  const [mark] = [...asked].find(([key, value]) => /^TagSpecification\.\d+\.ResourceType$/.test(key) && value === "snapshot") ?? [];
  if (mark === undefined) return {};
  const prefix = mark.replace(/ResourceType$/, "");
  const own = [...asked].filter(([key]) => key.startsWith(prefix));
  for (const [key] of own) asked.delete(key);
  const of = (word: string) => own.filter(([key]) => key.endsWith(`.${word}`)).map(([, value]) => value);
  return Object.fromEntries(of("Key").map((key, at) => [key, of("Value")[at]!]));
}
