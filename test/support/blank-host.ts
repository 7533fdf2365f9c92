// A host as EC2 starts one: a Debian with cloud-init that nobody has touched.
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { ensureImage } from "../../machines/image.ts";
import type { MachineSpec } from "../../machines/machine.ts";
import { pathsOf } from "../../machines/names.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { mountRoot } from "../../machines/nspawn/overlay.ts";
import { provision, put, putFile, type RootFile, refresh } from "../../machines/provision.ts";
import { digest, writeRecord } from "../../machines/record.ts";
import { run } from "../../machines/run.ts";
import { lines, sh } from "../../provisioners/engine/shell-quote.ts";
import { gatewayOf } from "./ec2-place.ts";

/** Debian's own cloud-init; the image with it is cached beside the others. */
export const packages = ["cloud-init"];

export interface Surroundings {
  /** PEM of whoever speaks for AWS. */
  readonly certificate: string;
  /** Of AWS, that the host will ask for. */
  readonly names: readonly string[];
}

/**
 * What an image of EC2 has and a container of ours has not: where user data comes from, a network that is just there (no DHCP on the
 * bridge), a locale that needs no making, and the hypervisor's mark by which cloud-init knows EC2, in the form of the Xen types, since a
 * container sees no firmware. The mark comes after cloud-init's first stage, which would ask for DHCP.
 */
const ofTheImage: readonly RootFile[] = [
  { path: "/etc/cloud/cloud.cfg.d/95-ec2.cfg", content: "datasource_list: [ Ec2 ]\nnetwork: {config: disabled}\nlocale: C.UTF-8\n" },
  {
    path: "/etc/systemd/system/cloud-init.service.d/hypervisor.conf",
    content: `[Service]
ExecStartPre=/bin/sh -ec 'mount -o remount,rw /sys; mkdir /sys/hypervisor; echo ec2e1916-9099-7caf-fd21-012345abcdef >/sys/hypervisor/uuid; mount -o remount,ro /sys'
`,
  },
];

/**
 * All is made before the first boot, where the image stands in for AWS's: after it nobody but the host itself changes anything. Returns
 * when it greets as an SSH server does; cloud-init's last stage runs on.
 * @param baked a folder with what another machine's disk held beside the image
 */
export async function bootBlank(spec: MachineSpec, { certificate, names }: Surroundings, baked?: string): Promise<void> {
  const paths = pathsOf(spec);
  const image = await ensureImage(spec);
  await mkdir(paths.directory, { recursive: true, mode: 0o700 });
  if (baked !== undefined) {
    await mkdir(paths.upper, { recursive: true });
    await run("cp", ["-a", `${baked}/.`, paths.upper]);
  }
  await mountRoot(paths, image);
  await refresh(paths.root);
  const hostKey = await provision(paths.root, spec);
  const hosts = `127.0.0.1 localhost\n${names.map((name) => `${gatewayOf(spec.subnet)} ${name}\n`).join("")}`;
  const files: readonly RootFile[] = [
    ...ofTheImage,
    { path: "/etc/hosts", content: hosts },
    { path: "/usr/local/share/ca-certificates/aws-of-a-test.crt", content: certificate },
  ];
  const script = lines([sh`set -eu`, put, ...files.map(putFile), sh`update-ca-certificates`]);
  await run("chroot", [paths.root, "/bin/sh"], { input: script.text, deadline: 600_000 });
  const salt = randomBytes(16).toString("hex");
  await writeRecord(paths, { image, address: spec.address, hostKey, digest: digest(spec, salt), salt });
  await nspawn.ensure(spec);
}
