// What the last complete run knew when the engine had nothing left to do: while all of it holds, only the servers can differ.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { checkout, project, stacksFolder } from "../../provisioners/project.ts";
import { readCheckpoint } from "../../pulumi/checkpoint.ts";
import { localStack, settledFile } from "../../pulumi/state.ts";
import { changed, type Inputs, inputsOf } from "./inputs.ts";

export const Settled = z.strictObject({
  version: z.literal(1),
  team: z.string(),
  /** The overlay folder: absolute. */
  files: z.string(),
  inputs: z.record(z.string(), z.string()),
  /** Digest of the state's file. */
  state: z.string(),
  /** By URN: what the engine saw of a server's facts, and had nothing to do for. A preview does not write them into the state. */
  facts: z.record(z.string(), z.unknown()),
});
export type Settled = z.infer<typeof Settled>;

/** undefined where no run came to its end yet, or the record is of another version. */
export function settled(stack: string): Settled | undefined {
  try {
    const read = Settled.safeParse(JSON.parse(readFileSync(settledFile(stack), "utf8")));
    return read.success ? read.data : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export const inputsNow = (stack: string, files: string): Inputs => inputsOf({ root: checkout, project, stack, files, env: process.env });

/** Begins before the engine starts; what it hands back is called when the engine had nothing left to do, with the facts that it saw. */
export function settling(plan: FleetPlan): (facts?: Readonly<Record<string, unknown>>) => void {
  const files = resolve(stacksFolder, plan.spec.files);
  const before = inputsNow(plan.stack, files);
  return (facts = {}) => {
    const checkpoint = readCheckpoint(localStack(plan.stack));
    // Somebody may have changed a file while the engine was at work: then nobody knows which of the two it read.
    if (
      process.env.PULUMI_BACKEND_URL !== undefined ||
      typeof checkpoint === "string" ||
      changed(before, inputsNow(plan.stack, files)).length > 0
    )
      return;
    const record: Settled = { version: 1, team: plan.spec.team, files, inputs: before, state: checkpoint.digest, facts };
    const file = settledFile(plan.stack);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(record));
    renameSync(`${file}.${process.pid}`, file);
  };
}
