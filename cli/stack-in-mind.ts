// Which stack is meant where none is named: FLEET_STACK, else the only one that is up.

import { stackNames } from "../provisioners/project.ts";
import { stacksUp } from "../pulumi/state.ts";
import { UserError } from "../spec/problem.ts";
import { typed } from "../spec/typed.ts";

/** Throws a UserError where it could be several: the wrong team's isu1 is worse than a question. */
export async function stackInMind(named = process.env.FLEET_STACK): Promise<string> {
  if (named) return named;
  const up = await stacksUp(stackNames());
  const [only] = up;
  if (only === undefined) throw new UserError(`expected a stack that is up, got none; next: ${typed()} up STACK`);
  if (up.length > 1)
    throw new UserError(`expected one stack that is up, got ${up.join(", ")}; next: add -s STACK, or export FLEET_STACK=STACK`);
  return only;
}
