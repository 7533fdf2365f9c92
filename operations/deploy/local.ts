// The team's repository here: a commit that nobody has pushed goes from this computer to the servers.
import { execFileSync } from "node:child_process";
import { UserError } from "../../spec/problem.ts";

/** Bytes of a pack that goes through a shell. */
const limit = 512 * 1024 * 1024;

export class LocalRepository {
  readonly #folder: string;
  constructor(folder: string) {
    this.#folder = folder;
  }

  #git(words: readonly string[], input = ""): Buffer {
    try {
      return execFileSync("git", words, { cwd: this.#folder, input, maxBuffer: limit, stdio: ["pipe", "pipe", "pipe"] });
    } catch (error) {
      const said = String((error as { readonly stderr?: unknown }).stderr ?? "").trim();
      throw new UserError(`git ${words[0]} in ${this.#folder}: ${said || (error as Error).message}`);
    }
  }

  #text = (...words: string[]): string => this.#git(words).toString("utf8").trim();

  commit(ref: string): string {
    return this.#text("rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`);
  }

  subject(commit: string): string {
    return this.#text("log", "-1", "--format=%s", commit);
  }

  /** Tracked files with changes that are in no commit. */
  changed(): readonly string[] {
    const lines = this.#git(["status", "--porcelain", "--untracked-files=no"]).toString("utf8").split("\n");
    return lines.filter(Boolean).map((line) => line.slice(3));
  }

  has(commit: string): boolean {
    try {
      execFileSync("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: this.#folder, stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }

  /** Commits that `old` has and `commit` has not. */
  lost(old: string, commit: string): readonly string[] {
    return this.#text("log", "-n", "20", "--format=%h %s", old, "--not", commit).split("\n").filter(Boolean);
  }

  /** What somebody who has `known` lacks of `commit`: a thin pack. */
  pack(commit: string, known: readonly string[]): Buffer {
    const revisions = [commit, ...known.filter((each) => this.has(each)).map((each) => `^${each}`)];
    return this.#git(["pack-objects", "--revs", "--thin", "--stdout", "-q", "--delta-base-offset"], `${revisions.join("\n")}\n`);
  }
}
