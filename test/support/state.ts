// What `pulumi stack export` tells of a stack, so that two states that mean the same are equal.

export interface StateResource {
  readonly urn: string;
  readonly [property: string]: unknown;
}

export interface State {
  readonly resources: readonly StateResource[];
  /** What a run that was killed was at. */
  readonly pending: readonly unknown[];
}

/** Without the times of its writing; and since servers are worked on side by side, without the order that is that of a race. */
export function parseState(exported: string): State {
  const { resources = [], pending_operations: pending = [] } = JSON.parse(exported, sets).deployment as {
    readonly resources?: readonly StateResource[];
    readonly pending_operations?: readonly unknown[];
  };
  const timeless = resources.map(({ created: _, modified: __, ...rest }) => rest as StateResource);
  return { resources: timeless.sort((a, b) => (a.urn < b.urn ? -1 : 1)), pending };
}

/** A list of URNs is what something depends on: a set. */
const sets = (_name: string, value: unknown): unknown =>
  Array.isArray(value) && value.every((each) => typeof each === "string" && each.startsWith("urn:")) ? value.sort() : value;
