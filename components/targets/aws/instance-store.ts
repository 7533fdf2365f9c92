// The disks that come with an instance, as one XFS filesystem: RAID0 over all of them, none where there is one. What runs at boot is
// shell text (boot/instance-store.sh under a header of settings), which this file makes; nothing here touches AWS.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { quote } from "../../../provisioners/engine/shell-quote.ts";
import { mountUnit } from "../../../provisioners/engine/unit-path.ts";
import { blankDisk } from "../../../provisioners/roles/base/volumes.ts";
import { UserError } from "../../../spec/problem.ts";
import { typed } from "../../../spec/typed.ts";
import type { InstanceType } from "./facts/types.ts";
import type { Distribution } from "./image.ts";

export interface StoreSettings {
  /** Share of each disk left unpartitioned, in per cent, for the SSD's own use. 0 takes whole disks. */
  readonly overProvision: number;
  /** RAID chunk in KiB; mdadm's own, 512, where it is left out. */
  readonly chunkKiB?: number | undefined;
  /** Options of mkfs.xfs. `-m uuid=…` comes on top. */
  readonly mkfs: readonly string[];
  readonly mountOptions: readonly string[];
}

export const presets = {
  /**
   * As AWS's own image for Kubernetes nodes does it: whole disks; no discard, since they arrive trimmed; a log stripe of 8 blocks, since
   * the array's chunk is more than a log stripe can be.
   */
  aws: { overProvision: 0, mkfs: ["-K", "-l", "su=8b"], mountOptions: ["defaults", "noatime"] },
  /** As the benchmark of i2.8xlarge did it: a tenth unpartitioned, a 64 MB log in eight buffers. */
  seeds: { overProvision: 10, mkfs: ["-f", "-b", "size=4096", "-i", "size=512", "-l", "size=64m"], mountOptions: ["noatime", "logbufs=8"] },
} as const satisfies Readonly<Record<string, StoreSettings>>;

export type StoreOptions = { readonly [Name in keyof StoreSettings]?: StoreSettings[Name] | undefined } & StorePlace;

interface StorePlace {
  /** @default aws */
  readonly preset?: keyof typeof presets | undefined;
  /** @default /data */
  readonly mountPoint?: string | undefined;
  /** Seconds until a disk that is missing counts as missing. @default 60 */
  readonly patience?: number | undefined;
  /** The server's name: the UUIDs of array and filesystem follow from it. */
  readonly server: string;
}

/** A file as it must be on the server. */
export interface BootFile {
  readonly path: string;
  readonly mode: string;
  readonly content: string;
}

/** A UUID that follows from a text, of the version that is for such (8). */
export function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}

/** As mdadm prints it: four groups of eight. */
const mdUuid = (uuid: string): string => uuid.replaceAll("-", "").match(/.{8}/g)!.join(":");

/** Letters of the Xen names from `b` on, one a disk. */
const letters = (disks: number): readonly string[] => Array.from({ length: disks }, (_, at) => String.fromCharCode(98 + at));

/** Disks that are there only if the launch maps them: those of Xen instances. NVMe ones need no mapping. */
export function ephemeralMappings({ nvme, disks }: InstanceType): { deviceName: string; virtualName: string }[] {
  if (nvme) return [];
  return letters(disks).map((letter, at) => ({ deviceName: `/dev/sd${letter}`, virtualName: `ephemeral${at}` }));
}

const settled = ({ preset = "aws", mountPoint = "/data", patience = 60, server, ...own }: StoreOptions) => {
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const settings: StoreSettings = { ...presets[preset], ...given };
  return { ...settings, mountPoint, patience, server };
};

const scriptPath = "/usr/local/sbin/fleet-instance-store";
const unit = "fleet-instance-store.service";
const readyUnit = "fleet-instance-store-ready.service";
const body = readFileSync(new URL("boot/instance-store.sh", import.meta.url), "utf8");

