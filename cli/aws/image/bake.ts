// An image of a server that is up: a copy of the server is cleaned, imaged, and a server that starts from that is looked at. Whatever was made on
// the way goes again, however it ends; what a killed bake left carries a tag, by which the next one and `sweep` find it.
import { createHash, randomUUID } from "node:crypto";
import { EC2Client, type Image, type Instance } from "@aws-sdk/client-ec2";
import { type BaseImage, bakedTags, bakingTag, baseOf, testedTags } from "../../../components/targets/aws/baked.ts";
import { imageNames } from "../../../components/targets/aws/settings/grammar.ts";
import { type Ownership, project, tagsOf, tagValue } from "../../../components/targets/aws/tags.ts";
import { cloudConfig } from "../../../components/targets/aws/user-data.ts";
import { type FleetServer, type FleetUp, fleetUp } from "../../../operations/fleet-up.ts";
import { asDeployed, lookAt } from "../../../operations/look/look.ts";
import { OpenServers } from "../../../operations/on-servers.ts";
import { operator } from "../../../operations/operator.ts";
import { clientOf } from "../../../provisioners/aws/access.ts";
import type { Connection, Shell } from "../../../provisioners/engine/shell.ts";
import { type Command, sh } from "../../../provisioners/engine/shell-quote.ts";
import { Comparison, type Difference, type Remembered } from "../../../provisioners/provider/as-remembered.ts";
import { makeKeyPair } from "../../../provisioners/provider/key-pair.ts";
import { openShell } from "../../../provisioners/ssh/session.ts";
import { changes, untilInterrupted } from "../../../pulumi/interruption.ts";
import { UserError } from "../../../spec/problem.ts";
import { phase } from "../../phase.ts";
import { instancesBy } from "../instances.ts";
import type { AwsStack } from "../stacks.ts";
import * as aws from "./ec2.ts";
import { checkoutsIn, goes, pathIn, type Secrets, secretsOf, tellingLines, verdictOf, workIn } from "./not-baked.ts";
import { checkoutsScript, cleanScript, freshScript, secretsScript, suspectsIn } from "./scripts.ts";

export interface Wish {
  readonly stack: AwsStack;
  readonly server: string;
  readonly name: string;
  /** ISO 8601, or `never`. */
  readonly expiry: string;
  /** Paths that the image is to be without. */
  readonly leaveOut: readonly string[];
  /** Private keys that may be in it, by their paths. */
  readonly keep: readonly string[];
}

/** All that is known before anything is made. */
export interface Plan extends Wish {
  readonly base: BaseImage;
  readonly instance: Instance;
  readonly from: FleetServer;
  readonly remembered: readonly Remembered[];
  readonly secrets: Secrets;
  readonly telling: readonly string[];
  /** Of earlier bakes of ours that were killed. */
  readonly left: aws.Left;
}

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

/** Milliseconds: a look through all files of a disk, and a first boot. */
const searchDeadline = 1_800_000;
const bootWindow = 600_000;

/** Looks at the server and at AWS; makes nothing. Throws a UserError for what can't be baked. */
export async function planBake(wish: Wish): Promise<Plan> {
  const { stack, server, name } = wish;
  refuseTarget(stack, server);
  const client = new EC2Client(clientOf(stack.target));
  const up = await fleetUp(stack.name);
  const from = up.servers.find((each) => each.name === server);
  if (!from)
    throw new UserError(
      `${server}: expected a server of ${stack.name} that is up, got none; they are ${up.servers.map((each) => each.name).join(", ")}`,
    );
  const base = baseOf(from.facts);
  if (!base)
    throw new UserError(
      `${server}: expected a server with ${imageNames.join(", ")}, got ${from.facts.distribution} ${from.facts.version}, which no stack file could name`,
    );
  const [instance, left] = await Promise.all([
    instanceOf(client, stack, server),
    aws.leftBy(client, stack.plan.stack, bakingTag),
    refuseTaken(client, name, base),
  ]);
  refuseOthers(left, stack.name);
  const telling = tellingLines(up.secrets, namesIn(up));
  const secrets = secretsOf(from.wants, up.secrets, telling);
  if (secrets.stuck.length > 0)
    throw new UserError(
      `${server}: expected roles without secrets but in files, got ${secrets.stuck.join(", ")}; next: bake a server that has none, the secret would stay in the image`,
    );
  const remembered = await phase(`looks at ${server}`, () => lookAtSource(wish, from, { secrets, telling }));
  return { ...wish, base, instance, from, remembered, secrets, telling, left };
}

