// The command line of one virtual machine. Its files are named relative to the machine's directory, in which QEMU runs.
import { createHash } from "node:crypto";
import type { MachineDisk, MachineRef, MachineSpec } from "../machine.ts";
import { machineId, ofThisUser } from "../names.ts";
import { type Platform, platform } from "../platform.ts";
import { overlap, parseSubnet } from "../subnet.ts";
import type { Accelerator } from "./accelerator.ts";
import { type Architecture, architectureOf } from "./architecture.ts";
import { seedSerial } from "./image.ts";
import { spread } from "./ports.ts";

/** What of a spec a start needs; none of it is secret. */
export type MachineShape = Pick<MachineSpec, "stack" | "name" | "cores" | "memoryMiB" | "address" | "subnet"> & {
  readonly disks: readonly MachineDisk[];
};

export const diskFile = (index: number): string => `disk${index}.raw`;
/** 20 characters at most; begins as the serial of an EC2 disk does. */
export const diskSerial = (ref: MachineRef, index: number): string => `AWS${machineId(ref)}${String(index).padStart(2, "0")}`;

const hex = (text: string): string => createHash("sha256").update(text).digest("hex");
const links = ["out", "lan"] as const;

/** Of a locally administered kind, and the same at each start. */
export const mac = (ref: MachineRef, link: (typeof links)[number]): string =>
  `52:54:00:${hex(`${link} ${ofThisUser(`${ref.stack}/${ref.name}`)}`)
    .match(/../g)!
    .slice(0, 3)
    .join(":")}`;

/** From which the machine's own id follows. */
const uuid = (ref: MachineRef): string => {
  const text = hex(`uuid ${ofThisUser(`${ref.stack}/${ref.name}`)}`);
  return [text.slice(0, 8), text.slice(8, 12), `4${text.slice(13, 16)}`, `a${text.slice(17, 20)}`, text.slice(20, 32)].join("-");
};

/** The stack's private network: a multicast group on this computer's loopback, whose members are its machines. */
export function group(stack: string): { readonly address: string; readonly port: number } {
  const bytes = createHash("sha256")
    .update(`group ${ofThisUser(stack)}`)
    .digest();
  return { address: `239.${192 + (bytes[0]! & 3)}.${bytes[1]}.${bytes[2]}`, port: 32_000 + spread(`group ${ofThisUser(stack)}`, 700) };
}

/** QEMU's own network, by which a machine reaches out: one that does not meet the stack's. */
export function outside(subnet: string): {
  readonly net: string;
  readonly address: string;
  readonly gateway: string;
  readonly resolver: string;
} {
  const net = ["10.0.2", "10.0.3"].find((each) => !overlap(parseSubnet(`${each}.0/24`)!, parseSubnet(subnet)!)) ?? "192.168.127";
  return { net: `${net}.0/24`, address: `${net}.15/24`, gateway: `${net}.2`, resolver: `${net}.3` };
}

function network({ stack, name, subnet }: MachineShape, port: number): string[] {
  const { address, port: groupPort } = group(stack);
  const { net } = outside(subnet);
  const backends = [
    `user,id=out,ipv6=off,net=${net},hostfwd=tcp:127.0.0.1:${port}-:22`,
    `socket,id=lan,mcast=${address}:${groupPort},localaddr=127.0.0.1`,
  ];
  const devices = links.map((link) => `virtio-net-pci,netdev=${link},mac=${mac({ stack, name }, link)},romfile=`);
  return [...backends.flatMap((each) => ["-netdev", each]), ...devices.flatMap((each) => ["-device", each])];
}

/**
 * How a machine begins. `loader`: QEMU starts what lies in the image beside its disk. `cloud`: from its own disk, as a cloud image does, by
 * `firmware` where it brings none itself.
 */
export type Start =
  | { readonly kind: "loader"; readonly loader: string }
  | { readonly kind: "cloud"; readonly firmware: string | undefined };

/** Of the machine: what cloud-init reads, shown to the machine as a disk. */
export const cloudDirectory = "cloud";

const beginning = (start: Start): string[] => {
  if (start.kind === "loader") return ["-kernel", start.loader];
  return start.firmware ? ["-bios", start.firmware] : [];
};

function disks(shape: MachineShape, { kind }: Start): string[] {
  const drive = (id: string, file: string, format: string, more = "") => [
    "-drive",
    `if=none,id=${id},file=${file},format=${format}${more}`,
  ];
  return [
    ...drive("root", "root.qcow2", "qcow2", ",discard=unmap"),
    ...["-device", `virtio-blk-pci,drive=root,serial=practice-root${kind === "cloud" ? ",bootindex=0" : ""}`],
    ...drive("seed", "seed", "raw", ",readonly=on"),
    ...["-device", `virtio-blk-pci,drive=seed,serial=${seedSerial}`],
    ...(kind === "cloud" ? cloudSeed : []),
    ...shape.disks.flatMap((_, index) => [
      ...drive(`store${index}`, diskFile(index), "raw", ",discard=unmap"),
      ...["-device", `nvme,drive=store${index},serial=${diskSerial(shape, index)}`],
    ]),
  ];
}

/** The label is the one that cloud-init looks for; QEMU makes the file system of a directory, so that no program for it is needed. */
const cloudSeed = [
  ...["-drive", `if=none,id=cloud,format=raw,readonly=on,file.driver=vvfat,file.dir=${cloudDirectory},file.label=CIDATA`],
  ...["-device", "virtio-blk-pci,drive=cloud,serial=practice-cloud"],
];

const forAccelerator = {
  kvm: () => ["-accel", "kvm", "-cpu", "host"],
  hvf: () => ["-accel", "hvf", "-cpu", "host"],
  tcg: ({ translated }) => ["-accel", "tcg,thread=multi", "-cpu", translated],
} as const satisfies Record<Accelerator, (architecture: Architecture) => readonly string[]>;

export interface QemuHost {
  readonly architecture: Architecture;
  readonly platform: Pick<Platform, "sandbox" | "monitor">;
}

/** This computer; one of another kind was refused before. */
export const qemuHost = (): QemuHost => ({ architecture: architectureOf(process.arch)!, platform });

/** A reboot inside stays in this process; a machine that powers off ends it. */
export function qemuArguments(shape: MachineShape, start: Start, port: number, accelerator: Accelerator, host = qemuHost()): string[] {
  const { architecture, platform } = host;
  const monitor = platform.monitor.listensAt(machineId(shape));
  return [
    ...["-name", `guest=${machineId(shape)}`, "-uuid", uuid(shape)],
    ...["-no-user-config", "-nodefaults", "-display", "none"],
    ...platform.sandbox,
    ...["-machine", architecture.machine, ...forAccelerator[accelerator](architecture)],
    ...["-smp", `${shape.cores}`, "-m", `${shape.memoryMiB}`],
    ...beginning(start),
    // The supervisor makes it the boot log.
    ...["-serial", "stdio"],
    ...["-chardev", `socket,id=monitor,path=${monitor},server=on,wait=off`, "-mon", "chardev=monitor,mode=control"],
    ...["-device", "virtio-rng-pci"],
    ...disks(shape, start),
    ...network(shape, port),
  ];
}
