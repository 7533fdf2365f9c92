// How a role says what it wants: `want.file({ path, content })`, checked and with its defaults filled in.
import type { z } from "zod";
import { explain } from "../../spec/messages.ts";
import type { Address, Common, Kind } from "./kind.ts";
import { WantError } from "./want-error.ts";

/** A resource of a role. Its address is what other resources refer to. */
export interface Declared {
  readonly address: Address;
  readonly want: Common;
}

// biome-ignore lint/suspicious/noExplicitAny: what a kind sees on a host does not matter to who wants something
export function builder<Schema extends z.ZodType<Common>>(kind: Kind<any, any, any>): (input: z.input<Schema>) => Declared {
  return (input) => {
    const { success, data, error } = kind.schema.safeParse(input, { reportInput: true, error: explain });
    if (!success) throw new WantError(named(kind, input), error);
    return { address: kind.address(data), want: data };
  };
}

/** The address of what is wrong somewhere, where that much is right. */
function named({ kind, address }: Pick<Kind, "kind" | "address">, input: unknown): string {
  try {
    const found = address(input as Common);
    return found.includes("undefined") ? kind : found;
  } catch {
    return kind;
  }
}
