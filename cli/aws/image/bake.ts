// An image of a server that is up: a copy of the server is cleaned, imaged, and a server that starts from that is looked at. Whatever was made on
// the way goes again, however it ends; what a killed bake left carries a tag, by which the next one and `sweep` find it.

import { randomUUID } from "node:crypto";
import { EC2Client, type Image, type Instance } from "@aws-sdk/client-ec2";
import { type BaseImage, bakedTags, bakingTag, testedTags } from "../../../components/targets/aws/baked.ts";
import { type Ownership, tagsOf, tagValue } from "../../../components/targets/aws/tags.ts";
import { cloudConfig } from "../../../components/targets/aws/user-data.ts";
import { operator } from "../../../operations/operator.ts";
import { clientOf } from "../../../provisioners/aws/access.ts";
import type { Connection } from "../../../provisioners/engine/shell.ts";
import { sh } from "../../../provisioners/engine/shell-quote.ts";
import { makeKeyPair } from "../../../provisioners/provider/key-pair.ts";
import { openShell } from "../../../provisioners/ssh/session.ts";
import { changes, untilInterrupted } from "../../../pulumi/interruption.ts";
import { UserError } from "../../../spec/problem.ts";
import { typed } from "../../../spec/typed.ts";
import { phase } from "../../phase.ts";
import type { Tags } from "../tagged-resource.ts";
import * as aws from "./ec2.ts";
import { verdictOf } from "./not-baked.ts";
import { compared, digestOf, goneOf, type Plan, refuseSuspects, textOf, told } from "./plan.ts";
import { cleanScript, freshScript, secretsScript, suspectsIn } from "./scripts.ts";

export interface Baked {
  readonly image: string;
  readonly name: string;
  readonly base: BaseImage;
  readonly region: string;
  readonly roles: readonly string[];
  /** Digest of what the roles wanted. */
  readonly wants: string;
  readonly expiry: string;
  /** What a server that is cut off from the network could not show. */
  readonly untold: readonly string[];
}

/** Milliseconds: a first boot. */
const bootWindow = 600_000;

/** Who bakes, and as which process. */
const baker = (): string => tagValue(`${operator()} ${process.pid}`);

/** Makes it. Says on standard error what could not be taken away; rejects with why it failed, when all else is gone. */
export async function bake(plan: Plan): Promise<Baked> {
  const { stack, name, server } = plan;
  const client = new EC2Client(clientOf(stack.target));
  const made = aws.nothing();
  const { signal, done } = untilInterrupted();
  changes();
  try {
    if (aws.countOf(plan.left) > 0)
      await phase("takes away what an earlier bake left", async () => report(await aws.takeAway(client, plan.left)));
    const run = new Run({ client, plan, made, signal });
    const copy = await run.copyOf(server);
    await run.clean(copy);
    const image = await run.image(copy);
    const untold = await run.test(image);
    await aws.finish(client, image, testedTags, [bakingTag, "baker"]);
    made.images.splice(made.images.indexOf(image.ImageId ?? ""), 1);
    const { region } = stack.target;
    const { base, expiry, from } = plan;
    return {
      ...{ image: image.ImageId ?? "", name, base, region, roles: from.roles },
      ...{ wants: digestOf(from.wants, plan.secrets), expiry, untold },
    };
  } finally {
    // Also after Ctrl-C: it costs by the hour.
    if (aws.countOf(made) > 0) await phase("takes the copies away", async () => report(await aws.takeAway(client, made)));
    done();
  }
}

function report(failures: readonly string[]): void {
  for (const each of failures) console.error(each);
  if (failures.length > 0) console.error(`next: ${typed()} sweep, which names what is left, with the command that takes it away`);
}

interface Around {
  readonly client: EC2Client;
  readonly plan: Plan;
  /** Filled as things are made, before they are waited for. */
  readonly made: aws.Made;
  readonly signal: AbortSignal;
}

interface Copy {
  readonly instance: Instance;
  readonly connection: Connection;
}

/** Hours after which what a killed bake left is over, for `reap`. */
const helpersLive = 6;

class Run {
  readonly #around: Around;
  readonly #id = randomUUID().slice(0, 8);
  #group = "";

  constructor(around: Around) {
    this.#around = around;
  }

