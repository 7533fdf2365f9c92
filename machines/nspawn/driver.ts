// The nspawn driver: a machine is a container with an init of its own, an overlay as its disk and a link on its stack's bridge.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { counted } from "../../spec/counted.ts";
import { answered, bootLog } from "../answer.ts";
import { ensureImage } from "../image.ts";
import { ensureLayer } from "../layers/layer.ts";
import { groupsOf, makeCgroups, removeGroups } from "../limits.ts";
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
import { bridgeName, linkName, type MachinePaths, pathsOf } from "../names.ts";
import { attach, connected, ensureNetwork } from "../network.ts";
import { preflight } from "../preflight.ts";
import { kill, processes, running, shutDown } from "../processes.ts";
import { provision, refresh } from "../provision.ts";
import { digest, readRecord, refOf, writeRecord } from "../record.ts";
import { environment } from "../run.ts";
import { deleteTree, removeMachine } from "../sweep.ts";
import { availableCpus, nspawnArguments } from "./arguments.ts";
import { mountRoot } from "./overlay.ts";

async function read(which: MachineRef | string): Promise<MachineState | undefined> {
  const ref = refOf(which);
  const paths = pathsOf(ref);
  const record = await readRecord(paths);
  if (!record) return undefined;
  const live = await running(ref, paths);
  const { address, hostKey } = record;
  const leaderPid = live?.leader;
  const id = `${ref.stack}/${ref.name}`;
  const reached = { address, port: 22, privateAddress: address, user: loginUser, hostKey };
  return { id, running: live !== undefined, ...reached, ...(leaderPid && { leaderPid }) };
}

/** True when the machine runs as the spec says, on its bridge. */
async function settled(spec: MachineSpec, paths: MachinePaths): Promise<boolean> {
  const record = await readRecord(paths);
  if (!record || record.digest !== digest(spec, record.salt)) return false;
  return (await running(spec, paths)) !== undefined && connected(linkName(spec), bridgeName(spec.stack));
}

/** What a new machine lies over. */
const ground = async (spec: MachineSpec, context: MachineContext): Promise<string> =>
  ensureLayer(await ensureImage(spec, context), spec.preinstalled ?? [], context);

/** Gives the machine its content: made from the image, brought in line with a changed spec, or as it was. */
async function prepareRootfs(spec: MachineSpec, paths: MachinePaths, context: MachineContext): Promise<void> {
  const record = await readRecord(paths);
  const image = record?.image ?? (await ground(spec, context));
  await mountRoot(paths, image);
  await refresh(paths.root);
  const salt = record?.salt ?? randomBytes(16).toString("hex");
  if (record?.digest === digest(spec, salt)) return;
  const hostKey = await provision(paths.root, spec);
  if (record && record.hostKey !== hostKey) {
    throw new MachineError(
      `${spec.name}: its host key is no longer the one that was made at creation; destroy the machine and make it again`,
    );
  }
  await writeRecord(paths, { image, address: spec.address, hostKey, digest: digest(spec, salt), salt });
}

async function start(spec: MachineSpec, paths: MachinePaths, { log }: MachineContext): Promise<void> {
  const cpus = await availableCpus();
  if (spec.cores > cpus.length) log?.(`${spec.name}: asks for ${spec.cores} cores, this computer has ${cpus.length}: it gets those`);
  const cgroups = await makeCgroups({ ...spec, cores: Math.min(spec.cores, cpus.length) });
  const supervisor = ["sh", fileURLToPath(new URL("../supervisor.sh", import.meta.url)), paths.directory, linkName(spec)];
  // A machine whose supervisor dies shuts down in order: nothing runs that nobody watches.
  const machine = ["setpriv", "--pdeathsig=TERM", ...cgroups.machine, "systemd-nspawn", ...nspawnArguments(spec, paths.root, cpus)];
  const [program, ...args] = [...cgroups.supervisor, ...supervisor, ...machine];
  log?.(`${spec.name}: starting with ${counted(spec.cores, "core")} and ${spec.memoryMiB} MiB at ${spec.address}`);
  for (const stale of [paths.exit, paths.supervisorPid, paths.machinePid]) await rm(stale, { force: true });
  await new Promise<void>((resolve, reject) => {
    // A session of its own: Ctrl-C at the terminal is not for the machines.
    const child = spawn(program!, args, { detached: true, stdio: "ignore", env: environment });
    child.once("spawn", resolve).once("error", reject).unref();
  });
  // Who gets the lock next must see it run.
  for (let tries = 0; !(await running(spec, paths)) && !existsSync(paths.exit); tries++) {
    if (tries > 500) throw new MachineError(`${spec.name}: its supervisor has not started within 5 s; ${await bootLog(paths)}`);
    await sleep(10);
  }
}

/** Under the stack's lock: from whatever is there to a started machine. False where it was running already. */
async function startMachine(spec: MachineSpec, paths: MachinePaths, context: MachineContext): Promise<boolean> {
  if (await settled(spec, paths)) return false;
  const record = await readRecord(paths);
  const live = await running(spec, paths);
  if (live && record?.digest === digest(spec, record?.salt ?? "")) {
    await ensureNetwork(spec, context);
    await attach(linkName(spec), bridgeName(spec.stack));
    return false;
  }
  const id = groupsOf(spec);
  if (record && (await processes(id)).length > 0) {
    context.log?.(`${spec.name}: ${live ? "its spec changed" : "it runs without its supervisor"}: restarting it`);
    await shutDown(spec, paths);
  }
  await kill(id);
  await removeGroups(id);
  if (!record) await deleteTree(paths.directory);
  await mkdir(paths.directory, { recursive: true, mode: 0o700 });
  try {
    await ensureNetwork(spec, context);
  } catch (error) {
    // Refused for its subnet: nothing that was made for it stays.
    if (!record) await removeMachine(spec);
    throw error;
  }
  await prepareRootfs(spec, paths, context);
  await start(spec, paths, context);
  return true;
}

async function ensure(spec: MachineSpec, context: MachineContext = {}): Promise<MachineState> {
  checkSpec(spec);
  const paths = pathsOf(spec);
  // A machine that was there may just have been ending; one that was started here and ends has failed.
  for (let started = false, tries = 0; !started && tries < 5; tries++) {
    if (!(await settled(spec, paths))) {
      await preflight("nspawn");
      // Before the lock: while the first machine of a stack waits for its image or layer, the others can too.
      if (!(await readRecord(paths))) await ground(spec, context);
      started = await locked(`stack ${spec.stack}`, () => startMachine(spec, paths, context), { signal: context.signal });
    }
    const state = (await answered(spec, paths, context)) ? await read(spec) : undefined;
    if (state?.leaderPid) return state;
  }
  throw new MachineError(`${spec.name}: the machine ended instead of answering; ${await bootLog(paths)}`);
}

async function destroy(which: MachineRef, context: MachineContext = {}): Promise<void> {
  checkRef(which);
  const paths = pathsOf(which);
  await preflight("nspawn");
  await locked(`stack ${which.stack}`, () => removeMachine(which), { signal: context.signal });
  context.log?.(`${which.name}: gone, with \`${paths.directory}\``);
}

export const nspawn: MachineDriver = { ensure, read, destroy };
