// Makes a team's folder: what is there stays, what is missing is written, git and npm do theirs.
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "../../spec/problem.ts";
import { packageName } from "./dependency.ts";
import type { Beginning } from "./folder.ts";

const run = promisify(execFile);

/** @returns those that were not there */
export function write(folder: string, files: readonly Beginning[]): readonly string[] {
  return files.flatMap(({ path, content, executable }) => {
    const file = join(folder, path);
    if (existsSync(file)) return [];
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    if (executable) chmodSync(file, 0o755);
    return [path];
  });
}

/** A package.json of theirs is theirs: it gets the dependency alone, where it has none. @returns whether it got it */
export function depend(folder: string, dependency: string): boolean {
  const file = join(folder, "package.json");
  let own: Record<string, Record<string, string> | undefined>;
  try {
    own = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UserError(`${file}: expected JSON, got ${(error as Error).message}; mend it, and type the same again`);
  }
  if (own.dependencies?.[packageName] ?? own.devDependencies?.[packageName]) return false;
  writeFileSync(file, `${JSON.stringify({ ...own, dependencies: { ...own.dependencies, [packageName]: dependency } }, null, 2)}\n`);
  return true;
}

/** @returns what was done, or what keeps it from being done; undefined where it is part of a repository already */
export async function gitInit(folder: string): Promise<string | undefined> {
  const inside = await run("git", ["-C", folder, "rev-parse", "--is-inside-work-tree"]).then(
    () => true,
    () => false,
  );
  if (inside) return undefined;
  return run("git", ["-C", folder, "init", "--quiet"]).then(
    () => "git: a new repository",
    (error: NodeJS.ErrnoException) => `git: none made (${error.code === "ENOENT" ? "git is not installed" : error.message.split("\n")[0]})`,
  );
}

/** Seconds that a registry may take which does not answer. */
const patience = 600;

/** The packages, where they are not there. @returns why not */
export async function install(folder: string): Promise<string | undefined> {
  if (existsSync(join(folder, "node_modules", packageName, "package.json"))) return undefined;
  console.error("npm install …");
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  return run("npm", args, { cwd: folder, timeout: patience * 1000, maxBuffer: 2 ** 26 }).then(
    () => undefined,
    (error: NodeJS.ErrnoException & { readonly stderr?: string }) =>
      error.code === "ENOENT" ? "npm is not on PATH" : ((error.stderr || error.message).trim().split("\n")[0] ?? error.message),
  );
}
