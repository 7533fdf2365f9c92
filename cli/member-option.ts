// Whose keys go onto new servers, as options say it: checked before anything is asked or looked at.
import { InvalidArgumentError } from "commander";
import { GitHubId } from "../spec/scalars.ts";

/** Once for each; a text may name several, with commas or spaces between. */
export function members(text: string, all: readonly string[]): readonly string[] {
  const ids = text.split(/[\s,]+/).filter((word) => word !== "");
  for (const id of ids.length === 0 ? [text] : ids) {
    const { error } = GitHubId.safeParse(id);
    if (error) throw new InvalidArgumentError(`${error.issues[0]?.message}, got \`${id}\``);
  }
  return [...new Set([...all, ...ids])];
}

export const memberOption = [
  "-m, --member <github>",
  "GitHub id of somebody whose keys the servers get; once for each",
  members,
  [] as readonly string[],
] as const;
