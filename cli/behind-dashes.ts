// The words behind `--`, which are another program's: commander hands them over among ours.

/** @returns ours, and those behind the first `--`; undefined where there is none */
export function behindDashes(
  words: readonly string[],
  typed: readonly string[] = process.argv,
): {
  readonly ours: readonly string[];
  readonly behind: readonly string[] | undefined;
} {
  const at = typed.indexOf("--");
  if (at === -1) return { ours: words, behind: undefined };
  const behind = typed.slice(at + 1);
  return { ours: words.slice(0, words.length - behind.length), behind };
}

const stackWords = "the stack; default FLEET_STACK, else the only one that is up";
/** The option that every command on servers has. */
export const stackOption = ["-s, --stack <stack>", stackWords] as const;
/** Of a command on a stack as a whole. */
export const stackArgument = ["[stack]", stackWords] as const;
