// The quick answer: nothing has to be done. It looks at all servers by the provider's own code, without the engine. Whatever it can't be sure
// of is the engine's to answer (docs/adr/0011-quick-answer.md).
import { Option } from "commander";
import { passphrase as passphraseOfPractice } from "../../components/targets/practice/passphrase.ts";
import type { Remarks } from "../../provisioners/engine/converge.ts";
import type { RoleReport } from "../../provisioners/engine/report.ts";
import { stackNames } from "../../provisioners/project.ts";
import { differing, type Remembered } from "../../provisioners/provider/as-remembered.ts";
import type { Address } from "../../provisioners/resources/kind.ts";
import { type Checkpoint, digestOf, opened, readCheckpoint } from "../../pulumi/checkpoint.ts";
import { passphraseIn, unlockByAny } from "../../pulumi/passphrase.ts";
import { localStack, lockFiles } from "../../pulumi/state.ts";
import { counted } from "../../spec/counted.ts";
import { withRemarks } from "../remarks.ts";
import { styled } from "../terminal.ts";
import { changed, type Inputs } from "./inputs.ts";
import { inputsNow, type Settled, settled } from "./settled.ts";

export const engineOption = (): Option =>
  new Option("--engine", "run Pulumi's engine even where nothing seems to have changed").default(false);

export interface AllRight {
  readonly team: string;
  /** Every role of every server, all of it unchanged; by server. */
  readonly reports: readonly RoleReport[];
}

/** Only the engine can tell; the message says why. */
class Doubt extends Error {
  override readonly name = "Doubt";
}

/** @returns undefined where the engine has to be asked; a line on standard error says why, but where `engine` wants it so */
export async function allRight(stack: string, { engine }: { readonly engine: boolean }): Promise<AllRight | undefined> {
  if (engine || !stackNames().includes(stack)) return undefined;
  try {
    return await answer(meansOf(stack));
  } catch (error) {
    console.error(styled("dim", `${stack}: a full run by Pulumi: ${reasonOf(error)}`));
    return undefined;
  }
}

/** What goes wrong here is no failure: the engine goes the whole way, and tells. */
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

/** What an answer is made from; a test hands over another one. */
export interface Means {
  /** Where the state is kept, if not in this checkout. */
  readonly backend: string | undefined;
  readonly record: Settled | undefined;
  readonly inputs: (files: string) => Inputs;
  /** Of the runs that are at work, or were killed. */
  readonly locks: () => readonly string[];
  readonly state: () => Checkpoint | string;
  /** Of the state's file, and nothing read. */
  readonly digest: () => string;
  /** The first one that opens it counts. */
  readonly passphrases: readonly (string | undefined)[];
  readonly differing: (remembered: readonly Remembered[], onRemarks: (urn: string, remarks: Remarks) => void) => Promise<readonly string[]>;
}

const meansOf = (stack: string): Means => ({
  backend: process.env.PULUMI_BACKEND_URL,
  record: settled(stack),
  inputs: (files) => inputsNow(stack, files),
  locks: () => lockFiles(stack),
  state: () => readCheckpoint(localStack(stack)),
  digest: () => digestOf(localStack(stack)),
  passphrases: [passphraseIn(process.env), passphraseOfPractice],
  differing: (remembered, onRemarks) => differing(remembered, new AbortController().signal, onRemarks),
});

/** Throws a Doubt where only the engine can tell. */
export async function answer(means: Means): Promise<AllRight> {
  const { backend, record, inputs } = means;
  if (backend !== undefined) throw new Doubt("its state is kept elsewhere (PULUMI_BACKEND_URL)");
  if (!record) throw new Doubt("no run of it was completed here before");
  const parts = changed(record.inputs, inputs(record.files));
  if (parts.length > 0) throw new Doubt(`${parts.join(", ")} changed since its last complete run`);
  alone(means);
  const resources = await rememberedIn(stateOf(means, record), means.passphrases, record);
  const remarks = new Map<string, Remarks>();
  const [first, ...rest] = await means.differing(resources, (urn, told) => remarks.set(urn, told));
  if (first !== undefined) throw new Doubt(`${first}${rest.length > 0 ? `, and ${rest.length} more differ` : " differs"}`);
  // A run that began meanwhile may have changed what was looked at.
  alone(means);
  if (means.digest() !== record.state) throw anotherState();
  return { team: record.team, reports: reportsOf(resources, remarks) };
}

const anotherState = (): Doubt => new Doubt("its state changed since its last complete run");

function alone({ locks }: Means): void {
  if (locks().length > 0) throw new Doubt("another run is at work, or was killed");
}

function stateOf({ state }: Means, record: Settled): Checkpoint {
  const checkpoint = state();
  if (typeof checkpoint === "string") throw new Doubt(checkpoint);
  if (checkpoint.digest !== record.state) throw anotherState();
  return checkpoint;
}

/** Components are their parts; the provider's own resource holds its version, which is the program's. */
const isOurs = (type: string): boolean => type.startsWith("fleet:index:");
const isNothing = ({ type, custom }: Checkpoint["resources"][number]): boolean => !custom || type === "pulumi:providers:fleet";

async function rememberedIn(
  { resources, salt }: Checkpoint,
  passphrases: Means["passphrases"],
  { facts }: Settled,
): Promise<readonly Remembered[]> {
  const custom = resources.filter((each) => !isNothing(each));
  const foreign = custom.find(({ type }) => !isOurs(type));
  if (foreign) throw new Doubt(`it has resources that only the engine knows (${foreign.type})`);
  const key = await unlockByAny(salt, passphrases);
  if (!key) throw new Doubt("the passphrase does not open the state");
  return custom.map(({ urn, type, id = "", inputs = {}, outputs = {} }) => {
    const open = (value: unknown) => opened(value, key) as Remembered["inputs"];
    const seen = urn in facts ? { facts: facts[urn] as Remembered["outputs"] } : {};
    return { urn, type, id, inputs: open(inputs), outputs: { ...open(outputs), ...seen } };
  });
}

function reportsOf(resources: readonly Remembered[], remarks: ReadonlyMap<string, Remarks>): readonly RoleReport[] {
  const roles = resources.filter(({ type }) => type === "fleet:index:Role");
  return roles.map(({ urn, inputs: { host, role, resources: wants } }) => ({
    host: String(host),
    role: String(role),
    results: Object.keys(wants as object)
      .sort()
      .map((address) => withRemarks({ address: address as Address, outcome: "unchanged", changes: [] }, remarks.get(urn))),
  }));
}

/** One line. */
export function nothingToDo({ team, reports }: AllRight): string {
  const resources = reports.reduce((sum, { results }) => sum + results.length, 0);
  const servers = new Set(reports.map(({ host }) => host)).size;
  return `${styled("bold", team)}: nothing to do; ${counted(resources, "resource")} on ${counted(servers, "server")} as they should be`;
}