const namesIn = ({ servers }: FleetUp): readonly string[] => servers.flatMap(({ name, connection }) => [name, connection.user]);

function refuseTarget({ name, target, shape }: AwsStack, server: string): void {
  if (target.profile === "contest")
    throw new UserError(
      `${name}: expected a stack without \`profile: contest\`, whose environment check disqualifies for one instance more in its network`,
    );
  if (target.door !== "public")
    throw new UserError(`${name}: expected \`door: public\`, got \`${target.door}\`; an image's copies are reached by port 22 alone`);
  const own = shape.servers.find((each) => each.name === server);
  if (own && own.volumes.length > 0)
    throw new UserError(
      `${server}: expected a server without \`volumes\`, got ${own.volumes.length}; their data is in no image, and without it nobody can tell whether the image is right`,
    );
}

async function instanceOf(client: EC2Client, { plan }: AwsStack, server: string): Promise<Instance> {
  const own = aws.filtersBy({ project, stack: plan.stack, Name: `${plan.spec.team}-aws-${server}` });
  const [found] = await instancesBy(client, own, ["running"]);
  if (found) return found;
  throw new UserError(`${server}: expected an instance that runs, got none; next: ./fleet up ${plan.stack}`);
}

async function refuseTaken(client: EC2Client, name: string, base: BaseImage): Promise<void> {
  const [taken] = await aws.imagesBy(client, [...aws.filtersBy({ project, baked: name, base }), { Name: "tag-key", Values: ["tested"] }]);
  if (taken) throw new UserError(`--name: expected one that is not taken, got ${name} (${taken.ImageId}); next: ./fleet image rm ${name}`);
}

/** A bake that is at work is left alone; who left one behind takes it away. */
function refuseOthers({ bakers }: aws.Left, stack: string): void {
  const other = bakers.find((each) => isAtWork(each, tagValue(operator()), isAlive));
  if (other !== undefined)
    throw new UserError(
      `${stack}: expected no other bake, got one of ${other}; next, where that is over: ./fleet sweep ${stack}, which says what takes away what it left`,
    );
}

/** Who bakes, and as which process. */
const baker = (): string => tagValue(`${operator()} ${process.pid}`);

