// Whose keys go onto new servers, as options say it: checked before anything is asked or looked at.
import { InvalidArgumentError } from "commander";
import { GitHubId } from "../spec/scalars.ts";

/** Once for each; a text may name several, with commas or spaces between. */
export function members(text: string, all: readonly string[]): readonly string[] {
  const ids = text.split(/[\s,]+/).filter((word) => word !== "");
  const wrong = ids.length === 0 ? text : ids.find((id) => !GitHubId.safeParse(id).success);
  if (wrong !== undefined)
    throw new InvalidArgumentError(`expected a GitHub id of letters, digits and single dashes, such as octocat, got \`${wrong}\``);
  return [...new Set([...all, ...ids])];
}

export const memberOption = [
  "-m, --member <github>",
  "GitHub id of somebody whose keys the servers get; once for each",
  members,
  [] as readonly string[],
] as const;
