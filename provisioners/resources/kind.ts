// The contract of a resource kind: look, decide, act. `read` says what to look at, `plan` is pure, the runner (converge.ts) acts.
import { z } from "zod";
import type { Look, PathSeen } from "../engine/probe.ts";
import type { Command } from "../engine/shell-quote.ts";

/** `file[/etc/motd]`: the key of a resource within its role, in state, in diffs and in reports. */
export type Address = `${string}[${string}]`;

/** One change, with the sentence that is shown for it: what is shown is what is run. */
export interface Step {
  /** Lower case, no full stop: ``mode `0600` → `0644` ``. Never contains a secret. */
  readonly change: string;
  /** The property of the want that this step brings about (`content`): where the diff points. */
  readonly property?: string;
  /** In an undo: after the files of the role are back (a service that must read them again). */
  readonly late?: boolean;
  /** Takes milliseconds and says nothing: the runner tells of it together with the next that takes longer. @default false */
  readonly brief?: boolean;
  /** Runs as root under `set -e` with empty standard input; may use the functions of the runner's prelude (engine/prelude.ts). */
  readonly run: Command;
  /**
   * Neighbours with the same `how` are done by one command, `how` of all their arguments: one apt-get for ten packages. It fails where the
   * first one's argument does; `after` is what each other one runs, and fails where its own did.
   */
  readonly together?: {
    readonly how: (args: readonly string[]) => Command;
    readonly argument: string;
    readonly after?: (argument: string) => Command;
  };
}

export interface Purge {
  /** All below it goes. */
  readonly path?: string;
  /** Whatever lies there is people's, as far as anybody knows. @default but for files that other resources made */
  readonly whole?: boolean;
  readonly step: Step;
}

/** Of a folder. */
export const purgeFolder = (path: string, run: Command, whole = false): Purge => ({
  path,
  whole,
  step: { change: "remove it with all that is in it", run },
});

export interface PlanContext {
  /** A run that was cut short, or failed, owes this service its reload or restart. */
  readonly pending: boolean;
  /** Files of this role that it no longer wants, and that are put back or taken away before: a service that reads any hears of it. */
  readonly gone: readonly Address[];
  /** Addresses of this role that have steps before this one: a service reloads when one that it names is here. */
  readonly changed: ReadonlySet<Address>;
}

export const AddressSchema = z.templateLiteral([z.string().regex(/^[a-z-]+$/), "[", z.string().min(1), "]"]);

/** What every want may say beside its kind's own properties; spread it into the kind's schema. */
export const common = {
  /** Addresses of the same role that must be done before this one, beyond the kinds' own order. */
  after: z.array(AddressSchema).readonly().optional(),
};
export interface Common {
  readonly after?: readonly Address[] | undefined;
}

/**
 * Properties, of whatever kind, that only steer how and when a change is made. No server has them, so none differs by them: a preview shows
 * the plan's own sentences instead (`restart after the change of …`).
 */
export const steering: ReadonlySet<string> = new Set([
  ...Object.keys(common),
  ...["restartOn", "reloadOn", "on", "below", "validate", "freshWorkers", "log", "settle"],
  ...["keep", "same", "sensitive", "elsewhere", "broughtBy", "undo", "undoAlways", "again"],
]);

/**
 * What the server's memory holds of a want or of what was there: never a secret, and never a content, of which a copy is kept beside the
 * memory. Whoever is given this at an undo can't ask for more.
 */
export type Kept<T, Secret extends PropertyKey = never> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T as Key extends Unkept | Secret ? never : Key]: Kept<T[Key]> }
    : T;
type Unkept = (typeof unkept)[number];
/** Names that are never remembered, at whatever depth they stand. */
export const unkept = ["content", "passwordHash"] as const;

/** What must be on the server before a want, and may come with a package. */
export interface Leaning {
  readonly paths?: readonly string[];
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  readonly units?: readonly string[];
  /** The role's services, which it asks. */
  readonly services?: boolean;
}