  /** Of what is made on the way. */
  #tags(what: string): Tags {
    const { stack } = this.#around.plan;
    const expiry = new Date(Date.now() + helpersLive * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
    return { ...this.#owned(stack.shape.ownership, expiry, what), ...this.#mark() };
  }

  #mark = (): Tags => ({ [bakingTag]: this.#id, baker: baker() });

  #owned = (ownership: Ownership, expiry: string, what: string): Tags => tagsOf({ ...ownership, expiry }, what) as Tags;

  /** From a snapshot of the server as it runs. */
  async copyOf(server: string): Promise<Copy> {
    const { client, plan, made, signal } = this.#around;
    const name = `${plan.stack.plan.spec.team}-aws-${server}-bake-${this.#id}`;
    const first = await phase(`makes a snapshot of ${server}, which goes on running`, async () => {
      const id = await aws.makeImage(client, { instance: plan.instance, name, tags: this.#tags(`${name}-first`), noReboot: true });
      made.images.push(id);
      return await aws.untilImage(client, id, signal);
    });
    const VpcId = plan.instance.VpcId ?? "";
    this.#group = await aws.makeGroup(client, { name, VpcId, tags: this.#tags(name) });
    made.groups.push(this.#group);
    await aws.closeGroup(client, this.#group, plan.stack.target.sshFrom);
    return await phase("starts a copy, cut off from the network", (tell) => this.#start(first, `${name}-copy`, tell));
  }

  /** With a key and a host key of its own, which its first boot takes. */
  async #start(image: Image, name: string, tell: (detail: string) => void): Promise<Copy> {
    const { client, plan, made, signal } = this.#around;
    const [login, host] = [makeKeyPair("bake"), makeKeyPair("bake")];
    const { admin } = plan.stack.plan.spec;
    const own = { server: plan.server, admin, authorizedKey: login.public, hostKey: { privateKey: host.private, publicKey: host.public } };
    const userData = cloudConfig(own);
    const id = await aws.startCopy(client, { of: plan.instance, image, GroupId: this.#group, userData, tags: this.#tags(name) });
    made.instances.push(id);
    const instance = await aws.untilRuns(client, id, signal);
    const hostKey = host.public.split(" ").slice(0, 2).join(" ");
    const address = instance.PublicIpAddress ?? instance.PrivateIpAddress ?? "";
    const connection = { name: `${plan.server}'s copy`, address, port: 22, user: admin, hostKey, privateKey: login.private };
    const shell = await openShell(connection, { bootWindow, fresh: true, onProgress: tell, signal });
    try {
      await shell.run(sh`if command -v cloud-init >/dev/null; then timeout 600 cloud-init status --wait >/dev/null; fi`, { signal });
    } finally {
      await shell.close();
    }
    return { instance, connection };
  }

  /** And looks whether what must not be there is gone. */
  async clean({ connection }: Copy): Promise<void> {
    const { plan, signal } = this.#around;
    const gone = goneOf(plan);
    await phase("cleans the copy", async () => {
      const shell = await openShell(connection, { signal });
      try {
        const said = await textOf(shell, cleanScript(gone), signal);
        if (!said.includes("cleaned")) throw new UserError(`${plan.server}'s copy: expected it to be cleaned, got \`${said.slice(-200)}\``);
        // What was to go is no excuse here.
        refuseSuspects(connection.name, suspectsIn(await textOf(shell, secretsScript(plan.telling), signal)), plan.keep);
      } finally {
        await shell.close();
      }
    });
  }

  /** Of the copy, switched off: whole. */
  async image({ instance }: Copy): Promise<Image> {
    const { client, plan, made, signal } = this.#around;
    const { name, base, server, from, secrets, stack } = plan;
    const tags = {
      ...this.#owned(stack.shape.ownership, plan.expiry, name),
      ...bakedTags({ name, base, server, roles: from.roles, wants: digestOf(from.wants, secrets) }),
      ...this.#mark(),
    };
    return await phase(`bakes ${name}`, async () => {
      const off = await aws.stopped(client, instance.InstanceId ?? "", signal);
      // AWS wants a name that no image of the account has.
      const id = await aws.makeImage(client, { instance: off, name: `fleet ${base} ${name} ${this.#id}`, tags, noReboot: true });
      made.images.push(id);
      return await aws.untilImage(client, id, signal);
    });
  }

  /** A server from the image: is it what the roles say? Returns what it could not show. */
  async test(image: Image): Promise<readonly string[]> {
    const { plan, signal } = this.#around;
    const name = `${plan.stack.plan.spec.team}-aws-${plan.server}-bake-${this.#id}-test`;
    const { connection } = await phase(`starts a server from ${plan.name}`, (tell) => this.#start(image, name, tell));
    return await phase("looks whether it is as its roles say", async () => {
      const shell = await openShell(connection, { signal });
      const said = await textOf(shell, freshScript, signal).finally(() => shell.close());
      if (said.includes("memory\t")) throw new UserError(`${plan.name}: expected an image without /var/lib/fleet, got one with it`);
      const { wrong, untold } = verdictOf(await compared(connection, plan.remembered), goneOf(plan), plan.secrets.users);
      if (wrong.length > 0)
        throw new UserError(`${plan.name}: expected a server from it as its roles say, got ${told(wrong)}; the image was taken away again`);
      return untold;
    });
  }
}
