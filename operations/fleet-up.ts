// The servers of a stack that is up, by its state alone: no engine, and no stack file, a mistake in which must take nothing away.

import type { Connection } from "../provisioners/engine/shell.ts";
import { namesIn } from "../provisioners/engine/spelling.ts";
import type { Remembered } from "../provisioners/provider/as-remembered.ts";
import { redactor } from "../provisioners/ssh/redact.ts";
import { type Aimed, aimedAt } from "../provisioners/stack.ts";
import { opened, secretsIn } from "../pulumi/checkpoint.ts";
import { ask } from "../pulumi/command.ts";
import { passphraseIn, refusedPassphrase, unlockByAny } from "../pulumi/passphrase.ts";
import { existing, isLocal, localDeployment } from "../pulumi/state.ts";
import type { Deployment, StateResource } from "../pulumi/state-file.ts";
import { isMap } from "../spec/path.ts";
import { UserError } from "../spec/problem.ts";
import { typed } from "../spec/typed.ts";

export interface FleetServer {
  /** In the stack file. */
  readonly name: string;
  /** In their order. */
  readonly roles: readonly string[];
  /** Its passwords and keys are in the clear. */
  readonly connection: Connection;
  /** As they were at the last run that looked. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** What each of its roles wants there: the resources by role and address, secrets in them in the clear. */
  readonly wants: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What the last run left undone, a sentence each. */
  readonly undone: readonly string[];
  /** Its roles as the state has them, to be compared with what is there. */
  readonly remembered: readonly Remembered[];
}

export interface FleetUp {
  readonly stack: string;
  readonly servers: readonly FleetServer[];
  /** When all of it may go, ISO 8601 or `never`; undefined where it costs nothing by the hour. */
  readonly expiresAt?: string;
  /** Every secret text of its state. */
  readonly secrets: readonly string[];
  /** URNs of what stands around the servers: what AWS has, and whether its instances run. */
  readonly around: readonly string[];
}

/** Throws a UserError where nothing of the stack stands, or its secrets can't be opened. */
export async function fleetUp(stack: string): Promise<FleetUp> {
  const { resources, key } = await stateOf(stack);
  const servers = serversIn(opened(resources.filter(isOurs), key) as StateResource[]);
  if (servers.length === 0) throw notUp(stack);
  const { expiresAt } = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
  const around = resources.filter(isAround).map(({ urn }) => urn);
  return { stack, servers, secrets: secretTextsIn(resources, key), around, ...(typeof expiresAt === "string" && { expiresAt }) };
}

/** Every secret text that the state holds, to be taken out of what is shown or kept. */
export async function stateSecretsOf(stack: string): Promise<readonly string[]> {
  const { resources, key } = await stateOf(stack);
  return secretTextsIn(resources, key);
}

interface OpenState {
  readonly resources: readonly StateResource[];
  /** Undefined where they stand in the clear. */
  readonly key: Buffer | undefined;
}

async function stateOf(stack: string): Promise<OpenState> {
  const aimed = aimedAt(stack);
  if ((await existing([stack])).length === 0) throw notUp(stack);
  const deployment = isLocal() ? localDeployment(stack) : undefined;
  const salt = deployment?.secrets_providers?.state?.salt;
  if (deployment && salt !== undefined) return { resources: deployment.resources ?? [], key: await keyOf(stack, aimed, salt) };
  // Elsewhere, or kept by something that only the engine can open.
  const exported = JSON.parse(await ask(aimed, ["stack", "export", "--stack", stack, "--show-secrets"])) as { deployment?: Deployment };
  return { resources: exported.deployment?.resources ?? [], key: undefined };
}

/** Other providers' resources may hold what only they can read. */
const isOurs = (each: StateResource): boolean => ["fleet:index:Host", "fleet:index:Role"].includes(each.type) && !each.delete;

const isAround = ({ type }: StateResource): boolean => type.startsWith("aws:") || type === "fleet:index:InstancePower";

