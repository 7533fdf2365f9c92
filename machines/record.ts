// What is written down of a machine when its content is complete; without it there is only a half-made one, with nothing worth keeping.
import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { atCreation, MachineError, type MachineRef, type MachineSpec } from "./machine.ts";
import type { MachinePaths } from "./names.ts";

export interface MachineRecord {
  /** What it lies over: an image, or `layer:image`. */
  readonly image: string;
  /** Of the private network. */
  readonly address: string;
  readonly hostKey: string;
  /** Of the spec, whose passwords must not be here: sha256 over `salt` and the spec. */
  readonly digest: string;
  readonly salt: string;
}

const passing: ReadonlySet<string> = new Set(atCreation);

export const digest = (spec: MachineSpec, salt: string): string => {
  const lasting = Object.entries(spec).filter(([name]) => !passing.has(name));
  return createHash("sha256")
    .update(salt)
    .update(JSON.stringify(lasting.sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest("hex");
};

/** A driver reads what it wrote: a change of the driver replaces the machine. */
export async function readRecord<Written extends MachineRecord = MachineRecord>({ record }: MachinePaths): Promise<Written | undefined> {
  const text = await readFile(record, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new MachineError(`\`${record}\`: can't be read (${error.code}); run the same command as the user who made the machine`);
  });
  return text === undefined ? undefined : (JSON.parse(text) as Written);
}

export async function writeRecord({ record }: MachinePaths, value: MachineRecord): Promise<void> {
  await writeFile(`${record}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true });
  await rename(`${record}.new`, record);
}

/** By spec or by id. */
export function refOf(which: MachineRef | string): MachineRef {
  if (typeof which !== "string") return which;
  const [stack = "", name = "", ...rest] = which.split("/");
  if (rest.length > 0) throw new MachineError(`expected a machine's id such as \`team-a/isu1\`, got \`${which}\``);
  return { stack, name };
}
