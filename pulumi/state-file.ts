// The state of a stack as a file of this project: read with an eye on what a full disk or a power cut leaves of it, and with the way back.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { isMap } from "../spec/path.ts";
import { UserError } from "../spec/problem.ts";
import { typed } from "../spec/typed.ts";

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly parent?: string;
  /** Replaced already, and gone at the end of the run. */
  readonly delete?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly dependencies?: readonly string[];
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>>;
}

export interface Operation {
  readonly resource: { readonly type: string; readonly custom?: boolean };
}

/**
 * Whether the next run may close a step that a killed one left open: ours find again what was begun, and components and providers are
 * nothing outside the state. What else is open is for the user to look at.
 */
export const canClose = ({ resource: { type, custom } }: Operation): boolean =>
  custom !== true || type.startsWith("fleet:") || type.startsWith("pulumi:providers:");

/** What we read of a state. */
export interface Deployment {
  /** Of a passphrase, its salt. */
  readonly secrets_providers?: { readonly type?: string; readonly state?: { readonly salt?: string } };
  readonly resources?: readonly StateResource[];
  readonly pending_operations?: readonly Operation[];
}

type Found = { readonly deployment: Deployment | undefined };

/** What was read last, as long as the memory isn't wanted: a command reads its stack's state five times, which is megabytes with many servers. */
let last: { readonly of: string; readonly found: WeakRef<Found> } | undefined;

/** Undefined for a file that holds no whole state. */
export function deploymentIn(file: string): Found | undefined {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    const of = [file, ino, size, mtimeNs, ctimeNs].join(" ");
    const kept = last?.of === of ? last.found.deref() : undefined;
    if (kept) return kept;
    const { checkpoint } = JSON.parse(readFileSync(file, "utf8"));
    if (!isMap(checkpoint)) return undefined;
    const found = { deployment: checkpoint.latest as Deployment | undefined };
    last = { of, found: new WeakRef(found) };
    return found;
  } catch {
    return undefined;
  }
}

/** Pulumi keeps one beside the state, and one of each run in a folder. */
function backupsOf(file: string): readonly string[] {
  const stack = basename(file, ".json");
  const folder = join(dirname(file), "..", "..", "backups", "contest-fleet", stack);
  const kept = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  return [`${file}.bak`, ...kept.map((name) => join(folder, name))].filter((each) => existsSync(each));
}

const standing = (file: string): number => deploymentIn(file)?.deployment?.resources?.length ?? 0;

/** The newest that is whole. */
export function newestBackup(file: string): string | undefined {
  const written = (each: string): number => statSync(each).mtimeMs;
  return backupsOf(file)
    .filter((each) => deploymentIn(each) !== undefined)
    .sort((a, b) => written(b) - written(a))[0];
}

const shown = (file: string): string => relative(process.cwd(), file);

/** The sentence for a state that is not whole. */
export function brokenState(stack: string, file: string, got: string): UserError {
  const backup = newestBackup(file);
  const time = backup && statSync(backup).mtime.toISOString().slice(0, 19).replace("T", " ");
  const next = backup
    ? `next: cp ${shown(backup)} ${shown(file)} (the newest backup that is whole, of ${time} UTC), then ${typed()} preview ${stack}`
    : `next: no backup of it is whole; rm ${shown(file)} begins anew, and an up finds again what is on the servers`;
  return new UserError(`${stack}: expected its state in ${shown(file)}, got ${got}; ${next}`);
}

/** What the newest backup knows of. */
export const backedUp = (file: string): readonly StateResource[] => {
  const backup = newestBackup(file);
  return (backup && deploymentIn(backup)?.deployment?.resources) || [];
};

/** A stack whose state is gone while the newest backup knows of servers was not taken away: begun anew, it would know nothing of them. */
export function refuseLostState(stack: string, file: string): void {
  if (existsSync(file)) return;
  const backup = newestBackup(file);
  if (backup && standing(backup) > 0) throw brokenState(stack, file, "no file");
}
