// The contract of a resource of ours: what the engine asks of it, as plain typed calls. Knows nothing of the wire (protocol.ts).
import type struct from "google-protobuf/google/protobuf/struct_pb.js";
import { UserFacingError } from "../../spec/problem.ts";
import type { Properties } from "./wire.ts";

export type Severity = "debug" | "info" | "warning" | "error";

/** What every call of the engine brings along. */
export interface Call {
  readonly urn: string;
  /** The resource's name in the program. */
  readonly name: string;
  readonly signal: AbortSignal;
  /** Milliseconds from the resource's customTimeouts, where they were set. */
  readonly timeout?: number;
  /** A status line beside the resource while it works (`ephemeral`), or a message that stays. Secrets of the call are masked. */
  readonly log: (severity: Severity, message: string, ephemeral?: boolean) => void;
  /** Masks the secrets that this call brought. */
  readonly redact: (text: string) => string;
}

export interface Failure {
  /** A property path; empty for the resource as a whole. */
  readonly property: string;
  readonly reason: string;
}

export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";
/** By property path: `resources["file[/etc/motd]"].content`. */
export type DetailedDiff = Readonly<Record<string, DiffKind>>;

export interface Resource<In = Properties, Out = Properties> {
  /** Everything that is wrong with the inputs; called with unknowns in a preview. */
  check?(inputs: In): readonly Failure[];
  /** Pure: no entry means nothing to do. */
  diff(olds: { readonly inputs: In; readonly outputs: Out }, news: In): DetailedDiff;
  /** `preview`: say what is known already, change nothing. Throw PartlyDone for what exists but is not right. */
  create(inputs: In, call: Call, preview: boolean): Promise<{ readonly id: string; readonly outputs: Out }>;
  /** What is really there; undefined when the resource is gone. */
  read(
    id: string,
    old: { readonly inputs: In; readonly outputs: Out },
    call: Call,
  ): Promise<{ readonly inputs: In; readonly outputs: Out } | undefined>;
  update(id: string, olds: { readonly inputs: In; readonly outputs: Out }, news: In, call: Call, preview: boolean): Promise<Out>;
  delete(id: string, old: { readonly inputs: In; readonly outputs: Out }, call: Call): Promise<void>;
  /** Wraps what must stay secret in the state; the outputs as they go over the wire. */
  hide?(outputs: Out): object;
  /** The engine reads this resource in every preview and up, so that both are true of what is there, not of what was remembered. */
  readonly refreshBeforeUpdate?: boolean;
}

/** It exists, but isn't right yet: the engine keeps its state, and the next `up` goes on from there. */
export class PartlyDone extends UserFacingError {
  override readonly name = "PartlyDone";
  readonly id: string;
  readonly outputs: object;
  readonly reasons: readonly string[];
  /** As they go over the wire; set on the way out. */
  struct?: { readonly inputs: struct.Struct; readonly outputs: struct.Struct; readonly spell: (text: string) => string };
  constructor(message: string, { id, outputs, reasons }: { id: string; outputs: object; reasons: readonly string[] }) {
    super(message);
    this.id = id;
    this.outputs = outputs;
    this.reasons = reasons;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: each resource has its own inputs and outputs; the table is read by token alone
export type Resources = Readonly<Record<string, Resource<any, any>>>;
