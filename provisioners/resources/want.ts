// How a role says what it wants: `want.file({ path, content })`, checked and with its defaults filled in. One line a kind.
import type { z } from "zod";
import { type FileWant, file } from "./file.ts";
import type { Address, Common, Kind } from "./kind.ts";

/** A resource of a role. Its address is what other resources refer to. */
export interface Declared {
  readonly address: Address;
  readonly want: Common;
}

const builder =
  // biome-ignore lint/suspicious/noExplicitAny: what a kind sees on a host does not matter to who wants something


    <Schema extends z.ZodType<Common>>(kind: Kind<any, any>) =>
    (input: z.input<Schema>): Declared => {
      const parsed = kind.schema.parse(input);
      return { address: kind.address(parsed), want: parsed };
    };

export const want = {
  file: builder<typeof FileWant>(file),
};
