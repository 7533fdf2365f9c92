// The qemu driver: a machine is a virtual one with a kernel, disks and reboots of its own. It needs no root, no bridge and no firewall.
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { answered, bootLog } from "../answer.ts";
import { locked } from "../lock.ts";
import {
  checkRef,
  checkSpec,
  loginUser,
  type MachineContext,
  type MachineDriver,
  MachineError,
  type MachineRef,
  type MachineSpec,
  type MachineState,
} from "../machine.ts";
import { type MachinePaths, pathsOf } from "../names.ts";
import { preflight } from "../preflight.ts";
import { kill } from "../processes.ts";
import { digest, refOf, writeRecord } from "../record.ts";
import { deleteTree, removeMachine } from "../sweep.ts";
import { accelerator } from "./accelerator.ts";
import type { MachineShape } from "./arguments.ts";
import { type Base, ensureBase } from "./base.ts";
import { writeCloudFiles } from "./cloud.ts";
import { ensureDisks, makeRoot } from "./disks.ts";
import { choosePort } from "./ports.ts";
import { idOf, portsBeside, type QemuRecord, recordOf, running, shutDown, start } from "./process.ts";
import { blankSeed, makeHostKey, seedText, writeSeed } from "./seed.ts";

const loopback = "127.0.0.1";
/** Milliseconds to the first answer: translated, a boot takes 40 s of two cores, and machines boot side by side. */
const patience = { kvm: 120_000, hvf: 120_000, tcg: 600_000 } as const;
/** How many times longer a cloud image may take: at its first boot it installs packages. */
const cloudPatience = 3;

async function read(which: MachineRef | string): Promise<MachineState | undefined> {
  const ref = refOf(which);
  const paths = pathsOf(ref);
  const record = await recordOf(paths);
  if (!record) return undefined;
  const leaderPid = await running(ref, paths);
  const reached = { address: loopback, port: record.port, privateAddress: record.address, user: loginUser, hostKey: record.hostKey };
  return { id: `${ref.stack}/${ref.name}`, running: leaderPid !== undefined, ...reached, ...(leaderPid && { leaderPid }) };
}

async function settled(spec: MachineSpec, paths: MachinePaths): Promise<boolean> {
  const record = await recordOf(paths);
  return record?.digest === digest(spec, record?.salt ?? "") && (await running(spec, paths)) !== undefined;
}

const shapeOf = (spec: MachineSpec): MachineShape => {
  const { stack, name, cores, memoryMiB, address, subnet, disks = [] } = spec;
  return { stack, name, cores, memoryMiB, address, subnet, disks };
};

/** Gives the machine its content: made from the image, told of a changed spec, or as it was. */
async function prepareDisk(spec: MachineSpec, paths: MachinePaths, context: MachineContext): Promise<QemuRecord> {
  const record = await recordOf(paths);
  const salt = record?.salt ?? randomBytes(16).toString("hex");
  const wanted = digest(spec, salt);
  if (record?.digest === wanted) return record;
  const base: Base = record ? { kind: record.kind ?? "loader", image: record.image } : await ensureBase(spec, context);
  if (!record) await makeRoot(paths, base);
  if (!record && base.kind === "cloud") await writeCloudFiles(paths.directory, spec);
  await ensureDisks(paths, spec.disks ?? []);
  const made = record ? undefined : await makeHostKey();
  await writeSeed(paths.directory, seedText(spec, wanted, made));
  const port = record?.port ?? (await choosePort(spec.stack, undefined, await portsBeside(spec)));
  const hostKey = record?.hostKey ?? made!.publicKey;
  const next = { ...base, address: spec.address, hostKey, digest: wanted, salt, shape: shapeOf(spec), port };
  await writeRecord(paths, next);
  return next;
}

/** Under the stack's lock: from whatever is there to a started machine. */
async function startMachine(spec: MachineSpec, paths: MachinePaths, context: MachineContext): Promise<void> {
  if (await settled(spec, paths)) return;
  const record = await recordOf(paths);
  if (record && (await running(spec, paths))) {
    context.log?.(`${spec.name}: its spec changed: restarting it`);
    await shutDown(spec, paths);
  }
  await kill(idOf(spec));
  if (!record) await deleteTree(paths.directory);
  await mkdir(paths.directory, { recursive: true, mode: 0o700 });
  await start(await prepareDisk(spec, paths, context), paths, context);
}

/** Waits for SSH, then takes the secrets off this computer's disk. `undefined`: it ended instead. */
async function waitForSsh(ref: MachineRef, paths: MachinePaths, context: MachineContext): Promise<MachineState | undefined> {
  const record = await recordOf(paths);
  if (!record) return undefined;
  const deadline = patience[await accelerator()] * (record.kind === "cloud" ? cloudPatience : 1);
  const door = { ...ref, address: loopback, port: record.port, deadline, patience: 15_000 };
  if (!(await answered(door, paths, context))) return undefined;
  await blankSeed(paths.directory);
  const state = await read(ref);
  return state?.running ? state : undefined;
}

async function ensure(spec: MachineSpec, context: MachineContext = {}): Promise<MachineState> {
  checkSpec(spec);
  const paths = pathsOf(spec);
  // One that was there may just have been ending; and its port may have been taken in the moment before QEMU took it.
  for (let tries = 0; tries < 3; tries++) {
    if (!(await settled(spec, paths))) {
      await preflight("qemu");
      // Before the lock: while the first machine of a stack waits for its image, the others can too.
      if (!(await recordOf(paths))) await ensureBase(spec, context);
      await locked(`stack ${spec.stack}`, () => startMachine(spec, paths, context), { deadline: 300_000, signal: context.signal });
    }
    const state = await waitForSsh(spec, paths, context);
    if (state) return state;
  }
  throw new MachineError(`${spec.name}: the machine ended instead of answering; ${await bootLog(paths)}`);
}

/** Off and on again, as a stop and start at a provider: with `blankDisks`, the disks beside the root disk come back empty. */
export async function stopStart(
  ref: MachineRef,
  { blankDisks = false }: { readonly blankDisks?: boolean } = {},
  context: MachineContext = {},
): Promise<MachineState> {
  const paths = pathsOf(ref);
  const record = await recordOf(paths);
  if (!record) throw new MachineError(`${ref.stack}/${ref.name}: there is no machine to stop; make it first`);
  await preflight("qemu");
  await locked(
    `stack ${ref.stack}`,
    async () => {
      await shutDown(ref, paths);
      await ensureDisks(paths, record.shape.disks, blankDisks);
      await start(record, paths, context);
    },
    { deadline: 300_000, signal: context.signal },
  );
  const state = await waitForSsh(ref, paths, context);
  if (!state) throw new MachineError(`${ref.name}: the machine ended instead of answering; ${await bootLog(paths)}`);
  return state;
}

async function destroy(which: MachineRef, context: MachineContext = {}): Promise<void> {
  checkRef(which);
  await locked(`stack ${which.stack}`, () => removeMachine(which), { signal: context.signal });
  context.log?.(`${which.name}: gone, with \`${pathsOf(which).directory}\``);
}

export const qemu: MachineDriver = { ensure, read, destroy };
