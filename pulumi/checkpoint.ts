// A stack's state as the local backend keeps it: read without the engine, and only where nothing in it is left open.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isMap } from "../spec/path.ts";
import { decrypted } from "./passphrase.ts";

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

export interface Checkpoint {
  /** Of the file: another one after every change. */
  readonly digest: string;
  readonly resources: readonly StateResource[];
  /** Of the passphrase that protects it. */
  readonly salt: string;
}

/** What the engine would have to finish or to forget first. */
const unfinished = ["delete", "pendingReplacement", "taint", "initErrors", "external"] as const;

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Of the file as it is now. */
export const digestOf = (file: string): string => sha256(readFileSync(file));

/** @returns a sentence where only the engine can go on from this state */
export function readCheckpoint(file: string): Checkpoint | string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "there is no state in this checkout";
    throw error;
  }
  const { latest } = JSON.parse(bytes.toString("utf8")).checkpoint ?? {};
  if (!Array.isArray(latest?.resources)) return "the state is empty";
  if ((latest.pending_operations ?? []).length > 0) return "a run was cut short";
  const { type, state } = latest.secrets_providers ?? {};
  if (type !== "passphrase" || typeof state?.salt !== "string") return "the state's secrets are not kept by a passphrase";
  const open = latest.resources.find((each: Record<string, unknown>) => unfinished.some((name) => isSet(each[name])));
  if (open) return `${open.urn.split("::").at(-1)} is not finished`;
  return { digest: sha256(bytes), resources: latest.resources, salt: state.salt };
}

const isSet = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value));

const signature = "4dabf18193072939515e22adb298388d";
const secretMark = "1b47061264138c4ac30d75fd1eb44270";

/**
 * The same data, its secrets in the clear, and what holds none as it is, without a copy; an export with `--show-secrets` needs no key. Throws where only the engine can read it.
 * @param as what stands in a secret's place
 */
export function opened(value: unknown, key?: Buffer, as: (plain: unknown) => unknown = (plain) => plain): unknown {
  if (Array.isArray(value)) {
    const all = value.map((each) => opened(each, key, as));
    return all.every((each, index) => each === value[index]) ? value : all;
  }
  if (!isMap(value)) return value;
  if (signature in value) return as(plainOf(value, key));
  const entries = Object.entries(value).map(([name, each]) => [name, opened(each, key, as)] as const);
  return entries.every(([name, each]) => each === value[name]) ? value : Object.fromEntries(entries);
}

function plainOf(value: Readonly<Record<string, unknown>>, key: Buffer | undefined): unknown {
  if (value[signature] === secretMark && typeof value.plaintext === "string") return JSON.parse(value.plaintext);
  if (value[signature] === secretMark && typeof value.ciphertext === "string" && key) return JSON.parse(decrypted(key, value.ciphertext));
  throw new Error("the state holds more than plain values");
}

/** What is secret in it, in the clear. What is neither plain nor a secret (an asset) has none. */
export function secretsIn(value: unknown, key?: Buffer): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap((each) => secretsIn(each, key));
  if (!isMap(value)) return [];
  if (value[signature] === secretMark) return [plainOf(value, key)];
  return Object.values(value).flatMap((each) => secretsIn(each, key));
}