const secretTextsIn = (resources: readonly StateResource[], key: Buffer | undefined): readonly string[] => [
  ...new Set(secretsIn(resources, key).flatMap(secretTexts)),
];

/** In a connection that is secret as a whole, addresses and names are none. */
const open = /^(?:name|address|port|user|hostKey|publicKey)$/;

function secretTexts(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(secretTexts);
  return isMap(value) ? Object.entries(value).flatMap(([name, each]) => (open.test(name) ? [] : secretTexts(each))) : [];
}

/** Nothing is wrong with such a stack: it was taken down, or never brought up. */
export class NotUp extends UserError {}

const notUp = (stack: string): NotUp => new NotUp(`${stack}: expected a stack that is up, got none; next: ${typed()} up ${stack}`);

async function keyOf(stack: string, { engine }: Aimed, salt: string): Promise<Buffer> {
  const given = passphraseIn(process.env) ?? engine.passphrase;
  const key = await unlockByAny(salt, [engine.passphrase, given]);
  if (key) return key;
  throw refusedPassphrase(stack);
}

/** Pure. Resources as the state has them, in its order, which is that of the roles. */
export function serversIn(resources: readonly StateResource[]): readonly FleetServer[] {
  const all = resources.filter(({ type }) => type === "fleet:index:Role");
  return resources
    .filter(({ type, inputs }) => type === "fleet:index:Host" && inputs?.connection !== undefined)
    .map(({ inputs = {}, outputs = {} }) => {
      const name = String(inputs.name);
      const ofHost = all.filter((each) => each.inputs?.host === name);
      const own = ofHost.map((each) => each.inputs ?? {});
      return {
        name,
        roles: own.map(({ role }) => String(role)),
        connection: { ...(inputs.connection as Connection), name },
        facts: (outputs.facts ?? {}) as Readonly<Record<string, unknown>>,
        wants: Object.fromEntries(own.map(({ role, resources: wants = {} }) => [String(role), wants as Record<string, unknown>])),
        undone: ofHost.flatMap(undoneOf),
        remembered: ofHost.map(({ urn, type, id = "", inputs: given, outputs: seen }) => ({
          urn,
          type,
          id,
          inputs: (given ?? {}) as Remembered["inputs"],
          outputs: (seen ?? {}) as Remembered["outputs"],
        })),
      };
    })
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

function undoneOf({ inputs, outputs = {} }: StateResource): readonly string[] {
  const role = String(inputs?.role);
  const owed = texts(outputs.owed).map((address) => `${role}: ${address} is still to hear of a change`);
  return [...texts(outputs.failed).map((failure) => `${role}: ${failure}`), ...owed];
}

/** Takes the stack's secrets out of a text. A password that is spelled like a user or a server (`isucon`) would hide every path, and be told by the holes. */
export function maskOf({ secrets, servers }: Pick<FleetUp, "secrets" | "servers">): (text: string) => string {
  const names = new Set(
    servers.flatMap(({ name, connection, wants }) => [name, connection.user, ...Object.values(wants).flatMap(namesOf)]),
  );
  return redactor(secrets.filter((secret) => !names.has(secret)));
}

/** What a role's resources say openly: what they are called, and whose they are. Their contents hold secrets in the clear. */
const namesOf = (resources: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(resources).flatMap(([address, of]) => [
    ...namesIn(/^[^[]+\[(.*)\]$/.exec(address)?.[1] ?? address),
    ...(isMap(of) ? [of.owner, of.group, of.user].filter((name) => typeof name === "string") : []),
  ]);

/** With `mask` over every text in a value, however deep. */
export function maskedIn<T>(value: T, mask: (text: string) => string): T {
  if (typeof value === "string") return mask(value) as T;
  if (Array.isArray(value)) return value.map((each) => maskedIn(each, mask)) as T;
  return isMap(value) ? (Object.fromEntries(Object.entries(value).map(([name, each]) => [name, maskedIn(each, mask)])) as T) : value;
}