/** Pure. Of somebody else nobody knows; one of ours is over with its process. */
export function isAtWork(of: string, us: string, alive: (pid: number) => boolean): boolean {
  const [, who, pid] = /^(.*) (\d+)$/.exec(of) ?? [];
  return who !== us || alive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const goneOf = ({ secrets, leaveOut }: Pick<Plan, "secrets" | "leaveOut">): readonly string[] => [...secrets.files, ...leaveOut];

/** As its roles say, and with nobody's only copy on it. Returns what the state remembers, at the commits that were deployed. */
async function lookAtSource(
  wish: Wish,
  from: FleetServer,
  { secrets, telling }: Pick<Plan, "secrets" | "telling">,
): Promise<readonly Remembered[]> {
  const open = new OpenServers();
  const gone = goneOf({ ...wish, secrets });
  try {
    const [outcome] = await open.each([from], async (server, shell, signal) => {
      const { commits } = await lookAt(server, shell, signal);
      const known = Object.values(from.wants).flatMap((resources) =>
        Object.keys(resources).flatMap((address) => (address.startsWith("git[") ? pathIn(address) : [])),
      );
      const work = workIn(checkoutsIn(await textOf(shell, checkoutsScript(known), signal)), gone);
      const suspects = suspectsIn(await textOf(shell, secretsScript(telling), signal));
      return { remembered: asDeployed(from.remembered, commits), work, suspects };
    });
    if (!outcome || "error" in outcome) throw outcome?.error ?? new Error("no outcome");
    const { remembered, work, suspects } = outcome.value;
    const differences = await compared(from.connection, remembered);
    if (differences.length > 0)
      throw new UserError(
        `${from.name}: expected a server as its roles say, got ${told(differences.map((each) => `${each.role} ${each.resource}: ${each.what}`))}; next: ./fleet up ${wish.stack.name}`,
      );
    if (work.length > 0)
      throw new UserError(
        `${from.name}: expected no work that is nowhere else, got\n  ${work.join("\n  ")}\nnext: commit and push it, or bake without it: --leave-out PATH`,
      );
    refuseSuspects(
      from.name,
      suspects.filter(({ path }) => !goes(path, gone)),
      wish.keep,
    );
    return remembered;
  } finally {
    await open.close();
  }
}

const told = (sentences: readonly string[]): string =>
  `${sentences.slice(0, 5).join("; ")}${sentences.length > 5 ? ` and ${sentences.length - 5} more` : ""}`;

/** The package ssl-cert makes a key that says by its name that it keeps no secret. */
const snakeoil = "/etc/ssl/private/ssl-cert-snakeoil.key";

function refuseSuspects(where: string, suspects: ReturnType<typeof suspectsIn>, keep: readonly string[]): void {
  const found = suspects.filter(({ what, path }) => !(what === "key" && [...keep, snakeoil].includes(path)));
  if (found.length === 0) return;
  const lines = found.map(({ what, path }) => `${path}: ${what === "secret" ? "a secret of the stack" : "a private key"}`);
  throw new UserError(
    `${where}: expected no secret that an image would take along, got\n  ${lines.slice(0, 20).join("\n  ")}\nnext: --leave-out PATH; --keep PATH for a key that all servers from the image may share`,
  );
}

async function textOf(shell: Shell, script: Command, signal: AbortSignal): Promise<string> {
  const { code, stdout, stderr } = await shell.run(script, { signal, deadline: searchDeadline, onAbort: "end" });
  if (code !== 0) throw new UserError(`${shell.host}: expected a look to end with 0, got ${code}: ${stderr.trim().slice(-300)}`);
  return stdout.toString("utf8");
}

async function compared(connection: Connection, remembered: readonly Remembered[]): Promise<readonly Difference[]> {
  const comparison = new Comparison();
  const { signal, done } = untilInterrupted();
  // The way to the server is part of what is remembered.
  const here = remembered.map((each) => ({
    ...each,
    inputs: { ...each.inputs, connection: { ...connection } as Remembered["inputs"] },
    outputs: { ...each.outputs, connection: { ...connection } as Remembered["outputs"] },
  }));
  try {
    return await comparison.look(connection, here, signal);
  } finally {
    done();
    await comparison.close();
  }
}

/** What roles wanted, whatever their secrets: two images of one digest are alike. */
export const digestOf = (wants: FleetServer["wants"], { files, users }: Secrets): string => {
  const left = (address: string) => files.includes(pathIn(address)) || users.includes(address);
  const inOrder = (all: object) => Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
  const plain = inOrder(wants).map(([role, all]) => [role, inOrder(all).filter(([address]) => !left(address))]);
  return createHash("sha256").update(JSON.stringify(plain)).digest("hex").slice(0, 16);
};

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
  if (failures.length > 0) console.error("next: ./fleet sweep, which names what is left, with the command that takes it away");
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
  #tags(what: string): aws.Tags {
    const { stack } = this.#around.plan;
    const expiry = new Date(Date.now() + helpersLive * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
    return { ...this.#owned(stack.shape.ownership, expiry, what), ...this.#mark() };
  }

  #mark = (): aws.Tags => ({ [bakingTag]: this.#id, baker: baker() });

  #owned = (ownership: Ownership, expiry: string, what: string): aws.Tags => tagsOf({ ...ownership, expiry }, what) as aws.Tags;

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
