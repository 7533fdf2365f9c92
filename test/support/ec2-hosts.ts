// A machine behind each instance of the emulator: the test double of Pulumi's AWS provider says which one starts, stops or goes, and here a
// blank host boots from what the emulator kept of it, stops or goes as on EC2.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeInstanceAttributeCommand, DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import type { MachineSpec } from "../../machines/machine.ts";
import { bridgeName, pathsOf } from "../../machines/names.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { shutDown } from "../../machines/processes.ts";
import { run } from "../../machines/run.ts";
import { region } from "./aws-emulator.ts";
import { bootBlank } from "./blank-host.ts";
import type { Place } from "./ec2-place.ts";
import type { Instance } from "./metadata-service.ts";

/** Of every host; its name, that of its machine too, is the instance's id. */
export type HostSpec = Omit<MachineSpec, "name" | "address">;

/**
 * Public addresses as on EC2: others than the private ones, unknown to the host itself, and another one at each start. Of the range for
 * benchmarks, so nobody's, and on the bridge, where nothing answers to one that is no more.
 */
const publicSubnet = (subnet: string): string => subnet.replace(/^\d+\.\d+/, "198.18");

const table = (stack: string): string => `public_${bridgeName(stack).replace("-", "_")}`;

const rules = (stack: string): string => `table ip ${table(stack)} {
  map hosts { type ipv4_addr : ipv4_addr; }
  chain output {
    type nat hook output priority -100; policy accept;
    dnat to ip daddr map @hosts
  }
}
`;

/** What the emulator kept of an instance. */
async function instanceOf(id: string): Promise<Instance & { readonly address: string; readonly image: string }> {
  const client = new EC2Client({ region });
  const { Reservations } = await client.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  const { PrivateIpAddress: address, InstanceType: type, Placement, ImageId: image } = Reservations![0]!.Instances![0]!;
  const { UserData } = await client.send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: "userData" }));
  return { id, type: type!, zone: Placement!.AvailabilityZone!, userData: UserData!.Value!, address: address!, image: image! };
}

export class Ec2Hosts {
  /** By instance id: the machines that there are, running or not. */
  readonly machines = new Map<string, MachineSpec>();
  /** Of boots, which happen while AWS has long answered. */
  readonly failures: string[] = [];
  readonly #spec: HostSpec;
  readonly #place: Place;
  /** By image: a folder with what was on a machine's disk. */
  readonly #images = new Map<string, string>();
  readonly #public = new Map<string, string>();
  #starts = 0;
  readonly #boots = new Map<string, Promise<void>>();
  readonly #acts = new Map<string, Promise<void>>();
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  private constructor(spec: HostSpec, place: Place) {
    this.#spec = spec;
    this.#place = place;
  }

  static async open(spec: HostSpec, place: Place): Promise<Ec2Hosts> {
    const hosts = new Ec2Hosts(spec, place);
    await run("ip", ["route", "add", publicSubnet(spec.subnet), "dev", bridgeName(spec.stack)]);
    await run("nft", ["-f", "-"], { input: rules(spec.stack) });
    await new Promise<void>((resolve, reject) => hosts.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    return hosts;
  }

  /** For the test double. */
  get env(): NodeJS.ProcessEnv {
    return { FLEET_TEST_HOSTS: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` };
  }

  /** Leaves the machines: they go with the stack. */
  async close(): Promise<void> {
    await Promise.all(this.#boots.values());
    for (const folder of this.#images.values()) rmSync(folder, { recursive: true, force: true });
    await run("nft", ["delete", "table", "ip", table(this.#spec.stack)]);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer({ method, url = "" }: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id = "", what] = url.split("/");
    try {
      if (method === "POST") await this.act(id, what);
      const address = this.#public.get(id);
      response.writeHead(method === "GET" && address === undefined ? 404 : 200).end(address);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  }

  addressOf = (id: string): string | undefined => this.#public.get(id);

  /** What is on an instance's disk becomes an image; of one that runs as a crash would leave it. */
  async keep(image: string, id: string): Promise<void> {
    await this.#boots.get(id);
    const folder = mkdtempSync(join(tmpdir(), "ec2-image-"));
    this.#images.set(image, folder);
    const copy = `tar -C "$1" --xattrs --xattrs-include='*' --warning=no-file-changed --warning=no-file-ignored --ignore-failed-read -cf - . | tar -C "$2" --xattrs --xattrs-include='*' -xpf -`;
    await run("sh", ["-c", copy, "sh", pathsOf(this.machines.get(id)!).upper, folder]);
  }

  /** `start`, `stop`, or gone; of one host one after the other. */
  act(id: string, what = ""): Promise<void> {
    const done = (this.#acts.get(id) ?? Promise.resolve()).then(() => this.#act(id, what));
    this.#acts.set(
      id,
      done.catch(() => undefined),
    );
    return done;
  }

  async #act(id: string, what: string): Promise<void> {
    // Nothing happens to a host that is still at its first step.
    await this.#boots.get(id);
    const spec = this.machines.get(id);
    if (what === "start") return await this.#start(id, spec);
    if (!spec) throw new Error(`${id}: expected a machine, got none`);
    // One that is stopped has none.
    if (this.#public.has(id)) await this.#door("delete", id, spec);
    this.#public.delete(id);
    if (what === "stop") return await shutDown(spec, pathsOf(spec));
    await nspawn.destroy(spec);
    this.machines.delete(id);
    this.#place.metadata.instances.delete(spec.address);
  }

  async #start(id: string, known: MachineSpec | undefined): Promise<void> {
    const { address, image, ...instance } = await instanceOf(id);
    const spec = known ?? { ...this.#spec, name: id, address };
    this.machines.set(id, spec);
    this.#place.metadata.instances.set(address, instance);
    this.#public.set(id, publicSubnet(this.#spec.subnet).replace(/\d+\/\d+$/, String(++this.#starts)));
    await this.#door("add", id, spec);
    const surroundings = { certificate: this.#place.aws.certificate, names: [] };
    this.#inBackground(id, known ? nspawn.ensure(spec) : bootBlank(spec, surroundings, this.#images.get(image)));
  }

  /** Behind its public address, or no longer. */
  async #door(verb: "add" | "delete", id: string, { stack, address }: MachineSpec): Promise<void> {
    await run("nft", [verb, "element", "ip", table(stack), "hosts", `{ ${this.#public.get(id)} : ${address} }`]);
  }

  /** AWS says that an instance runs long before it answers. */
  #inBackground(id: string, boot: Promise<unknown>): void {
    this.#boots.set(
      id,
      boot.then(
        () => undefined,
        (error: unknown) => void this.failures.push(`${id}: ${error}`),
      ),
    );
  }
}
