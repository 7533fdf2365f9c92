// What makes a virtual machine fast here, found out by trying: a /dev/kvm can be there and still not do its work.
import { constants } from "node:fs";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.ts";

export const accelerators = ["kvm", "tcg"] as const;
/** `kvm`: the processor runs the machine. `tcg`: QEMU translates its code, at a tenth to a thirtieth of the speed. */
export type Accelerator = (typeof accelerators)[number];

const size = 0x10000;
/** Where the firmware lies below 4 GiB, and so the linear address of its first byte. */
const base = 2 ** 32 - size;

const word = (value: number): number[] => [value & 255, (value >>> 8) & 255];
const long = (value: number): number[] => [...word(value), ...word(value >>> 16)];
const loops = 100_000_000;

/**
 * A firmware that enters protected mode, counts to 100 million and leaves QEMU with exit code 33: 50 ms on a processor that runs it, minutes
 * where something interprets it.
 */
export function countingFirmware(): Buffer {
  const firmware = Buffer.alloc(size, 0xf4);
  const [table, pointer, entry, flat] = [0xff00, 0xff20, 0xff30, 0xff60];
  const flatSegment = (access: number) => [0xff, 0xff, 0, 0, 0, access, 0xcf, 0];
  const put = (at: number, bytes: readonly number[]) => firmware.set(bytes, at);
  put(table, [...Array(8).fill(0), ...flatSegment(0x9a), ...flatSegment(0x92)]);
  put(pointer, [...word(23), ...long(base + table)]);
  put(entry, [
    0xfa, // cli
    ...[0x2e, 0x66, 0x0f, 0x01, 0x16, ...word(pointer)], // lgdt cs:[pointer]
    ...[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], // protection on in cr0
    ...[0x66, 0xea, ...long(base + flat), 0x08, 0x00], // jump to the 32-bit segment
  ]);
  put(flat, [
    ...[0xb9, ...long(loops)], // ecx = loops
    ...[0x49, 0x75, 0xfd], // dec ecx; jnz back
    ...[0x66, 0xba, 0x01, 0x05, 0xb0, 0x10, 0xee, 0xf4], // out 0x501, 0x10: leave; hlt
  ]);
  put(size - 16, [0xe9, ...word(entry - (size - 13))]); // where the processor begins: jump to the entry
  return firmware;
}

/** Whether the machine counts to the end in time. */
async function counts(accelerator: Accelerator): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), "contest-fleet-accelerator-"));
  try {
    const firmware = join(directory, "firmware");
    await writeFile(firmware, countingFirmware());
    const args = ["-accel", accelerator, "-cpu", "host", "-machine", "q35", "-m", "16", "-nodefaults", "-display", "none"];
    const leave = ["-device", "isa-debug-exit,iobase=0x501", "-bios", firmware];
    // The firmware's way to say "done" is exit code 33, which `run` takes for a failure.
    const outcome = await run("qemu-system-x86_64", [...args, ...leave], { deadline: 3000 }).catch((error: Error) => error.message);
    return outcome.includes("exit code 33");
  } finally {
    await rm(directory, { recursive: true });
  }
}

let found: Promise<Accelerator> | undefined;

/** Tried once a process; costs 0.2 s where KVM works, and up to 3 s where it only seems to. */
export function accelerator(): Promise<Accelerator> {
  found ??= access("/dev/kvm", constants.R_OK | constants.W_OK)
    .then(() => counts("kvm"))
    .then(
      (works) => (works ? "kvm" : "tcg"),
      () => "tcg",
    );
  return found;
}
