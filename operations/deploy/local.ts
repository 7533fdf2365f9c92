// The team's repository here: a commit that nobody has pushed goes from this computer to the servers.
import { execFileSync } from "node:child_process";
import { shortLength } from "../../provisioners/resources/git.ts";
import { UserError } from "../../spec/problem.ts";

/** Bytes of a pack that goes through a shell. */
const limit = 512 * 1024 * 1024;

export class LocalRepository {
  readonly #folder: string;
  readonly #packs = new Map<string, Buffer>();
  constructor(folder: string) {
    this.#folder = folder;
  }

  get folder(): string {
    return this.#folder;
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
    return this.#text("log", "-n", "20", `--abbrev=${shortLength}`, "--format=%h %s", old, "--not", commit).split("\n").filter(Boolean);
  }

  /**
   * What somebody who has `known` lacks of `commit`: a thin pack. What they have is named as a base: by itself git looks for one in the history
   * of the commit alone, where nothing that was built here stands. Made once for all who have the same.
   */
  pack(commit: string, known: readonly string[]): Buffer {
    const there = [...new Set(known.filter((each) => this.has(each)))];
    const key = [commit, ...there].join(" ");
    const made = this.#packs.get(key) ?? this.#packed(commit, there);
    this.#packs.set(key, made);
    return made;
  }

  #packed(commit: string, there: readonly string[]): Buffer {
    const objects = this.#git(["rev-list", "--objects", commit, ...there.map((each) => `^${each}`), "--"]).toString("utf8");
    const input = `${there.map((each) => `-${each}\n`).join("")}${objects}`;
    return this.#git(["pack-objects", "--stdout", "-q", "--delta-base-offset"], input);
  }
}
