// A virtual machine has this computer's own processor kind: everything that follows from it is a row of this table.
import { realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isThere, programPath } from "../run.ts";

export interface Architecture {
  readonly program: string;
  /** QEMU's name of a computer of that kind. */
  readonly machine: string;
  /** The processor that is imitated where none of this kind can run the machine. */
  readonly translated: string;
  readonly debian: string;
  /** UEFI, where the machine does not bring firmware itself: absolute, or relative to where QEMU is installed. */
  readonly firmware: readonly string[];
}

export const architectures = {
  x64: { program: "qemu-system-x86_64", machine: "q35", translated: "max", debian: "amd64", firmware: [] },
  arm64: {
    program: "qemu-system-aarch64",
    machine: "virt",
    // What `max` adds to it (signed pointers above all) doubles the time of a translated boot.
    translated: "cortex-a72",
    debian: "arm64",
    firmware: ["share/qemu/edk2-aarch64-code.fd", "/usr/share/AAVMF/AAVMF_CODE.fd"],
  },
} as const satisfies Partial<Record<NodeJS.Architecture, Architecture>>;

/** `undefined` for a processor on which nobody has thought of this. */
export const architectureOf = (arch: string): Architecture | undefined => (architectures as Record<string, Architecture>)[arch];

/** The first firmware that is here. */
export async function findFirmware({ program, firmware }: Architecture): Promise<string | undefined> {
  const path = await programPath(program);
  // Homebrew has links to its programs in a directory of their own, and what comes with these beside them or where the link leads.
  const prefixes = path ? [path, await realpath(path)].map((each) => dirname(dirname(each))) : ["/"];
  for (const file of firmware.flatMap((each) => prefixes.map((prefix) => resolve(prefix, each)))) if (await isThere(file)) return file;
  return undefined;
}
