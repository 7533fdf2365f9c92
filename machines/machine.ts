// What a practice machine is, whatever runs it: the spec that goes in, the state that comes out, the driver between them.

import { UserFacingError } from "../spec/problem.ts";
import { parseSubnet, usable } from "./subnet.ts";

export const drivers = ["nspawn", "qemu"] as const;

/** `free`: sudo without a password, as contests hand servers out; `password`: sudo asks for it; `none`: no sudo. */
export const sudoModes = ["free", "password", "none"] as const;

/** A user with a password, so that a practice machine can play a server that was handed out. */
export interface MachineUser {
  readonly name: string;
  readonly password: string;
  /** @default "free" */
  readonly sudo?: (typeof sudoModes)[number];
}

/** Names a machine; all that `read` and `destroy` need. */
export interface MachineRef {
  readonly stack: string;
  /** Also its host name. */
  readonly name: string;
}

/** An NVMe disk beside the root disk: blank at first, kept over reboots, and over a stop as its caller says. */
export interface MachineDisk {
  /** Takes no more room on this computer than what is written to it. */
  readonly sizeGiB: number;
}

/** As many as a machine's PCI bus has room for, beside its network and root disk. */
export const mostDisks = 24;

export interface MachineSpec extends MachineRef {
  readonly driver: (typeof drivers)[number];
  /** More than this computer has are as many as it has; the log says so. */
  readonly cores: number;
  /** Hard limit; a program that goes over it is killed, as on a server of that size without swap. */
  readonly memoryMiB: number;
  /** Of the private network: IPv4, in `subnet`, but not its first one: that is the gateway's. */
  readonly address: string;
  /** CIDR of the stack, /16 to /29; the same for all its machines and used by nothing else on this computer. */
  readonly subnet: string;
  /** Debian release: `bookworm`. */
  readonly release: string;
  /** Public key with which the user `fleet` logs in first; `fleet` has sudo without a password. */
  readonly authorizedKey: string;
  /** @default none: login is by key alone */
  readonly users?: readonly MachineUser[];
  /** Debian packages in the image beyond the usual ones. @default none */
  readonly packages?: readonly string[];
  /**
   * Debian packages that are installed before its first boot, from a layer that all machines with the same ones share: what its roles
   * will want. For the driver nspawn alone. Of a machine's creation: a change of them changes nothing. @default none
   */
  readonly preinstalled?: readonly string[];
  /** For the driver qemu alone: a container sees this computer's disks. @default none */
  readonly disks?: readonly MachineDisk[];
}

export interface MachineState {
  /** `<stack>/<name>` */
  readonly id: string;
  readonly running: boolean;
  /** Where this computer reaches its SSH server. */
  readonly address: string;
  readonly port: number;
  /** Where the stack's other machines reach it. */
  readonly privateAddress: string;
  readonly user: string;
  /** `ssh-ed25519 AAAA…`, made at creation and therefore known before the first connection. */
  readonly hostKey: string;
  /** The machine's first process, as this computer counts; there while it runs. */
  readonly leaderPid?: number;
}

export interface MachineContext {
  /** Progress, a line at a time. */
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface MachineDriver {
  /** Makes it so: creates, starts again, heals a half-made one. Returns when SSH answers; costs milliseconds when nothing is to do. */
  ensure(spec: MachineSpec, context?: MachineContext): Promise<MachineState>;
  /** What is there, by spec or by id; `undefined` where there is no machine, or only a half-made one. Changes nothing. */
  read(which: MachineRef | string): Promise<MachineState | undefined>;
  /** Takes it away with its content; with the stack's last machine goes its network. Nothing there is no error. */
  destroy(which: MachineRef, context?: MachineContext): Promise<void>;
}

/** One sentence: what was tried, what came back, what to do. */
export class MachineError extends UserFacingError {
  override readonly name = "MachineError";
}

/** A change of these makes another machine; every other change restarts it with its content kept. */
export const replacing = ["stack", "name", "driver", "release", "packages"] as const satisfies readonly (keyof MachineSpec)[];

/** Matters when the machine is made, and never again. */
export const atCreation = ["preinstalled"] as const satisfies readonly (keyof MachineSpec)[];

/** The user of the first login. */
export const loginUser = "fleet";

const Name = /^[a-z](?:[a-z0-9-]{0,29}[a-z0-9])?$/;
/** As Pulumi takes them; the first character keeps `.` and `..` out. */
const StackName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
const UserName = /^[a-z_][a-z0-9_-]{0,30}$/;
const Package = /^[a-z0-9][a-z0-9+.-]+$/;
const PublicKey = /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}(?: [^\r\n]*)?$/;

function expect(right: boolean, place: string, expected: string, got: unknown): void {
  if (!right) throw new MachineError(`${place}: expected ${expected}, got \`${String(got)}\`; correct it in the stack file`);
}

/** Paths are made of these and deleted: refuses anything odd, whoever has checked before. */
export function checkRef({ stack, name }: MachineRef): void {
  expect(StackName.test(stack), "stack", "letters, digits, `-`, `_` and `.`, a letter or digit first", stack);
  expect(Name.test(name), `${stack}: name of a machine`, "1 to 31 lower-case letters, digits and dashes, a letter first", name);
}

/** Throws a MachineError for the first thing that is wrong. */
export function checkSpec(spec: MachineSpec): void {
  checkRef(spec);
  const at = `${spec.stack}/${spec.name}`;
  expect(drivers.includes(spec.driver), `${at}: driver`, drivers.join(" or "), spec.driver);
  expect(Number.isInteger(spec.cores) && spec.cores > 0, `${at}: cores`, "a whole number from 1", spec.cores);
  expect(Number.isInteger(spec.memoryMiB) && spec.memoryMiB >= 128, `${at}: memory`, "at least 128 MiB", spec.memoryMiB);
  expect(Name.test(spec.release), `${at}: release`, "a Debian code name such as bookworm", spec.release);
  const subnet = parseSubnet(spec.subnet);
  expect(subnet !== undefined, `${at}: subnet`, "an IPv4 network from /16 to /29 such as 10.77.1.0/24", spec.subnet);
  expect(usable(subnet!, spec.address), `${at}: address`, `a host's address in ${spec.subnet} beyond its first`, spec.address);
  expect(PublicKey.test(spec.authorizedKey), `${at}: authorizedKey`, "a public SSH key on one line", spec.authorizedKey);
  const { disks = [] } = spec;
  expect(disks.length === 0 || spec.driver === "qemu", `${at}: disks`, "none, or the driver qemu", `${disks.length} with ${spec.driver}`);
  expect(disks.length <= mostDisks, `${at}: disks`, `at most ${mostDisks}`, disks.length);
  for (const { sizeGiB } of disks) expect(sizeGiB > 0 && sizeGiB <= 16_384, `${at}: disks`, "a size up to 16384 GiB", sizeGiB);
  for (const each of [...(spec.packages ?? []), ...(spec.preinstalled ?? [])])
    expect(Package.test(each), `${at}: packages`, "a Debian package's name", each);
  for (const { name, password, sudo = "free" } of spec.users ?? []) {
    const free = UserName.test(name) && name !== "root" && name !== loginUser;
    expect(free, `${at}: user`, `a user name other than root and ${loginUser}`, name);
    expect(/^[^\r\n\0]{1,200}$/.test(password), `${at}: password of ${name}`, "1 to 200 characters on one line", "[secret]");
    expect(sudoModes.includes(sudo), `${at}: sudo of ${name}`, sudoModes.join(", "), sudo);
  }
}
