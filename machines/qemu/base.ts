// What lies under the root disk of a virtual machine: the image that this computer can make for itself, or Debian's cloud image.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ensureCloudImage } from "../cloud-image.ts";
import { ensureImage } from "../image.ts";
import { type MachineContext, MachineError, type MachineSpec } from "../machine.ts";
import { imagesDirectory } from "../names.ts";
import { architectureOf } from "./architecture.ts";
import type { Start } from "./arguments.ts";
import { disk } from "./image.ts";

export interface Base {
  readonly kind: Start["kind"];
  /** A directory with `root.img` and `loader`; of a cloud image, its file. */
  readonly image: string;
}

/** A cloud image's file that takes the place of every other image; empty: none. */
const ownImage = (): string => process.env.FLEET_QEMU_IMAGE ?? "";

/** Mmdebstrap needs Linux, and our loader the BIOS of an x86-64 machine. */
export const fromCloud = ({ platform, arch }: { platform: NodeJS.Platform; arch: string }, own = ownImage()): boolean =>
  own !== "" || platform !== "linux" || arch !== "x64";

export async function ensureBase(spec: MachineSpec, context: MachineContext): Promise<Base> {
  const own = ownImage();
  if (own && !existsSync(own))
    throw new MachineError(`\`FLEET_QEMU_IMAGE\`: expected the file of a cloud image, got \`${own}\`; correct it`);
  if (own) return { kind: "cloud", image: resolve(own) };
  if (!fromCloud(process)) return { kind: "loader", image: await ensureImage(spec, context, disk) };
  const architecture = architectureOf(process.arch)!.debian;
  return { kind: "cloud", image: await ensureCloudImage({ release: spec.release, architecture, directory: imagesDirectory() }, context) };
}
