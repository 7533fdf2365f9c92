// What makes a virtual machine fast here, found out by trying: a /dev/kvm can be there and still not do its work.
import { constants } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isThere, run } from "../run.ts";
import { architectureOf } from "./architecture.ts";

export const accelerators = ["kvm", "hvf", "tcg"] as const;
/** `kvm` (Linux) and `hvf` (macOS): the processor runs the machine. `tcg`: QEMU translates its code, at a tenth to a thirtieth of the speed. */
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

const words = (values: readonly number[]): Buffer => Buffer.from(new Uint32Array(values).buffer);

/** The same for arm64, which begins at the firmware's first byte; it leaves by the firmware's call to power off, with exit code 0. */
export function armCountingFirmware(): Buffer {
  const firmware = Buffer.alloc(size);
  firmware.set(
    words([
      0xd2a00001 | ((loops >>> 16) << 5), // movz x1, high half of loops
      0xf2800001 | ((loops & 0xffff) << 5), // movk x1, its low half
      ...[0xf1000421, 0x54ffffe1], // subs x1, x1, 1; b.ne back
      ...[0xd2b08000, 0xf2800100], // x0 = 0x84000008: PSCI's SYSTEM_OFF
      ...[0xd4000002, 0x14000000], // hvc 0; stay
    ]),
  );
  return firmware;
}

interface Probe {
  readonly firmware: () => Buffer;
  readonly args: readonly string[];
  /** By which QEMU says that the firmware came to its end. */
  readonly code: number;
}

const probes: Record<string, Probe> = {
  "qemu-system-x86_64": { firmware: countingFirmware, args: ["-device", "isa-debug-exit,iobase=0x501"], code: 33 },
  "qemu-system-aarch64": { firmware: armCountingFirmware, args: [], code: 0 },
};

/** Whether the machine counts to the end in time. */
export async function counts(arch: string, accelerator: readonly string[], deadline = 3000): Promise<boolean> {
  const { program, machine } = architectureOf(arch)!;
  const { firmware, args, code } = probes[program]!;
  const directory = await mkdtemp(join(tmpdir(), "contest-fleet-accelerator-"));
  try {
    const file = join(directory, "firmware");
    await writeFile(file, firmware());
    const small = [...accelerator, "-machine", machine, "-m", "16", "-nodefaults", "-display", "none", ...args, "-bios", file];
    // An exit code that is not 0 `run` takes for a failure.
    const outcome = await run(program, small, { deadline }).then(
      () => "exit code 0:",
      (error: Error) => error.message,
    );
    return outcome.includes(`exit code ${code}:`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** `offered`: what `-accel help` names. `kvmWorks`: tried, since a computer can have a /dev/kvm that does nothing. */
export function chooseAccelerator(platform: NodeJS.Platform, offered: readonly string[], kvmWorks: boolean): Accelerator {
  if (platform === "darwin") return offered.includes("hvf") ? "hvf" : "tcg";
  return platform === "linux" && kvmWorks ? "kvm" : "tcg";
}

/** From what QEMU prints: a heading, then a name a line. */
export const parseOffered = (text: string): string[] => text.split(/\s+/).filter((word) => /^[a-z]+$/.test(word));

async function find(): Promise<Accelerator> {
  const { platform, arch } = process;
  if (platform === "darwin")
    return chooseAccelerator(platform, parseOffered(await run(architectureOf(arch)!.program, ["-accel", "help"])), false);
  const there = await isThere("/dev/kvm", constants.R_OK | constants.W_OK);
  return chooseAccelerator(platform, [], there && (await counts(arch, ["-accel", "kvm", "-cpu", "host"])));
}

let found: Promise<Accelerator> | undefined;

/** Tried once a process; costs 0.2 s where KVM works, and up to 3 s where it only seems to. */
export function accelerator(): Promise<Accelerator> {
  found ??= find();
  return found;
}
