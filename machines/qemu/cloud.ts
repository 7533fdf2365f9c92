// What makes a cloud image, at its first boot, what our own image is from the start: cloud-init reads it from a directory of the machine.
// No secret is in it. Who the machine is comes by the same seed as everywhere (qemu-seed.ts), and cloud-init has no say after that boot.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Command, lines, sh } from "../../provisioners/engine/shell-quote.ts";
import { included, maskedWithDisks, quietFiles } from "../image.ts";
import { loginUser, type MachineSpec } from "../machine.ts";
import { cloudDirectory, mac } from "./arguments.ts";
import { machineFiles, seedUnit, tools } from "./image.ts";

/** While it is there, Debian's sshd does not start: nobody gets in, and nothing greets, before the machine is whole. */
const closed = "/etc/ssh/sshd_not_to_be_run";

/** Run by cloud-init as the last thing of each boot, until it has come to its end: one that was cut off, or had no network, is made up for. */
const finish = "/var/lib/cloud/scripts/per-boot/practice";

/** Ends at the first failure, with the door still closed: its words are at the end of the boot log. */
function finishScript(packages: readonly string[]): Command {
  const apt = sh`apt-get -q -o DPkg::Lock::Timeout=300`;
  return lines([
    sh`#!/bin/sh`,
    sh`set -eu`,
    sh`systemctl mask ${maskedWithDisks}`,
    sh`systemctl stop apt-daily.timer apt-daily-upgrade.timer`,
    sh`dpkg --configure -a`,
    sh`dpkg-query -W ${packages} >/dev/null 2>&1 || {`,
    sh`${apt} update`,
    sh`DEBIAN_FRONTEND=noninteractive ${apt} -y --no-install-recommends install ${packages}`,
    sh`}`,
    sh`sysctl -q -p /etc/sysctl.d/50-practice.conf`,
    sh`udevadm control --reload`,
    sh`udevadm trigger --settle --subsystem-match=block`,
    // The network of the first boot, by which the packages came; the seed brings the one that stays.
    sh`rm -f /etc/netplan/*.yaml /run/systemd/network/10-netplan-*`,
    sh`systemctl daemon-reload`,
    sh`systemctl enable systemd-networkd.service ${seedUnit}`,
    sh`systemctl start ${seedUnit}`,
    sh`systemctl restart systemd-networkd.service`,
    sh`rm -f ${closed}`,
    sh`systemctl start ssh.service`,
    sh`touch /etc/cloud/cloud-init.disabled`,
  ]);
}

/** File → content, as cloud-init's data source NoCloud has them. JSON is YAML. */
export function cloudFiles(spec: MachineSpec): Record<"meta-data" | "network-config" | "user-data", string> {
  const { packages = [] } = spec;
  const script = finishScript([...new Set([...included, ...tools, ...packages])].sort());
  const files = Object.entries({ ...quietFiles, ...machineFiles }).map(([path, content]) => ({ path, content }));
  const config = {
    // Lists that are empty would get a warning: so it makes the user and the key that the seed then makes its own.
    users: [{ name: loginUser, shell: "/bin/bash" }],
    ssh_genkeytypes: ["ed25519"],
    preserve_hostname: true,
    bootcmd: [["touch", closed]],
    write_files: [...files, { path: finish, content: `${script.text}\n`, permissions: "0755" }],
  };
  const out = { match: { macaddress: mac(spec, "out") }, dhcp4: true };
  return {
    "meta-data": `${JSON.stringify({ "instance-id": "practice" })}\n`,
    "network-config": `${JSON.stringify({ version: 2, ethernets: { out } })}\n`,
    "user-data": `#cloud-config\n${JSON.stringify(config, undefined, 1)}\n`,
  };
}

export async function writeCloudFiles(directory: string, spec: MachineSpec): Promise<void> {
  const place = join(directory, cloudDirectory);
  await mkdir(place, { recursive: true });
  for (const [name, content] of Object.entries(cloudFiles(spec))) await writeFile(join(place, name), content, { flush: true });
}
