// A commit that is built here, once an architecture, becomes another commit that holds what was made: servers get it as they get all code, by what
// differs from what they have, and go back to it as to any.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stopsWithUs, throwIfInterrupted } from "../../pulumi/interruption.ts";
import { UserError } from "../../spec/problem.ts";

export interface BuildWish {
  readonly folder: string;
  readonly commit: string;
  /** As Debian and Go call them. */
  readonly architectures: readonly string[];
  readonly build: string;
  readonly files: readonly string[];
  readonly onLine: (line: string) => void;
}

/** What says of a commit from which other it was made. */
export const builtFrom = "Fleet-Built";

/** Built commits that stay in the clone. */
const kept = 10;
const refs = "refs/fleet/built";

/** @returns the commit that holds what was built; the one of an earlier deploy, where nothing of the wish has changed */
export async function buildHere(wish: BuildWish): Promise<string> {
  const { folder, commit, architectures, build, files } = wish;
  if (files.length === 0) throw new UserError("params.app.deploy.files: expected what the build makes, got nothing; write it there");
  const wanted = createHash("sha256")
    .update(JSON.stringify([architectures, build, files]))
    .digest("hex")
    .slice(0, 16);
  const ref = `${refs}/${commit}-${wanted}`;
  const before = await git(folder, ["rev-parse", "-q", "--verify", `${ref}^{commit}`]).catch(() => "");
  if (before !== "") return before;
  const place = mkdtempSync(join(tmpdir(), "fleet-build-"));
  const copy = join(place, "code");
  try {
    await git(folder, ["worktree", "add", "-q", "--detach", copy, commit]);
    for (const architecture of architectures) await run(copy, architecture, wish);
    const built = await committed(copy, wish);
    await git(folder, ["update-ref", ref, built]);
    await prune(folder);
    return built;
  } finally {
    await git(folder, ["worktree", "remove", "--force", copy]).catch(() => {});
    rmSync(place, { recursive: true, force: true });
  }
}

async function run(copy: string, architecture: string, { build, onLine }: BuildWish): Promise<void> {
  onLine(`builds for ${architecture}`);
  const said: string[] = [];
  const child = spawn("sh", ["-ec", build], {
    cwd: copy,
    env: { ...process.env, ARCH: architecture, GOARCH: architecture, GOOS: "linux" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  stopsWithUs(child, "SIGTERM");
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => said.push(text));
  const code = await new Promise<number | string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (status) => resolve(status ?? "a signal"));
  });
  throwIfInterrupted();
  if (code !== 0)
    throw new UserError(
      `params.app.deploy.build for ${architecture}: expected exit code 0, got ${code}\n${said.join("").trim().split("\n").slice(-20).join("\n")}`,
    );
}

async function committed(copy: string, { commit, files }: BuildWish): Promise<string> {
  // What is made is what .gitignore names, as a rule.
  await git(copy, ["add", "-f", "--", ...files]).catch((error: Error) => {
    throw new UserError(`params.app.deploy.files: expected what the build made, got: ${error.message}`);
  });
  const tree = await git(copy, ["write-tree"]);
  const [name = "", mail = "", date = "", subject = ""] = (
    await git(copy, ["log", "-1", "--format=%an%n%ae%n%ad%n%s", "--date=raw", commit])
  ).split("\n");
  // The same commit, built to the same bytes, is the same everywhere.
  const who = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: mail,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: mail,
    GIT_COMMITTER_DATE: date,
  };
  return await git(copy, ["commit-tree", tree, "-p", commit, "-m", `${subject}\n\n${builtFrom}: ${commit}`], who);
}

async function prune(folder: string): Promise<void> {
  const all = await git(folder, ["for-each-ref", "--sort=-creatordate", "--format=%(refname)", refs]);
  for (const old of all.split("\n").filter(Boolean).slice(kept)) await git(folder, ["update-ref", "-d", old]);
}

async function git(cwd: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("git", words, { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 });
    return stdout.trim();
  } catch (error) {
    const said = String((error as { readonly stderr?: unknown }).stderr ?? "").trim();
    throw new UserError(`git ${words[0]} in ${cwd}: ${said || (error as Error).message}`);
  }
}
