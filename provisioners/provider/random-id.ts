// fleet:index:Nonce: eight hexadecimal digits, drawn once and kept in the state. For names that AWS must never be asked for twice.
import { randomBytes } from "node:crypto";
import type { Resource } from "./resource.ts";
import { unknown } from "./wire.ts";

export interface NonceOutputs {
  /** `0f3ac2d1` */
  readonly value: string;
}

export const nonceResource: Resource<object, NonceOutputs> = {
  diff: () => ({}),
  async create(_inputs, { name }, preview) {
    return { id: name, outputs: { value: preview ? unknown : randomBytes(4).toString("hex") } };
  },
  read: async (_id, old) => old,
  update: async (_id, { outputs }) => outputs,
  delete: async () => {},
};
