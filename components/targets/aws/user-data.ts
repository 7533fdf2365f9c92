// What an instance is told at its first boot, as cloud-config: who may log in, which host key it shows, which files it gets.
import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { UserError } from "../../../spec/problem.ts";
import type { BootFile } from "./instance-store.ts";

export interface FirstBoot {
  readonly server: string;
  /** User that the fleet logs in as, with sudo for everything. */
  readonly admin: string;
  readonly authorizedKey: string;
  /**
   * For the first connection alone: any process on the server, and anyone who may describe the instance, can read user data. Whoever
   * connects first replaces it. Without one the server makes its own, as the servers of a pool do.
   */
  readonly hostKey?: { readonly privateKey: string; readonly publicKey: string };
  readonly files?: readonly BootFile[];
  readonly packages?: readonly string[];
  /** Shell command lines, run as root in order when files and packages are there. */
  readonly commands?: readonly string[];
}

/** EC2's limit, before base64. */
export const userDataLimit = 16_384;

export const fits = (text: string): boolean => Buffer.byteLength(text) <= userDataLimit;

/** The text for `userData`. Every value is YAML-quoted by the library; the same input gives the same text. */
export function cloudConfig({ server, admin, authorizedKey, hostKey, files = [], packages = [], commands = [] }: FirstBoot): string {
  const config = {
    hostname: server,
    manage_etc_hosts: false,
    // cloud-init would mount the first Xen disk on /mnt, and format it if need be.
    mounts: [["ephemeral0"]],
    disable_root: true,
    ssh_pwauth: false,
    users: [
      "default",
      // A list of rules would work too, but older releases (Debian 12's) warn that it is invalid.
      { name: admin, shell: "/bin/bash", lock_passwd: true, sudo: "ALL=(ALL) NOPASSWD:ALL", ssh_authorized_keys: [authorizedKey] },
    ],
    ...(hostKey && {
      ssh_deletekeys: true,
      ssh_keys: { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey },
    }),
    ...(packages.length > 0 && { package_update: true, packages }),
    ...(files.length > 0 && { write_files: files.map(({ path, mode, content }) => ({ path, permissions: mode, content })) }),
    ...(commands.length > 0 && { runcmd: commands }),
  };
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`;
}

/** The same text, if EC2 takes it; else a UserError that says by how much it is too long. */
export function inlineUserData(server: string, text: string): string {
  if (fits(text)) return text;
  const got = Buffer.byteLength(text);
  throw new UserError(
    `${server}: expected user data of at most ${userDataLimit} bytes, got ${got}; next: move files into a role, or leave out a hook`,
  );
}

/** Text that a launch template takes: base64. */
export const base64 = (text: string): string => Buffer.from(text).toString("base64");

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
