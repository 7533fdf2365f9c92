// What keeps a computer from running practice machines, in one sentence: the system, the processor, the user, or a program that is missing.
import { type drivers, MachineError } from "./machine.ts";
import { type Architecture, architectureOf, findFirmware } from "./qemu/architecture.ts";
import { fromCloud } from "./qemu/base.ts";
import { hint, installed, root } from "./run.ts";

type Driver = (typeof drivers)[number];

export interface Computer {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly root: boolean;
  /** Whether a virtual machine starts from a cloud image here. */
  readonly cloud: boolean;
}

/** Without a driver: of any. */
export function refusal(driver: Driver | undefined, { platform, arch, root }: Omit<Computer, "cloud">): string | undefined {
  if (platform !== "linux" && platform !== "darwin")
    return `practice machines need Linux or macOS, this is \`${platform}\`; use one of these, or \`target: inventory\` with your own servers`;
  if (driver === "nspawn" && platform !== "linux")
    return `practice machines of the driver nspawn need Linux, and this is \`${platform}\`; use \`driver: qemu\``;
  if (driver === "nspawn" && !root) {
    const instead = "run the same command with sudo, or use `driver: qemu`";
    return `practice machines of the driver nspawn need root: they mount, bridge and limit; ${instead}`;
  }
  if (driver === "qemu" && !architectureOf(arch)) {
    const instead = platform === "linux" ? "; use `driver: nspawn`" : "";
    return `practice machines of the driver qemu are x86-64 or arm64, and this computer is \`${arch}\`${instead}`;
  }
  return undefined;
}

const forImages = ["mmdebstrap", "ssh-keygen", "setpriv", "unshare"];

/** The programs that a driver runs. */
export function needs(driver: Driver, { platform, arch, root, cloud }: Computer): string[] {
  const unprivileged = root ? [] : ["newuidmap"];
  if (driver === "nspawn") return [...forImages, "systemd-nspawn", "systemctl", "nft", "ip", ...unprivileged];
  const { program } = architectureOf(arch)!;
  if (cloud) return ["ssh-keygen", ...(platform === "linux" ? ["setpriv"] : []), program, "qemu-img"];
  return [...forImages, "systemctl", program, "qemu-img", "mke2fs", ...unprivileged];
}

/** Named by its last place, which is where a Debian has it. */
async function missingFirmware(architecture: Architecture): Promise<string[]> {
  return architecture.firmware.length === 0 || (await findFirmware(architecture)) ? [] : [architecture.firmware.at(-1)!];
}

export async function preflight(driver?: Driver): Promise<void> {
  const { platform, arch } = process;
  const computer = { platform, arch, root, cloud: fromCloud({ platform, arch }) };
  const sentence = refusal(driver, computer);
  if (sentence) throw new MachineError(sentence);
  if (driver === undefined) return;
  const programs = needs(driver, computer);
  const there = await Promise.all(programs.map(installed));
  const missing = programs.filter((_, index) => !there[index]);
  if (driver === "qemu") missing.push(...(await missingFirmware(architectureOf(arch)!)));
  if (missing.length > 0)
    throw new MachineError(
      `practice machines of the driver ${driver} need ${missing.map((each) => `\`${each}\``).join(", ")}; ${hint(missing)}`,
    );
}
