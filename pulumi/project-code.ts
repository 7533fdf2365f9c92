// A folder of a team's own names the product's code in its node_modules: where nobody typed `npm install` there, the engine only finds no file.

import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { UserError } from "../spec/problem.ts";
import { typed } from "../spec/typed.ts";

/** Throws a UserError where the code that the folder's Pulumi.yaml names is not there. */
export function refuseWithoutCode(folder: string): void {
  const file = join(folder, "Pulumi.yaml");
  const main = existsSync(file) ? /^main: *["']?([^"'\n]+?)["']? *$/m.exec(readFileSync(file, "utf8"))?.[1] : undefined;
  if (main === undefined) return;
  const code = isAbsolute(main) ? main : join(folder, main);
  if (existsSync(code)) return;
  const isPackage = main.split("/").includes("node_modules");
  const next = isPackage
    ? `cd ${folder} && npm install`
    : `name in ${file} where the code is now, or make the folder anew: ${typed()} init`;
  throw new UserError(`${folder}: expected the program that its Pulumi.yaml names, got no ${main}; next: ${next}`);
}
