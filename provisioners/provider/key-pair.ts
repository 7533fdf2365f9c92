// fleet:index:KeyPair: one ed25519 key, made once and kept encrypted in the state. Practice machines are reached with it.
import { ssh2 } from "../ssh/ssh2.ts";
import type { Resource } from "./resource.ts";
import { type Json, secret, unknown } from "./wire.ts";

export interface KeyPairInputs {
  /** Ends the public key: who it is for. */
  readonly comment: string;
}

export interface KeyPairOutputs extends KeyPairInputs {
  /** `ssh-ed25519 AAAA… comment` */
  readonly publicKey: string;
  /** OpenSSH's own format. */
  readonly privateKey: string;
}

type Generate = (comment: string) => { readonly public: string; readonly private: string };
const generated: Generate = (comment) => ssh2.utils.generateKeyPairSync("ed25519", { comment });

/** ssh2 cuts a zero at the front of a key's bytes off, and then one in 230 is no key: it is made anew. */
export function makeKeyPair(comment: string, generate: Generate = generated): ReturnType<Generate> {
  for (;;) {
    const made = generate(comment);
    if (![made.public, made.private].some((text) => ssh2.utils.parseKey(text) instanceof Error)) return made;
  }
}

export const keyPairResource: Resource<KeyPairInputs, KeyPairOutputs> = {
  // Its comment is a label: a team that is called otherwise keeps its keys, and what was derived from them.
  diff: () => ({}),
  async create({ comment }, _call, preview) {
    if (preview) return { id: comment, outputs: { comment, publicKey: unknown, privateKey: unknown } };
    const made = makeKeyPair(comment);
    return { id: comment, outputs: { comment, publicKey: made.public, privateKey: made.private } };
  },
  read: async (_id, old) => old,
  update: async (_id, { outputs }) => outputs,
  delete: async () => {},
  hide: (outputs) => ({ ...outputs, privateKey: secret(outputs.privateKey as Json) }),
};
