// What is wrong with a role's wants before anything is touched: schema, address, references, cycles, and what the stack guards.
import { type Guards, isGuardedPath } from "../../spec/guards.ts";
import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { edges, inOrder, type Wants } from "./order.ts";

export interface WantProblem {
  readonly path: string;
  readonly reason: string;
}

/** Everything at once. An empty list means that the role may be converged. */
export function problemsIn(wants: Wants, guard: Guards = { paths: [], users: [], units: [] }): readonly WantProblem[] {
  const each = (Object.keys(wants) as Address[]).flatMap((address) => problemsOf(address, wants, guard));
  if (each.length > 0) return each;
  try {
    inOrder(wants);
    return [];
  } catch (error) {
    return [{ path: "resources", reason: (error as Error).message }];
  }
}

function problemsOf(address: Address, wants: Wants, guard: Guards): WantProblem[] {
  const path = `resources[${JSON.stringify(address)}]`;
  let kind: ReturnType<typeof kindOf>["kind"];
  try {
    ({ kind } = kindOf(address));
  } catch (error) {
    return [{ path, reason: (error as Error).message }];
  }
  const parsed = kind.schema.safeParse(wants[address]);
  if (!parsed.success)
    return parsed.error.issues.map((issue) => ({ path: [path, ...issue.path.map(String)].join("."), reason: issue.message }));
  const want = parsed.data as Common;
  const name = kind.address(want);
  return [
    ...(name === address ? [] : [{ path, reason: `expected the key \`${name}\`, got \`${address}\`` }]),
    ...edges(address, want)
      .filter((before) => !(before in wants))
      .map((before) => ({ path, reason: `expected \`${before}\` in the same role, got no such resource` })),
    ...guarded(kind.touches(want), guard).map((what) => ({
      path,
      reason: `expected to leave ${what} alone, which the stack guards; got a change of it`,
    })),
  ];
}

function guarded(
  touches: { readonly paths?: readonly string[]; readonly users?: readonly string[]; readonly units?: readonly string[] },
  guard: Guards,
): string[] {
  return [
    ...(touches.paths ?? []).filter((path) => isGuardedPath(guard, path)).map((path) => `the path \`${path}\``),
    ...(touches.users ?? []).filter((user) => guard.users.includes(user)).map((user) => `the user \`${user}\``),
    ...(touches.units ?? []).filter((unit) => guard.units.includes(unit)).map((unit) => `the unit \`${unit}\``),
  ];
}
