// Commits between two, in the order in which they came, and a stack's files as they were at one.
import { execFileSync } from "node:child_process";
import { shortLength } from "../../../provisioners/resources/git.ts";
import { UserError } from "../../../spec/problem.ts";

export class Checkout {
  readonly #folder: string;
  constructor(folder: string) {
    this.#folder = folder;
  }

  #git(...words: string[]): string {
    try {
      return execFileSync("git", words, { cwd: this.#folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
    } catch (error) {
      const said = String((error as { readonly stderr?: unknown }).stderr ?? "").trim();
      throw new UserError(`git ${words[0]} in ${this.#folder}: ${said || (error as Error).message}`);
    }
  }

  commit(name: string): string {
    return this.#git("rev-parse", `--short=${shortLength}`, "--verify", `${name}^{commit}`);
  }

  /** From good to bad, both among them, along the first parents. */
  between(good: string, bad: string): readonly string[] {
    const [from, to] = [this.commit(good), this.commit(bad)];
    const later = this.#git("log", "--first-parent", "--reverse", `--abbrev=${shortLength}`, "--format=%h", `${from}..${to}`)
      .split("\n")
      .filter(Boolean);
    if (later.length === 0) throw new UserError(`bisect: expected ${to} to come after ${from}, got nothing between them`);
    return [from, ...later];
  }

  subject(commit: string): string {
    return this.#git("log", "-1", "--format=%s", commit);
  }

  /** Throws a UserError where something that is not committed would be lost. */
  refuseChanges(paths: readonly string[]): void {
    const changed = this.#git("status", "--porcelain", "--untracked-files=no", "--", ...paths);
    if (changed !== "")
      throw new UserError(`bisect: expected ${paths.join(", ")} as committed, got changes:\n${changed}\nnext: commit them, or git stash`);
  }

  /** Only these paths; index and branch stay. */
  restore(commit: string, paths: readonly string[]): void {
    const there = paths.filter((path) => this.#git("ls-tree", "--name-only", commit, "--", path) !== "");
    if (there.length > 0) this.#git("restore", `--source=${commit}`, "--worktree", "--", ...there);
  }
}
