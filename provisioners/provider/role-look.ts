// What a role finds on its server, as the engine may see it: with the marks in the place of late values, and nothing sensitive in clear.

import { inspect, type Remarks, type Seen, see } from "../engine/converge.ts";
import type { Wanter } from "../engine/journal.ts";
import type { Wants } from "../engine/order.ts";
import { type LateValues, latesIn, maskValues, resolvePlaceholders } from "../engine/placeholders.ts";
import type { Result } from "../engine/report.ts";
import type { RunOptions, Shell } from "../engine/shell.ts";
import type { Address, Common } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { same } from "./difference.ts";
import type { Call } from "./resource.ts";
import { isUnknown, type Json, secret } from "./wire.ts";

export interface Looked {
  readonly role: string;
  readonly resources: Wants;
  readonly late: LateValues;
}

/** What is there, with the marks back in: what is as it should be equals what was wanted, and shows no secret. */
export async function lookAt(
  shell: Shell,
  { role, resources, late }: Looked,
  options?: RunOptions,
): Promise<Pick<Seen, "owed" | "notes" | "remarks"> & { readonly resources: Wants }> {
  const { seen, ...rest } = await see(shell, role, resolvePlaceholders(resources, late), options);
  return { resources: shown(seen, resources, late), ...rest };
}

/** What an up would find, and do, where the role is new or is to be otherwise. */
export interface Foreseen {
  /** In the shape of the role's resources; what isn't there is left out. */
  readonly there: Wants;
  /** Of what isn't there: what stands in its place, and goes: a "link to `/x`". */
  readonly instead?: Readonly<Record<Address, string>>;
  /** The sentences of the steps, by address; nothing for what is right already. */
  readonly changes: Readonly<Record<Address, readonly string[]>>;
  /** Of the changes those that only follow from the others (a reload): the server does not differ by them. */
  readonly follows?: readonly Address[];
  readonly remarks?: Remarks;
}

export async function lookAhead(shell: Shell, { role, resources, late }: Looked, call: Call, who: Partial<Wanter> = {}): Promise<Foreseen> {
  const known = withStandIns(resources, late);
  const { seen, report, remarks, instead, follows } = await inspect(shell, role, resolvePlaceholders(resources, known), {
    ...who,
    signal: call.signal,
  });
  const todo = report.results.filter(({ changes }) => changes.length > 0);
  const sure = (address: Address) => latesIn([resources[address]]).every((name) => known[name] !== notMadeYet);
  const sentences = ({ address, changes }: Result) => (sure(address) ? changes.map(call.redact) : [withWhatIsMade]);
  return {
    there: shown(seen, resources, known),
    ...(Object.keys(instead).length > 0 && { instead }),
    changes: Object.fromEntries(todo.map((result) => [result.address, sentences(result)])),
    ...(follows.length > 0 && { follows }),
    remarks: plainly(remarks, call),
  };
}

/** What a service runs with may hold a secret of the stack's. */
export const plainly = (remarks: Remarks, { redact }: Pick<Call, "redact">): Remarks =>
  Object.fromEntries(Object.entries(remarks).map(([address, said]) => [address, said.map(redact)]));

/** What an up makes first (a key pair of the fleet's own) is on no server yet: whatever stands there differs from it. */
const notMadeYet = "made-by-the-first-up";
const withWhatIsMade = "is to hold what the first up makes";

function withStandIns(resources: Wants, late: LateValues): LateValues {
  const values = isUnknown(late as unknown as Json) ? knownOf(late) : late;
  return Object.fromEntries(latesIn(resources).map((name) => [name, values[name] ?? notMadeYet]));
}

/** The map may be unknown as a whole. */
const knownOf = (late: LateValues | string): LateValues =>
  typeof late === "string" ? {} : Object.fromEntries(Object.entries(late).filter(([, value]) => !isUnknown(value)));

export const sentencesOf = ({ there, instead = {}, changes }: Foreseen): readonly string[] =>
  Object.entries(changes)
    .filter(([address]) => address in there || address in instead)
    .map(([address, steps]) => `${address}: ${steps.join("; ")}`);

function shown(seen: Wants, resources: Wants, late: LateValues): Wants {
  const marked = maskValues(seen, resources, late);
  // Another value than the wanted one may be a secret too: somebody else's, or an old one.
  return hideSensitive(marked, (value, address, name) => !same(value, valueIn(resources, address, name)));
}

const valueIn = (resources: Wants, address: Address, name: string): unknown =>
  (resources[address] as Readonly<Record<string, unknown>> | undefined)?.[name];

/** Encrypts what the wants declare as sensitive, where `when` says so. */
export function hideSensitive(resources: Wants, when: (value: unknown, address: Address, name: string) => boolean): Wants {
  const hide = ([address, want]: [string, Common]) => {
    const names = kindOf(address as Address).kind.sensitive?.(want) ?? [];
    const properties = Object.entries(want).map(([name, value]) => {
      const hidden = names.includes(name) && when(value, address as Address, name);
      return [name, hidden ? secret(value as Json) : value];
    });
    return [address, Object.fromEntries(properties)];
  };
  return Object.fromEntries(Object.entries(resources).map(hide));
}
