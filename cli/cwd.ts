// `fleet --cwd DIR`: read before anything else is loaded, since the folders of the project are constants of the process.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { launcher } from "../spec/typed.ts";

/** Of the words before the command; an option of the command's own is not ours. */
export function folderIn(words: readonly string[]): string | undefined {
  const command = words.findIndex((word, at) => !word.startsWith("-") && words[at - 1] !== "--cwd");
  const ours = command === -1 ? words : words.slice(0, command);
  const at = ours.findIndex((word) => word === "--cwd" || word.startsWith("--cwd="));
  if (at === -1) return undefined;
  return ours[at]!.startsWith("--cwd=") ? ours[at]!.slice("--cwd=".length) : words[at + 1];
}

const folder = folderIn(process.argv.slice(2));
if (folder !== undefined) Object.assign(process.env, { FLEET_PROJECT: resolve(folder), FLEET_CWD_TYPED: folder });

/** The sentence for a folder that is no project. */
export function noProject(path = process.env.FLEET_PROJECT): string | undefined {
  if (!path || existsSync(join(path, "Pulumi.yaml"))) return undefined;
  return `${path}: expected a project (a folder with Pulumi.yaml and stacks/), got none; next: name its folder in --cwd or FLEET_PROJECT, or make one: ${launcher()} init`;
}
