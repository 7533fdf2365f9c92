// QEMU as a process of this computer: started under a supervisor, found again, shut down.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { counted } from "../../spec/counted.ts";
import { bootLog } from "../answer.ts";
import { type MachineContext, MachineError, type MachineRef } from "../machine.ts";
import { linkName, type MachinePaths, machineId, pathsOf, stackDirectory } from "../names.ts";
import { platform } from "../platform.ts";
import { alive, kill } from "../processes.ts";
import { type MachineRecord, readRecord, writeRecord } from "../record.ts";
import { environment } from "../run.ts";
import { accelerator } from "./accelerator.ts";
import { architectureOf, findFirmware } from "./architecture.ts";
import { type MachineShape, qemuArguments, type Start } from "./arguments.ts";
import { tell } from "./monitor.ts";
import { choosePort } from "./ports.ts";

export interface QemuRecord extends MachineRecord {
  readonly shape: MachineShape;
  readonly port: number;
  /** @default "loader" */
  readonly kind?: Start["kind"];
}

/** Milliseconds in which a machine that was told to shut down does. */
const farewell = { kvm: 60_000, hvf: 60_000, tcg: 180_000 } as const;

export const idOf = (ref: MachineRef): RegExp => new RegExp(`^${machineId(ref)}$`);
export const recordOf = (paths: MachinePaths): Promise<QemuRecord | undefined> => readRecord<QemuRecord>(paths);

/** QEMU's process, while it is watched. */
export async function running(ref: MachineRef, paths: MachinePaths): Promise<number | undefined> {
  const [supervisor, machine] = await Promise.all([alive(paths.supervisorPid, ref), alive(paths.machinePid, ref)]);
  return supervisor && machine;
}

/** The ports of the stack's other machines, those that are off too. */
export async function portsBeside(ref: MachineRef): Promise<number[]> {
  const names = (await readdir(stackDirectory(ref.stack))).filter((name) => name !== ref.name);
  const records = await Promise.all(names.map((name) => recordOf(pathsOf({ stack: ref.stack, name }))));
  return records.flatMap((record) => record?.port ?? []);
}

async function beginningOf({ kind, image }: QemuRecord): Promise<Start> {
  if (kind === "cloud") return { kind, firmware: await findFirmware(architectureOf(process.arch)!) };
  return { kind: "loader", loader: join(image, "loader") };
}

/** Under the stack's lock: QEMU with a supervisor, which says how it ended. */
export async function start(record: QemuRecord, paths: MachinePaths, { log }: MachineContext): Promise<void> {
  const { shape } = record;
  if (!existsSync(record.image))
    throw new MachineError(`${shape.name}: its image \`${record.image}\` is gone; destroy the machine and make it again`);
  const port = await choosePort(shape.stack, record.port, await portsBeside(shape));
  if (port !== record.port) await writeRecord(paths, { ...record, port } as QemuRecord);
  const fast = await accelerator();
  const cores = Math.min(shape.cores, availableParallelism());
  if (cores < shape.cores) log?.(`${shape.name}: asks for ${shape.cores} cores, this computer has ${cores}: it gets those`);
  const slow = fast === "tcg" ? `, translated: ${record.kind === "cloud" ? "some minutes" : "about a minute"}` : "";
  log?.(`${shape.name}: starting with ${counted(cores, "core")} and ${shape.memoryMiB} MiB${slow}`);
  const monitor = resolve(paths.directory, platform.monitor.listensAt(machineId(shape)));
  for (const stale of [paths.exit, paths.supervisorPid, paths.machinePid, monitor]) await rm(stale, { force: true });
  const supervisor = [fileURLToPath(new URL("../supervisor.sh", import.meta.url)), paths.directory, linkName(shape)];
  const begin = await beginningOf(record);
  const qemu = [architectureOf(process.arch)!.program, ...qemuArguments({ ...shape, cores }, begin, port, fast)];
  await new Promise<void>((done, reject) => {
    // A session of its own: Ctrl-C at the terminal is not for the machines.
    const options = { detached: true, stdio: "ignore", env: environment } as const;
    const child = spawn("sh", [...supervisor, ...platform.tied, ...qemu], options);
    child.once("spawn", done).once("error", reject).unref();
  });
  // Who gets the lock next must see it run.
  for (let tries = 0; !(await running(shape, paths)) && !existsSync(paths.exit); tries++) {
    if (tries > 1000) throw new MachineError(`${shape.name}: QEMU has not started within 10 s; ${await bootLog(paths)}`);
    await sleep(10);
  }
}

/** As its power button would; ends QEMU where the machine does not listen. */
export async function shutDown(ref: MachineRef, paths: MachinePaths): Promise<void> {
  const qemu = await running(ref, paths);
  // One that is just starting, or ending, can't be told: it is ended.
  const told =
    qemu !== undefined &&
    (await tell(ref, qemu, "system_powerdown").then(
      () => true,
      () => false,
    ));
  const end = Date.now() + (told ? farewell[await accelerator()] : 0);
  while ((await running(ref, paths)) && Date.now() < end) await sleep(platform.lookEvery);
  await kill(idOf(ref));
}