/** `Secret`: the names of the want's properties that may hold one. */
export interface Kind<Want extends Common = Common, Have = unknown, Secret extends string = never> {
  /** Also the file name and the prefix of addresses. */
  readonly kind: string;
  /** Its turn in a role, one of its own: what others need comes first (a package before its files, those before the service). */
  readonly rank: number;
  /** Strict: what a role or a stack may say. */
  readonly schema: z.ZodType<Want, unknown>;
  address(want: Want): Address;
  /** Addresses that must be done before, derived from the want's typed references (a service's `restartOn`). */
  after?(want: Want): readonly Address[];
  /** Paths, users and units that the want changes: held against the stack's guards. */
  touches(want: Want): { readonly paths?: readonly string[]; readonly users?: readonly string[]; readonly units?: readonly string[] };
  /**
   * Registers what to look at, and returns how to read the answer. Must not change the host: dry runs call it too. Before an undo it gets
   * what the server remembers of the want, and `undo`.
   */
  read(want: Kept<Want, Secret>, look: Look, undo?: boolean): () => Have;
  /** Decides. Pure, synchronous, deterministic; an empty list means converged. */
  plan(want: Want, have: Have, context: PlanContext): readonly Step[];
  /** The want with its properties as they are on the host; `undefined` where there is nothing. `seen` of a converged host equals the want. */
  seen(want: Want, have: Have): Want | undefined;
  /**
   * The steps that bring the host back from `have` to `original`, what was there before the first change.
   * A string says, instead, why that can't be done.
   */
  undo(want: Kept<Want, Secret>, original: Kept<Have>, have: Have): readonly Step[] | string;
  /** How all of it goes where an undo leaves what people put there; undefined where it was there before, or is gone. */
  purge?(want: Kept<Want, Secret>, original: Kept<Have>, have: Have): Purge | undefined;
  /**
   * For a service: the addresses whose change it must hear of. The runner then keeps their last good contents until the service is
   * up again, and remembers on the host that the service is owed a reload if it is killed in between.
   */
  watches?(want: Want): readonly Address[];
  /**
   * Of a kind that watches: the steps after `undone` went back, where another role wants it still and it is not undone itself. `want` is what
   * was wanted at its first change.
   */
  heard?(want: Kept<Want, Secret>, have: Have, undone: readonly Address[]): readonly Step[];
  /** Names of properties that hold a secret: encrypted in the state, masked in diffs, and not remembered on the server. */
  sensitive?(want: Want): readonly Secret[];
  /** The path, where the kind lives at one: the runner keeps a copy of the original and of the last good content. */
  path?(want: Kept<Want, Secret>): string;
  /** What stands at `path`; goes with it. Before the first change it is the original. */
  standing?(have: Have): PathSeen;
  /** The path whose missing parents come into being with it, by `fleet_parents`: the runner takes them away again where they are empty. */
  parents?(want: Kept<Want, Secret>): string | undefined;
  /** It asks or acts, and stands nowhere: there is nothing to remember before it has done something. @default false */
  readonly fleeting?: boolean;
  /** Only a part of what stands at `path` is this resource's: others have theirs beside it. @default false */
  readonly shared?: boolean;
  /** Where it can't be had, only what leans on it is left: the rest of the role goes on. @default false */
  readonly failsAlone?: boolean;
  /** Looked at once something can't be had: what is not there then, nobody brings any more. */
  leans?(want: Want): Leaning;
  /** Why this want can't apply on such a host (a vm.* sysctl in a container); reported as not applicable, never as done. */
  notApplicable?(want: Want, have: Have): string | undefined;
  /** What runs, not what a file says: after a run that changed something it is looked at again, and `wrong` is asked. @default false */
  readonly effective?: boolean;
  /** Of an `effective` kind: why what was seen is not what is wanted, in a sentence. */
  wrong?(want: Want, have: Have): string | undefined;
  /** What a reader must know beside the outcome: single settings that do not apply here, where the others do. */
  notes?(want: Want, have: Have): readonly string[];
}

export const defineKind = <Want extends Common, Have, Secret extends string = never>(
  kind: Kind<Want, Have, Secret>,
): Kind<Want, Have, Secret> => kind;

/** The property, of whatever kind, that is only ever seen, never wanted: a sentence that says by itself what is, and what was to be. */
export const inWords = "differs";

/** A step that ends with an error, since what is there is not the fleet's to change: how its sentence begins, in every kind. */
export const refusing = "refuse: ";

/** Stands for a property of something that is not there: one more value to compare with, not a branch. */
export const missing = "missing";
