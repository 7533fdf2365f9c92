// Package layers: what lies between the base image and a machine, a set of Debian packages installed by apt, once for all machines that
// want just these. dpkg's database is whole, so roles find the packages installed, as on a server that came with them.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { counted } from "../../spec/counted.ts";
import { locked } from "../lock.ts";
import { type MachineContext, MachineError } from "../machine.ts";
import { layersDirectory } from "../names.ts";
import { mountOverlay, unmountAll } from "../nspawn/overlay.ts";
import { refresh } from "../provision.ts";
import { run } from "../run.ts";
import { deleteTree } from "../sweep.ts";
import { pruneLayers, replacedMark } from "./prune.ts";

/** What the archive had when a layer was made, and when it was last asked. */
interface Pointer {
  readonly layer: string;
  readonly versions: string;
  readonly packages: readonly string[];
}

/** Milliseconds for which the archive is not asked again: as long as apt's lists are fresh to a role. */
const fresh = 86_400_000;
/** Milliseconds until the next try where it could not be asked. */
const patience = 3_600_000;
/** Milliseconds for one build. */
const deadline = 1_800_000;

export const keyOf = (image: string, packages: readonly string[]): string =>
  createHash("sha256")
    .update(JSON.stringify([basename(image), packages]))
    .digest("hex")
    .slice(0, 16);

const pointerFile = (key: string): string => join(layersDirectory(), `${key}.json`);

async function readPointer(key: string): Promise<Pointer | undefined> {
  const text = await readFile(pointerFile(key), "utf8").catch(() => undefined);
  const pointer = text === undefined ? undefined : (JSON.parse(text) as Pointer);
  return pointer && existsSync(pointer.layer) ? pointer : undefined;
}

/** The pointer's time is when the archive was last asked. */
async function isFresh(key: string, now: number): Promise<boolean> {
  return now - (await stat(pointerFile(key))).mtimeMs < fresh;
}

async function writePointer(key: string, pointer: Pointer): Promise<void> {
  const file = pointerFile(key);
  await writeFile(`${file}.new`, `${JSON.stringify(pointer)}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * What a machine lies over: the image alone, or with a layer of the packages on top (`layer:image`, as mount(8) takes it). Made where it
 * is not there yet, or where the archive has other versions by now; then a minute passes, and the package mirror is needed.
 */
export async function ensureLayer(image: string, packages: readonly string[], context: MachineContext = {}): Promise<string> {
  const names = [...new Set(packages)].sort();
  if (names.length === 0) return image;
  const key = keyOf(image, names);
  const ready = async (): Promise<string | undefined> => {
    const pointer = await readPointer(key);
    return pointer && (await isFresh(key, Date.now())) ? `${pointer.layer}:${image}` : undefined;
  };
  const there = await ready();
  if (there) return there;
  const make = async () => (await ready()) ?? `${await makeLayer(key, image, names, context)}:${image}`;
  return await locked(`layer ${key}`, make, { deadline, signal: context.signal });
}

/** Under the layer's lock. */
async function makeLayer(key: string, image: string, packages: readonly string[], context: MachineContext): Promise<string> {
  const { log } = context;
  const old = await readPointer(key);
  const partial = join(layersDirectory(), `${key}.partial`);
  await mkdir(layersDirectory(), { recursive: true, mode: 0o700 });
  await deleteTree(partial);
  const began = performance.now();
  if (!old) log?.(`installing ${packages.join(" ")} into a layer, once for all machines with them`);
  try {
    const versions = await install(partial, image, old?.versions ?? "none", packages, context);
    const layer = old?.versions === versions ? old.layer : join(layersDirectory(), `${key}-${versions}`);
    if (layer !== old?.layer) {
      await rm(layer, { recursive: true, force: true });
      await rename(join(partial, "upper"), layer);
      if (old) await writeFile(`${old.layer}${replacedMark}`, "");
      log?.(`the layer of ${counted(packages.length, "package")} is ready: ${seconds(began)}`);
    }
    await writePointer(key, { layer, versions, packages });
    await pruneLayers(log);
    return layer;
  } catch (error) {
    if (!old || context.signal?.aborted) throw error;
    log?.(`the package archive can't be asked whether the layer is of today; it stays: ${(error as Error).message.split("\n")[0]}`);
    const later = new Date(Date.now() - fresh + patience);
    await utimes(pointerFile(key), later, later);
    return old.layer;
  } finally {
    await deleteTree(partial);
  }
}

/** Installs over the image, and leaves what differs in `upper`. @returns the digest of the versions */
async function install(
  partial: string,
  image: string,
  have: string,
  packages: readonly string[],
  { signal }: MachineContext,
): Promise<string> {
  const at = (name: string): string => join(partial, name);
  const root = at("root");
  await mountOverlay({ root, upper: at("upper"), work: at("work") }, image);
  await refresh(root);
  const script = await readFile(join(import.meta.dirname, "layer.sh"), "utf8");
  const nspawn = [
    ...["systemd-nspawn", "--quiet", "--settings=no", "--register=no", "--keep-unit", `--directory=${root}`, "--as-pid2"],
    ...["--timezone=off", "--resolv-conf=off", "--link-journal=no", "--console=pipe", "--hostname=localhost"],
    ...["--", "/bin/sh", "-c", script, "layer", have, ...packages],
  ];
  // It dies with us: an orphan would write on into a directory that the next run deletes.
  const said = await run("setpriv", ["--pdeathsig=KILL", ...nspawn], { deadline, signal });
  const versions = /^versions ([0-9a-f]{16})\r?$/m.exec(said)?.[1];
  if (!versions) throw new MachineError(`\`${root}\`: expected the versions of the packages, got \`${said.slice(-80)}\`; try again`);
  await forgetIdentity(root);
  await unmountAll(root);
  return versions;
}

/** What would be the same on every machine, and must not be. */
async function forgetIdentity(root: string): Promise<void> {
  const script = `set -eu
rm -f /etc/ssh/ssh_host_* /etc/resolv.conf /var/lib/systemd/random-seed
[ -L /var/lib/dbus/machine-id ] || rm -f /var/lib/dbus/machine-id
[ ! -s /etc/machine-id ] || : >/etc/machine-id`;
  await run("chroot", [root, "/bin/sh", "-c", script]);
}