/** The script as it lies on the server. `root` goes before every path that it touches: tests give it a folder. */
export function storeScript(type: InstanceType, options: StoreOptions, root = ""): string {
  const { overProvision, chunkKiB, mkfs, mountPoint, patience, server } = settled(options);
  if (type.disks === 0)
    throw new UserError(
      `${server}: expected an instance type with disks of its own, got \`${type.type}\`; next: ${typed()} types lists them`,
    );
  if (!(Number.isInteger(overProvision) && overProvision >= 0 && overProvision <= 50))
    throw new UserError(`${server}: expected \`overProvision\` from 0 to 50 per cent, got \`${overProvision}\``);
  const settings: Readonly<Record<string, string | number>> = {
    root,
    state: `${root}/var/lib/fleet/instance-store`,
    expected: type.disks,
    bus: type.nvme ? "nvme" : "xen",
    letters: type.nvme ? "" : letters(type.disks).join(" "),
    patience,
    // Seconds for which a disk is read whole at a first boot, in turn; of what is left many places are.
    reading: Math.ceil(60 / type.disks),
    name: "fleet",
    array: mdUuid(uuidOf(`${server} array`)),
    filesystem: uuidOf(`${server} filesystem`),
    over_provision: overProvision,
    chunk: chunkKiB === undefined ? "" : `--chunk=${chunkKiB}`,
    mkfs: mkfs.join(" "),
    mount_point: mountPoint,
  };
  const head = ["#!/bin/sh", `# Managed by fleet (instance store of ${server}, ${type.type}).`, "set -eu", "export LC_ALL=C"];
  return [...head, ...Object.entries(settings).map(([key, value]) => `${key}=${quote(value)}`), blankDisk, body].join("\n");
}

const section = (name: string, lines: readonly string[]) => [`[${name}]`, ...lines].join("\n");
const unitText = (...sections: readonly string[]) => `# Managed by fleet (instance store).\n${sections.join("\n\n")}\n`;
const wanted = section("Install", ["WantedBy=multi-user.target"]);

/** For the unit of a service that keeps its data there: it waits for the disks, and never writes to the root disk in their place. */
export const waitsForStore = (mountPoint = "/data"): string =>
  unitText(section("Unit", [`RequiresMountsFor=${mountPoint}`, `Requires=${readyUnit}`, `After=${readyUnit}`]));

// Without default dependencies: a boot that lacks a disk goes on, and only what needs the mount waits.
function units(mountPoint: string, mountOptions: readonly string[], filesystem: string): readonly BootFile[] {
  const place = (name: string, content: string): BootFile => ({ path: `/etc/systemd/system/${name}`, mode: "0644", content });
  const early = ["DefaultDependencies=no", "Conflicts=shutdown.target", "Before=shutdown.target"];
  const oneshot = (verb: string) => ["Type=oneshot", "RemainAfterExit=yes", `ExecStart=${scriptPath} ${verb}`, "TimeoutStartSec=900"];
  const build = [
    "Description=Array and filesystem of the instance store",
    ...early,
    `Before=${mountUnit(mountPoint)}`,
    "After=systemd-remount-fs.service systemd-udevd.service",
    "RequiresMountsFor=/usr/local/sbin /etc /var/lib",
  ];
  const mount = ["Description=Instance store", "DefaultDependencies=no", `Requires=${unit}`, `After=${unit}`];
  const umount = ["Conflicts=umount.target", "Before=umount.target"];
  // Not as `/dev/disk/by-uuid/…`: systemd would wait for that device 90 s and give up, while the disks are still being built and filled.
  const what = [`What=UUID=${filesystem}`, `Where=${mountPoint}`, "Type=xfs", `Options=${mountOptions.join(",")}`];
  const ready = ["Description=Instance store is filled and in step with the next boot", `RequiresMountsFor=${mountPoint}`];
  return [
    place(unit, unitText(section("Unit", build), section("Service", [...oneshot("build"), "StandardError=journal+console"]), wanted)),
    place(mountUnit(mountPoint), unitText(section("Unit", [...mount, ...umount]), section("Mount", what), wanted)),
    place(readyUnit, unitText(section("Unit", ready), section("Service", oneshot("ready")), wanted)),
  ];
}

export interface InstanceStore {
  /** The script and its units. Also for a role to keep them right on a server that runs. */
  readonly files: readonly BootFile[];
  /** Packages that the script needs, where the image lacks them. Amazon's has sfdisk in its base. */
  readonly packages: readonly string[];
  /** Run once, as root, when the files are there. The units do it at every boot after that. */
  readonly commands: readonly string[];
  readonly mountPoint: string;
}

/** Everything that a server of that type needs for its disks. */
export function instanceStore(type: InstanceType, options: StoreOptions, distribution: Distribution): InstanceStore {
  const { mountPoint, mountOptions, server, overProvision } = settled(options);
  const script = { path: scriptPath, mode: "0755", content: storeScript(type, options) };
  const all = [unit, mountUnit(mountPoint), readyUnit];
  return {
    files: [script, ...units(mountPoint, mountOptions, uuidOf(`${server} filesystem`))],
    packages: ["xfsprogs", ...(type.disks > 1 ? ["mdadm"] : []), ...(overProvision > 0 && distribution === "debian" ? ["fdisk"] : [])],
    commands: [`systemctl daemon-reload`, `systemctl enable --now ${all.map(quote).join(" ")}`, "systemctl enable --now fstrim.timer"],
    mountPoint,
  };
}
