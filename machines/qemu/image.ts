// The image of virtual machines: the same Debian with a kernel of its own, as a disk, and a loader that starts what lies on that disk.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ImageForm, inTree } from "../image.ts";
import { asRoot, run } from "../run.ts";

const label = "practice-root";
/** What a machine may come to; a disk takes no more room here than what is written to it. */
export const rootGiB = 16;

export const seedSerial = "practice-seed";
const seedDevice = `/dev/disk/by-id/virtio-${seedSerial}`;
export const seedUnit = "practice-seed.service";

/** Tells apart, as by-id names do on EC2, the disks that come with an instance. */
export const storeModel = "Amazon_EC2_NVMe_Instance_Storage";

/** The first line of the seed names it; a seed that was carried out once is not carried out again, whatever the machine made of it since. */
const seedScript = `#!/bin/sh
# Carries out, once each, what the computer that runs this machine wants of it.
set -eu
done=/var/lib/practice-seed
seed=$(head -n 1 ${seedDevice})
[ "$seed" != "$(cat "$done" 2>/dev/null)" ] || exit 0
sh ${seedDevice} >/dev/null
echo "$seed" >"$done"
sync
`;

/** What every virtual machine has, whatever it is made of. */
export const machineFiles: Record<string, string> = {
  "/usr/local/sbin/practice-seed": seedScript,
  [`/etc/systemd/system/${seedUnit}`]: `[Unit]
Description=What makes this image this machine
DefaultDependencies=no
Requires=dev-disk-by\\x2did-virtio\\x2dpractice\\x2dseed.device
After=dev-disk-by\\x2did-virtio\\x2dpractice\\x2dseed.device systemd-remount-fs.service systemd-machine-id-commit.service
Before=network-pre.target systemd-networkd.service sysinit.target shutdown.target
Conflicts=shutdown.target
Wants=network-pre.target
RequiresMountsFor=/home /var/lib

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /usr/local/sbin/practice-seed

[Install]
WantedBy=sysinit.target
`,
  // A machine that could not be told who it is lets nobody in.
  "/etc/systemd/system/ssh.service.d/seed.conf": `[Unit]\nRequires=${seedUnit}\nAfter=${seedUnit}\n`,
  // An image that was built without root has lost what lets ping be run by everybody.
  "/etc/sysctl.d/50-practice.conf": "net.ipv4.ping_group_range = 0 2147483647\n",
  // QEMU's disks have a model of their own; what looks for an instance's disks by name finds them under EC2's.
  "/etc/udev/rules.d/61-practice-instance-store.rules": `ENV{DEVTYPE}=="disk", KERNEL=="nvme*[0-9]n*[0-9]", ATTRS{serial}=="AWS?*", SYMLINK+="disk/by-id/nvme-${storeModel}_$attr{serial}"
ENV{DEVTYPE}=="partition", KERNEL=="nvme*[0-9]n*[0-9]p*[0-9]", ATTRS{serial}=="AWS?*", SYMLINK+="disk/by-id/nvme-${storeModel}_$attr{serial}-part%n"
`,
};

const files: Record<string, string> = { ...machineFiles, "/etc/fstab": `LABEL=${label} / ext4 errors=remount-ro 0 1\n` };

/** Beyond what every machine has. */
export const tools = ["libpam-systemd", "mdadm", "xfsprogs"];

/** Where the machine's own kernel and initramfs lie: an upgrade or a new initramfs is what its next boot takes. */
const loader = `search --no-floppy --set=root --label ${label}
linux /vmlinuz root=LABEL=${label} ro console=ttyS0 panic=10 quiet
initrd /initrd.img
boot
`;

export const disk: ImageForm = {
  packages: [
    ...["linux-image-cloud-amd64", "initramfs-tools", "busybox", "zstd", "udev", "kmod", "e2fsprogs", "fdisk", "grub-pc-bin"],
    ...tools,
  ],
  files,
  // Drivers for these machines alone: a machine makes its initramfs again in seconds, where that with all drivers takes minutes if translated.
  early: {
    "/etc/initramfs-tools/conf.d/practice": "MODULES=list\n",
    "/usr/share/initramfs-tools/modules.d/practice": "virtio_pci\nvirtio_blk\next4\n",
  },
  units: [seedUnit],

  async pack(root, into) {
    // GRUB in the shape of a Linux kernel, which QEMU loads itself: no boot sector to write, no firmware to install here.
    const [config, core] = ["/boot/practice-loader.cfg", "/boot/practice-loader.img"];
    await writeFile(join(root, config), loader);
    const modules = ["biosdisk", "ext2", "search", "search_label", "linux", "boot", "gzio"];
    await inTree(root, ["grub-mkimage", "-O", "i386-pc", "-p", "/", "-c", config, "-o", core, ...modules]);
    const shape = await readFile(join(root, "usr/lib/grub/i386-pc/lnxboot.img"));
    await writeFile(join(into, "loader"), Buffer.concat([shape, await readFile(join(root, core))]));
    for (const path of [config, core]) await rm(join(root, path));
    const mke2fs = ["mke2fs", "-q", "-t", "ext4", "-L", label, "-d", root, join(into, "root.img"), `${rootGiB}G`];
    const [program, ...args] = [...asRoot, ...mke2fs];
    await run(program!, args, { deadline: 300_000 });
  },
};
