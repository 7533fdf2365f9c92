// What is kept of labs: a folder each, beside the stack's measured runs.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../spec/problem.ts";
import { foldersIn, numbered, runsFolder } from "../measure/runs.ts";
import { Lab } from "./model.ts";

export const labsFolder = (stack: string): string => join(runsFolder(stack), "lab");

/** In the order of their numbers. One that was not written whole is passed over. */
export function labs(stack: string): readonly Lab[] {
  return foldersIn(labsFolder(stack)).flatMap((folder) => {
    try {
      return [Lab.parse(JSON.parse(readFileSync(join(labsFolder(stack), folder, "lab.json"), "utf8")))];
    } catch {
      return [];
    }
  });
}

/** Throws a UserError for a number that is none's. */
export function labOf(stack: string, lab: number): Lab {
  const all = labs(stack);
  const found = all.find((each) => each.lab === lab);
  if (!found) throw new UserError(`lab ${lab}: expected one of ${all.map((each) => each.lab).join(", ") || "none yet"} of ${stack}`);
  return found;
}

/** Takes the next number. */
export function keep(run: Omit<Lab, "lab">): { readonly lab: Lab; readonly folder: string } {
  const { run: number, folder } = numbered(labsFolder(run.stack));
  const lab: Lab = { lab: number, ...run };
  writeFileSync(join(folder, "lab.json"), `${JSON.stringify(lab)}\n`);
  return { lab, folder };
}
