// What is known before a bake makes anything: whether the server can be baked, and what of it an image must not take along.

import { createHash } from "node:crypto";
import { EC2Client, type Instance } from "@aws-sdk/client-ec2";
import { type BaseImage, bakingTag, baseOf } from "../../../components/targets/aws/baked.ts";
import { imageNames } from "../../../components/targets/aws/settings/grammar.ts";
import { project, tagValue } from "../../../components/targets/aws/tags.ts";
import { isThere } from "../../../operations/doer.ts";
import { type FleetServer, type FleetUp, fleetUp } from "../../../operations/fleet-up.ts";
import { asDeployed, lookAt } from "../../../operations/look/look.ts";
import { OpenServers } from "../../../operations/on-servers.ts";
import { operator } from "../../../operations/operator.ts";
import { clientOf } from "../../../provisioners/aws/access.ts";
import type { Connection, Shell } from "../../../provisioners/engine/shell.ts";
import type { Command } from "../../../provisioners/engine/shell-quote.ts";
import { Comparison, type Difference, type Remembered } from "../../../provisioners/provider/as-remembered.ts";
import { untilInterrupted } from "../../../pulumi/interruption.ts";
import { UserError } from "../../../spec/problem.ts";
import { typed } from "../../../spec/typed.ts";
import { phase } from "../../phase.ts";
import { instancesBy } from "../instances.ts";
import type { AwsStack } from "../stacks.ts";
import * as aws from "./ec2.ts";
import { checkoutsIn, goes, pathIn, type Secrets, secretsOf, tellingLines, workIn } from "./not-baked.ts";
import { checkoutsScript, secretsScript, suspectsIn } from "./scripts.ts";

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

/** Milliseconds: a look through all files of a disk. */
const searchDeadline = 1_800_000;

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
  throw new UserError(`${server}: expected an instance that runs, got none; next: ${typed()} up ${plan.stack}`);
}

async function refuseTaken(client: EC2Client, name: string, base: BaseImage): Promise<void> {
  const [taken] = await aws.imagesBy(client, [...aws.filtersBy({ project, baked: name, base }), { Name: "tag-key", Values: ["tested"] }]);
  if (taken)
    throw new UserError(`--name: expected one that is not taken, got ${name} (${taken.ImageId}); next: ${typed()} image rm ${name}`);
}

/** A bake that is at work is left alone; who left one behind takes it away. */
function refuseOthers({ bakers }: aws.Left, stack: string): void {
  const other = bakers.find((each) => isAtWork(each, tagValue(operator()), (pid) => pid !== process.pid && isThere(pid)));
  if (other !== undefined)
    throw new UserError(
      `${stack}: expected no other bake, got one of ${other}; next, where that is over: ${typed()} sweep ${stack}, which says what takes away what it left`,
    );
}

/** Pure. Of somebody else nobody knows; one of ours is over with its process. */
export function isAtWork(of: string, us: string, alive: (pid: number) => boolean): boolean {
  const [, who, pid] = /^(.*) (\d+)$/.exec(of) ?? [];
  return who !== us || alive(Number(pid));
}

export const goneOf = ({ secrets, leaveOut }: Pick<Plan, "secrets" | "leaveOut">): readonly string[] => [...secrets.files, ...leaveOut];

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
        `${from.name}: expected a server as its roles say, got ${told(differences.map((each) => `${each.role} ${each.resource}: ${each.what}`))}; next: ${typed()} up ${wish.stack.name}`,
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

export const told = (sentences: readonly string[]): string =>
  `${sentences.slice(0, 5).join("; ")}${sentences.length > 5 ? ` and ${sentences.length - 5} more` : ""}`;

/** The package ssl-cert makes a key that says by its name that it keeps no secret. */
const snakeoil = "/etc/ssl/private/ssl-cert-snakeoil.key";

export function refuseSuspects(where: string, suspects: ReturnType<typeof suspectsIn>, keep: readonly string[]): void {
  const found = suspects.filter(({ what, path }) => !(what === "key" && [...keep, snakeoil].includes(path)));
  if (found.length === 0) return;
  const lines = found.map(({ what, path }) => `${path}: ${what === "secret" ? "a secret of the stack" : "a private key"}`);
  throw new UserError(
    `${where}: expected no secret that an image would take along, got\n  ${lines.slice(0, 20).join("\n  ")}\nnext: --leave-out PATH; --keep PATH for a key that all servers from the image may share`,
  );
}

export async function textOf(shell: Shell, script: Command, signal: AbortSignal): Promise<string> {
  const { code, stdout, stderr } = await shell.run(script, { signal, deadline: searchDeadline, onAbort: "end" });
  if (code !== 0) throw new UserError(`${shell.host}: expected a look to end with 0, got ${code}: ${stderr.trim().slice(-300)}`);
  return stdout.toString("utf8");
}

export async function compared(connection: Connection, remembered: readonly Remembered[]): Promise<readonly Difference[]> {
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
