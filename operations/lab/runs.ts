// What is kept of labs: a folder each, beside the stack's measured runs.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../spec/problem.ts";
import { runsFolder } from "../measure/runs.ts";
import { Lab } from "./model.ts";

export const labsFolder = (stack: string): string => join(runsFolder(stack), "lab");

const fileOf = (stack: string, lab: number): string => join(labsFolder(stack), String(lab), "lab.json");

/** In the order of their numbers. One that was not written whole is passed over. */
export function labs(stack: string): readonly Lab[] {
  const folder = labsFolder(stack);
  const numbers = existsSync(folder) ? readdirSync(folder).map(Number).filter(Number.isInteger) : [];
  return numbers
    .sort((a, b) => a - b)
    .flatMap((lab) => {
      if (!existsSync(fileOf(stack, lab))) return [];
      const { success, data } = Lab.safeParse(JSON.parse(readFileSync(fileOf(stack, lab), "utf8")));
      return success ? [data] : [];
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
  const folder = labsFolder(run.stack);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const number = Math.max(0, ...readdirSync(folder).map(Number).filter(Number.isInteger)) + 1;
  const lab: Lab = { lab: number, ...run };
  const own = join(folder, String(number));
  mkdirSync(own, { mode: 0o700 });
  writeFileSync(join(own, "lab.json"), `${JSON.stringify(lab)}\n`);
  return { lab, folder: own };
}
