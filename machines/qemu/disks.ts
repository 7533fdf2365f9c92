// The files behind a virtual machine's disks: a root disk over the image, and blank ones beside it.
import { existsSync } from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MachineDisk } from "../machine.ts";
import type { MachinePaths } from "../names.ts";
import { run } from "../run.ts";
import { diskFile } from "./arguments.ts";
import type { Base } from "./base.ts";
import { rootGiB } from "./image.ts";

/** What qemu-img is told of the base, and the size: a cloud image is small, and grows into its disk at the first boot. */
async function over({ kind, image }: Base): Promise<{ readonly base: readonly string[]; readonly size: readonly string[] }> {
  if (kind === "loader") return { base: ["-b", join(image, "root.img"), "-F", "raw"], size: [] };
  const about = JSON.parse(await run("qemu-img", ["info", "--output=json", image])) as { format: string; "virtual-size": number };
  return { base: ["-b", image, "-F", about.format], size: [`${Math.max(about["virtual-size"], rootGiB * 2 ** 30)}`] };
}

/** Whole or not there. */
export async function makeRoot(paths: MachinePaths, under: Base): Promise<void> {
  const { base, size } = await over(under);
  await run("qemu-img", ["create", "-q", "-f", "qcow2", ...base, `${join(paths.directory, "root.qcow2")}.new`, ...size]);
  await rename(`${join(paths.directory, "root.qcow2")}.new`, join(paths.directory, "root.qcow2"));
}

const bytesOf = ({ sizeGiB }: MachineDisk): number => Math.round(sizeGiB * 2 ** 30);

async function makeBlank(path: string, bytes: number): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, "wx", 0o600);
  await file.truncate(bytes);
  await file.close();
}

/** Disks that are there with their size keep their content, unless all are to be blank. */
export async function ensureDisks(paths: MachinePaths, disks: readonly MachineDisk[], blank = false): Promise<void> {
  for (const [index, disk] of disks.entries()) {
    const path = join(paths.directory, diskFile(index));
    const size = existsSync(path) ? (await stat(path)).size : -1;
    if (blank || size !== bytesOf(disk)) await makeBlank(path, bytesOf(disk));
  }
  const kept = new Set(disks.map((_, index) => diskFile(index)));
  const there = (await readdir(paths.directory)).filter((name) => /^disk\d+\.raw$/.test(name));
  for (const name of there.filter((each) => !kept.has(each))) await rm(join(paths.directory, name));
}
