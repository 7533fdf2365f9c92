// The qemu driver: a machine is a virtual one with a kernel, disks and reboots of its own. It needs no root, no bridge and no firewall.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { answered, bootLog } from "./answer.ts";
import { ensureImage } from "./image.ts";
import { locked } from "./lock.ts";
import {
  checkRef,
  checkSpec,
  loginUser,
  type MachineContext,
  type MachineDisk,
  type MachineDriver,
  MachineError,
  type MachineRef,
  type MachineSpec,
  type MachineState,
} from "./machine.ts";
import { linkName, type MachinePaths, machineId, pathsOf, stackDirectory } from "./names.ts";
import { alive, kill } from "./processes.ts";
import { accelerator } from "./qemu-accelerator.ts";
import { diskFile, type MachineShape, qemuArguments } from "./qemu-arguments.ts";
import { disk as diskImage } from "./qemu-image.ts";
import { tell } from "./qemu-monitor.ts";
import { choosePort } from "./qemu-ports.ts";
import { blankSeed, makeHostKey, seedText, writeSeed } from "./qemu-seed.ts";
import { digest, type MachineRecord, readRecord, refOf, writeRecord } from "./record.ts";
import { environment, preflight, run } from "./run.ts";
import { deleteTree, removeMachine } from "./sweep.ts";

interface QemuRecord extends MachineRecord {
  readonly shape: MachineShape;
  readonly port: number;
}

const loopback = "127.0.0.1";
/** Milliseconds to the first answer: translated, a boot takes 40 s of two cores, and machines boot side by side. */
const patience = { kvm: 120_000, tcg: 600_000 } as const;
/** Milliseconds in which a machine that was told to shut down does. */
const farewell = { kvm: 60_000, tcg: 180_000 } as const;

const idOf = (ref: MachineRef): RegExp => new RegExp(`^${machineId(ref)}$`);
const recordOf = (paths: MachinePaths): Promise<QemuRecord | undefined> => readRecord<QemuRecord>(paths);

/** QEMU's process, while it is watched. */
async function running(ref: MachineRef, paths: MachinePaths): Promise<number | undefined> {
  const [supervisor, machine] = await Promise.all([alive(paths.supervisorPid, ref), alive(paths.machinePid, ref)]);
  return supervisor && machine;
}

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

const bytesOf = ({ sizeGiB }: MachineDisk): number => Math.round(sizeGiB * 2 ** 30);

async function makeBlank(path: string, bytes: number): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, "wx", 0o600);
  await file.truncate(bytes);
  await file.close();
}

/** Disks that are there with their size keep their content, unless all are to be blank. */
async function ensureDisks(paths: MachinePaths, disks: readonly MachineDisk[], blank = false): Promise<void> {
  for (const [index, disk] of disks.entries()) {
    const path = join(paths.directory, diskFile(index));
    const size = existsSync(path) ? (await stat(path)).size : -1;
    if (blank || size !== bytesOf(disk)) await makeBlank(path, bytesOf(disk));
  }
  const kept = new Set(disks.map((_, index) => diskFile(index)));
  const there = (await readdir(paths.directory)).filter((name) => /^disk\d+\.raw$/.test(name));
  for (const name of there.filter((each) => !kept.has(each))) await rm(join(paths.directory, name));
}

const shapeOf = (spec: MachineSpec): MachineShape => {
  const { stack, name, cores, memoryMiB, address, subnet, disks = [] } = spec;
  return { stack, name, cores, memoryMiB, address, subnet, disks };
};

/** The ports of the stack's other machines, those that are off too. */
async function portsBeside(ref: MachineRef): Promise<number[]> {
  const names = (await readdir(stackDirectory(ref.stack))).filter((name) => name !== ref.name);
  const records = await Promise.all(names.map((name) => recordOf(pathsOf({ stack: ref.stack, name }))));
  return records.flatMap((record) => record?.port ?? []);
}

async function makeRoot(paths: MachinePaths, image: string): Promise<void> {
  const base = ["-b", join(image, "root.img"), "-F", "raw"];
  await run("qemu-img", ["create", "-q", "-f", "qcow2", ...base, `${join(paths.directory, "root.qcow2")}.new`]);
  await rename(`${join(paths.directory, "root.qcow2")}.new`, join(paths.directory, "root.qcow2"));
}

/** Gives the machine its content: made from the image, told of a changed spec, or as it was. */
async function furnish(spec: MachineSpec, paths: MachinePaths, context: MachineContext): Promise<QemuRecord> {
  const record = await recordOf(paths);
  const salt = record?.salt ?? randomBytes(16).toString("hex");
  const wanted = digest(spec, salt);
  if (record?.digest === wanted) return record;
  const image = record?.image ?? (await ensureImage(spec, context, diskImage));
  if (!record) await makeRoot(paths, image);
  await ensureDisks(paths, spec.disks ?? []);
  const made = record ? undefined : await makeHostKey();
  await writeSeed(paths.directory, seedText(spec, wanted, made));
  const port = record?.port ?? (await choosePort(spec.stack, undefined, await portsBeside(spec)));
  const hostKey = record?.hostKey ?? made!.publicKey;
  const next = { image, address: spec.address, hostKey, digest: wanted, salt, shape: shapeOf(spec), port };
  await writeRecord(paths, next);
  return next;
}

