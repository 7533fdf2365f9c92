// When stacks on AWS end: the stack file's word, which a person can move; where it has none, that of the first up.
import pLimit from "p-limit";
import { endOf } from "../../pulumi/state.ts";
import { isUserError } from "../../spec/problem.ts";

interface Ending {
  readonly name: string;
  readonly target: { readonly expiresAt?: string | undefined };
}

/** Each is an engine's start, where the state is kept elsewhere. */
const atOnce = 4;

/** A sentence for each whose state does not tell: it must not keep the others alive, and in the bill. */
export async function endsOf<Stack extends Ending>(stacks: readonly Stack[], ask: (stack: string) => Promise<string | undefined> = endOf) {
  const limit = pLimit(atOnce);
  const problems: string[] = [];
  const one = async (stack: Stack): Promise<readonly (Stack & { readonly end: string | undefined })[]> => {
    try {
      return [{ ...stack, end: stack.target.expiresAt ?? (await ask(stack.name)) }];
    } catch (error) {
      if (!isUserError(error)) throw error;
      problems.push(`${stack.name}: ${error.message}`);
      return [];
    }
  };
  const found = await Promise.all(stacks.map((stack) => limit(() => one(stack))));
  return { ended: found.flat(), problems };
}
