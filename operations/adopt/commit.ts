// What was adopted becomes one commit, of exactly these files: whatever else is staged or changed stays as it is.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { project } from "../../provisioners/project.ts";
import { shortLength } from "../../provisioners/resources/git.ts";

const run = promisify(execFile);
const git = async (...args: readonly string[]): Promise<string> =>
  (await run("git", ["-C", project, ...args], { maxBuffer: 64 * 2 ** 20 })).stdout;

export type Commit = { readonly commit: string } | { readonly unchanged: true } | { readonly refused: string };

/** Never throws: without git the files are there all the same. */
export async function commitOf(paths: readonly string[], message: string): Promise<Commit> {
  try {
    await git("add", "--all", "--", ...paths);
    if ((await git("status", "--porcelain", "--", ...paths)).trim() === "") return { unchanged: true };
    await git("commit", "--quiet", "--no-verify", "-m", message, "--", ...paths);
    return { commit: (await git("rev-parse", `--short=${shortLength}`, "HEAD")).trim() };
  } catch (error) {
    const { stderr = "", message: why } = error as Error & { readonly stderr?: string };
    return { refused: gist(`${stderr}`.trim() || why) };
  }
}

const gist = (text: string): string => text.split("\n").find((line) => /^(?:fatal|error|\*\*\*)/.test(line)) ?? text.split("\n")[0] ?? "";

/** Changes of these files that no commit has. Empty where there is no git. */
export async function uncommitted(paths: readonly string[]): Promise<readonly string[]> {
  try {
    return (await git("status", "--porcelain", "--", ...paths))
      .split("\n")
      .filter(Boolean)
      .map((line) => line.slice(3));
  } catch {
    return [];
  }
}