/** Under the stack's lock: QEMU with a supervisor, which says how it ended. */
async function start(record: QemuRecord, paths: MachinePaths, { log }: MachineContext): Promise<void> {
  const { shape } = record;
  if (!existsSync(record.image))
    throw new MachineError(`${shape.name}: its image \`${record.image}\` is gone; destroy the machine and make it again`);
  const port = await choosePort(shape.stack, record.port, await portsBeside(shape));
  if (port !== record.port) await writeRecord(paths, { ...record, port } as QemuRecord);
  const fast = await accelerator();
  const cores = Math.min(shape.cores, availableParallelism());
  if (cores < shape.cores) log?.(`${shape.name}: asks for ${shape.cores} cores, this computer has ${cores}: it gets those`);
  log?.(`${shape.name}: starting with ${cores} core(s) and ${shape.memoryMiB} MiB${fast === "tcg" ? ", translated: about a minute" : ""}`);
  for (const stale of [paths.exit, paths.supervisorPid, paths.machinePid, join(paths.directory, "monitor")])
    await rm(stale, { force: true });
  const supervisor = [fileURLToPath(new URL("supervisor.sh", import.meta.url)), paths.directory, linkName(shape)];
  const qemu = ["qemu-system-x86_64", ...qemuArguments({ ...shape, cores }, join(record.image, "loader"), port, fast)];
  await new Promise<void>((resolve, reject) => {
    // A session of its own: Ctrl-C at the terminal is not for the machines.
    const options = { detached: true, stdio: "ignore", env: environment } as const;
    const child = spawn("sh", [...supervisor, "setpriv", "--pdeathsig=TERM", ...qemu], options);
    child.once("spawn", resolve).once("error", reject).unref();
  });
  // Who gets the lock next must see it run.
  for (let tries = 0; !(await running(shape, paths)) && !existsSync(paths.exit); tries++) {
    if (tries > 1000) throw new MachineError(`${shape.name}: QEMU has not started within 10 s; ${await bootLog(paths)}`);
    await sleep(10);
  }
}

/** As its power button would; ends QEMU where the machine does not listen. */
async function shutDown(ref: MachineRef, paths: MachinePaths): Promise<void> {
  const qemu = await running(ref, paths);
  // One that is just starting, or ending, can't be told: it is ended.
  const told =
    qemu !== undefined &&
    (await tell(qemu, "system_powerdown").then(
      () => true,
      () => false,
    ));
  const end = Date.now() + (told ? farewell[await accelerator()] : 0);
  while ((await running(ref, paths)) && Date.now() < end) await sleep(50);
  await kill(idOf(ref));
}

/** Under the stack's lock: from whatever is there to a started machine. */
async function bringUp(spec: MachineSpec, paths: MachinePaths, context: MachineContext): Promise<void> {
  if (await settled(spec, paths)) return;
  const record = await recordOf(paths);
  if (record && (await running(spec, paths))) {
    context.log?.(`${spec.name}: its spec changed: restarting it`);
    await shutDown(spec, paths);
  }
  await kill(idOf(spec));
  if (!record) await deleteTree(paths.directory);
  await mkdir(paths.directory, { recursive: true, mode: 0o700 });
  await start(await furnish(spec, paths, context), paths, context);
}

/** Waits for SSH, then takes the secrets off this computer's disk. `undefined`: it ended instead. */
async function greeted(ref: MachineRef, paths: MachinePaths, context: MachineContext): Promise<MachineState | undefined> {
  const record = await recordOf(paths);
  if (!record) return undefined;
  const door = { name: ref.name, address: loopback, port: record.port, deadline: patience[await accelerator()], patience: 15_000 };
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
      if (!(await recordOf(paths))) await ensureImage(spec, context, diskImage);
      await locked(`stack ${spec.stack}`, () => bringUp(spec, paths, context), { deadline: 300_000, signal: context.signal });
    }
    const state = await greeted(spec, paths, context);
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
  const state = await greeted(ref, paths, context);
  if (!state) throw new MachineError(`${ref.name}: the machine ended instead of answering; ${await bootLog(paths)}`);
  return state;
}

async function destroy(which: MachineRef, context: MachineContext = {}): Promise<void> {
  checkRef(which);
  await locked(`stack ${which.stack}`, () => removeMachine(which), { signal: context.signal });
  context.log?.(`${which.name}: gone, with \`${pathsOf(which).directory}\``);
}

export const qemu: MachineDriver = { ensure, read, destroy };
