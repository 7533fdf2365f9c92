// Programs of this computer, run with argument lists, a deadline and a sentence when they fail.
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { MachineError } from "./machine.ts";

export interface RunOptions {
  /** Goes to standard input: the place for secrets. @default empty */
  readonly input?: string;
  /** Milliseconds until the program is killed. @default 20000 */
  readonly deadline?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called for each line of standard error as it comes. */
  readonly onLine?: (line: string) => void;
}

/** sudo and cron leave the system directories out of some users' PATH. */
const path = [process.env.PATH ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].join(delimiter);
// A temporary folder of this user's need not be there in the tree of an image.
const { TMPDIR: _, ...kept } = process.env;
export const environment: NodeJS.ProcessEnv = { ...kept, PATH: path, LC_ALL: "C.UTF-8" };

export const tail = (text: string, lines: number): string => text.trimEnd().split("\n").slice(-lines).join("\n");

/** Resolves with standard output; rejects with a MachineError on a failure, a missing program or a passed deadline. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input = "", deadline = 20_000, signal, onLine } = options;
  return new Promise((resolve, reject) => {
    const limits = { timeout: deadline, killSignal: "SIGKILL", maxBuffer: 64 << 20, env: environment, signal } as const;
    const child = execFile(file, args, limits, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const shown = [file, ...args.slice(0, 3)].join(" ");
      if (signal?.aborted) return reject(new MachineError(`\`${shown}\`: cancelled`));
      if (error.code === "ENOENT") return reject(new MachineError(`\`${file}\` is not installed; ${hint([file])}`));
      const outcome = error.killed ? `no end after ${deadline / 1000} s` : `exit code ${error.code ?? error.signal}`;
      reject(new MachineError(`\`${shown}\`: ${outcome}: ${tail(stderr || stdout, 12) || "it said nothing"}`));
    });
    // A program that ends without reading its input closes the pipe: its exit code says what happened.
    child.stdin?.on("error", () => undefined).end(input);
    if (onLine && child.stderr) createInterface(child.stderr).on("line", onLine);
  });
}

export const root = process.getuid?.() === 0;

/**
 * Goes before a command that must be root to make an image: nothing where we are root, else a namespace in which we look like it, and in which
 * files can belong to the other users of the image.
 */
export const asRoot: readonly string[] = root ? [] : ["unshare", "--map-root-user", "--map-auto", "--"];

/** Program, or file, → Debian package. What every Debian has at work (mount, chroot, sh) is not listed. */
const packageOf: Record<string, string> = {
  mmdebstrap: "mmdebstrap",
  "systemd-nspawn": "systemd-container",
  systemctl: "systemd",
  nft: "nftables",
  ip: "iproute2",
  "ssh-keygen": "openssh-client",
  setpriv: "util-linux",
  unshare: "util-linux",
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-system-aarch64": "qemu-system-arm",
  "/usr/share/AAVMF/AAVMF_CODE.fd": "qemu-efi-aarch64",
  "qemu-img": "qemu-utils",
  mke2fs: "e2fsprogs",
  newuidmap: "uidmap",
};

/** Homebrew has all of QEMU, firmware too, in one. */
const formulaOf = (program: string): string => (/^qemu-|\.fd$/.test(program) ? "qemu" : program);

export function hint(programs: readonly string[], platform: NodeJS.Platform = process.platform): string {
  const names = (of: (program: string) => string) => [...new Set(programs.map(of))].join(" ");
  const command =
    platform === "darwin" ? `brew install ${names(formulaOf)}` : `apt-get install ${names((each) => packageOf[each] ?? each)}`;
  return `install it with \`${command}\``;
}

export const isThere = (file: string, mode = constants.R_OK): Promise<boolean> =>
  access(file, mode).then(
    () => true,
    () => false,
  );

/** `undefined`: not installed. */
export async function programPath(program: string): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    const file = join(directory, program);
    if (await isThere(file, constants.X_OK)) return file;
  }
  return undefined;
}

export const installed = async (program: string): Promise<boolean> => (await programPath(program)) !== undefined;
