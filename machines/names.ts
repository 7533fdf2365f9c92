// Every name that a practice machine takes on this computer, each found again from stack and name alone, so that
// `sweep` finds them when the state is lost.
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { checkRef, type MachineRef } from "./machine.ts";

const uid = process.getuid?.() ?? 0;
const ofUser = (variable: string | undefined, fallback: string): string => join(variable || join(homedir(), fallback), "contest-fleet");

/** Survives a restart of this computer, and lies outside every checkout. One user's alone: images hold setuid programs of their day. */
export const stateRoot = uid === 0 ? "/var/lib/contest-fleet" : ofUser(process.env.XDG_STATE_HOME, ".local/state");

/** Two users of one computer may have stacks of one name. */
export const ofThisUser = (name: string): string => (uid === 0 ? name : `${uid}:${name}`);

const short = (text: string, digits: number): string => {
  const value = BigInt(`0x${createHash("sha256").update(text).digest("hex")}`);
  return value.toString(36).slice(-digits);
};

/** Six characters for the stack: 31 bits, so that hundreds of stacks on one computer do not meet. */
export const stackId = (stack: string): string => short(ofThisUser(stack), 6);

/** Twelve characters: the kernel allows 15 in a link's name, and nspawn puts `vb-` before ours. */
export const machineId = ({ stack, name }: MachineRef): string => `f${stackId(stack)}${short(name, 5)}`;

export const bridgeName = (stack: string): string => `fb-${stackId(stack)}`;
export const linkName = (ref: MachineRef): string => `vb-${machineId(ref)}`;
export const tableName = (stack: string): string => `contest_fleet_${stackId(stack)}`;
export const cgroupName = (ref: MachineRef): string => `contest-fleet/${machineId(ref)}`;

/** What such names look like, of one stack or of all. Groups: none. */
export function patterns(stack?: string): Record<"machine" | "link" | "table", RegExp> {
  const id = stack === undefined ? "[0-9a-z]{6}" : stackId(stack);
  return {
    machine: new RegExp(`^f${id}[0-9a-z]{5}(?:-supervisor)?$`),
    link: new RegExp(`^(?:fb-${id}|vb-f${id}[0-9a-z]{5})$`),
    table: new RegExp(`^contest_fleet_${id}$`),
  };
}

export const stacksDirectory = join(stateRoot, "stacks");

export function stackDirectory(stack: string): string {
  checkRef({ stack, name: "any" });
  return join(stacksDirectory, stack);
}

/** Where one machine's files are. `root` is the mounted overlay, `upper` what differs from the image. */
export interface MachinePaths {
  readonly directory: string;
  readonly upper: string;
  readonly work: string;
  readonly root: string;
  readonly record: string;
  readonly log: string;
  readonly supervisorPid: string;
  readonly machinePid: string;
  readonly exit: string;
}

export function pathsOf(ref: MachineRef): MachinePaths {
  checkRef(ref);
  const directory = join(stackDirectory(ref.stack), ref.name);
  const at = (name: string): string => join(directory, name);
  return {
    directory,
    upper: at("upper"),
    work: at("work"),
    root: at("root"),
    record: at("record.json"),
    log: at("boot.log"),
    supervisorPid: at("supervisor.pid"),
    machinePid: at("machine.pid"),
    exit: at("exit"),
  };
}

export const imagesDirectory = (): string => join(ofUser(process.env.XDG_CACHE_HOME, ".cache"), "images");
/** Sets of packages over an image. */
export const layersDirectory = (): string => join(ofUser(process.env.XDG_CACHE_HOME, ".cache"), "layers");
