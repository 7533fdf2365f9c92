// A stand-in for Debian's cloud image, made here: a disk that a BIOS starts from, with cloud-init and netplan on it, and room to grow.
import { open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ImageForm, inTree } from "../../machines/image.ts";
import { asRoot, run } from "../../machines/run.ts";

const label = "stand-in";
const sizeMiB = 3072;
/** Where partition programs begin, too: GRUB's core has the sectors before it. */
const offset = 2 ** 20;

const menu = `search --no-floppy --set=root --label ${label}
linux /vmlinuz root=LABEL=${label} ro console=ttyS0 panic=10 quiet
initrd /initrd.img
boot
`;

/** A table with one bootable Linux partition, which takes the rest of the disk. */
function partitionTable(): Buffer {
  const table = Buffer.alloc(66);
  table.set([0x80, 0, 0, 0, 0x83, 0, 0, 0]);
  table.writeUInt32LE(offset / 512, 8);
  table.writeUInt32LE((sizeMiB * 2 ** 20 - offset) / 512, 12);
  table.writeUInt16LE(0xaa55, 64);
  return table;
}

/** GRUB's boot sector in front of the partition table, its core behind: what grub-install does to a disk that can be mounted. */
async function makeBootable(root: string, image: string): Promise<void> {
  const [config, core] = ["/boot/stand-in.cfg", "/boot/stand-in.img"];
  await writeFile(join(root, config), menu);
  const modules = ["biosdisk", "part_msdos", "ext2", "search", "search_label", "linux", "boot", "gzio"];
  await inTree(root, ["grub-mkimage", "-O", "i386-pc", "-p", "/", "-c", config, "-o", core, ...modules]);
  const sector = (await readFile(join(root, "usr/lib/grub/i386-pc/boot.img"))).subarray(0, 440);
  const disk = await open(image, "r+");
  const start = Buffer.concat([Buffer.concat([sector], 446), partitionTable(), await readFile(join(root, core))]);
  await disk.write(start, 0, start.length, 0);
  await disk.close();
  for (const path of [config, core]) await rm(join(root, path));
}

/** `disk.qcow2` in the image's directory. */
export const standIn: ImageForm = {
  packages: [
    ...["linux-image-cloud-amd64", "initramfs-tools", "busybox", "zstd", "udev", "kmod", "e2fsprogs", "fdisk", "grub-pc-bin"],
    ...["libpam-systemd", "mdadm", "xfsprogs", "cloud-init", "cloud-guest-utils", "netplan.io", "systemd-resolved"],
  ],
  files: { "/etc/fstab": `LABEL=${label} / ext4 errors=remount-ro 0 1\n` },
  early: {
    "/etc/initramfs-tools/conf.d/practice": "MODULES=list\n",
    "/usr/share/initramfs-tools/modules.d/practice": "virtio_pci\nvirtio_blk\next4\n",
  },
  units: [],

  async pack(root, into) {
    const [raw, packed] = [join(into, "disk.raw"), join(into, "disk.qcow2")];
    await writeFile(raw, "");
    await truncate(raw, sizeMiB * 2 ** 20);
    await makeBootable(root, raw);
    const tree = ["-q", "-F", "-t", "ext4", "-L", label, "-d", root, "-E", `offset=${offset}`, raw, `${sizeMiB - 1}M`];
    const [program, ...args] = [...asRoot, "mke2fs", ...tree];
    await run(program!, args, { deadline: 1_200_000 });
    await run("qemu-img", ["convert", "-O", "qcow2", raw, packed], { deadline: 1_200_000 });
    await rm(raw);
  },
};
