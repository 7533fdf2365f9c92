// Memory and processor limits of a machine: a systemd scope where systemd runs this computer, else cgroups of our own, version 1 or 2.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MachineError, type MachineRef, type MachineSpec } from "./machine.ts";
import { cgroupName, machineId } from "./names.ts";
import { platform } from "./platform.ts";

export interface Hierarchy {
  readonly mount: string;
  readonly version: 1 | 2;
  /** `memory`, `cpu`, `name=systemd` …; of version 2, what its root offers. */
  readonly controllers: readonly string[];
}

/** Of version 1, the hierarchies in which a machine needs a place of its own; systemd inside keeps its units in the named one. */
const wanted = ["memory", "cpu", "pids", "name=systemd"];

/** From the text of /proc/mounts; `offered` reads `cgroup.controllers` of a version 2 mount. */
export function parseHierarchies(mounts: string, offered: (mount: string) => string): Hierarchy[] {
  const seen = new Map<string, Hierarchy>();
  for (const line of mounts.split("\n")) {
    const [, mount, type, options = ""] = line.split(" ");
    if (type === "cgroup2") seen.set(mount!, { mount: mount!, version: 2, controllers: offered(mount!).split(/\s+/).filter(Boolean) });
    const controllers = options.split(",").filter((option) => wanted.includes(option));
    if (type === "cgroup" && controllers.length > 0) seen.set(mount!, { mount: mount!, version: 1, controllers });
  }
  return [...seen.values()];
}

async function hierarchies(): Promise<Hierarchy[]> {
  if (!platform.containers) return [];
  const mounts = await readFile("/proc/mounts", "utf8");
  const offers = new Map<string, string>();
  for (const mount of mounts.matchAll(/^\S+ (\S+) cgroup2 /gm))
    offers.set(mount[1]!, await readFile(join(mount[1]!, "cgroup.controllers"), "utf8"));
  return parseHierarchies(mounts, (mount) => offers.get(mount) ?? "");
}

const systemdRuns = (): boolean => existsSync("/run/systemd/system");
const period = 100_000; // microseconds, the kernel's own default

/** File → content, in the order in which the kernel takes them. */
export function limitFiles({ version, controllers }: Hierarchy, cores: number, memoryMiB: number): [file: string, content: string][] {
  const memory = String(memoryMiB * 2 ** 20);
  const files: Record<string, [string, string][]> = {
    memory: version === 1 ? [["memory.limit_in_bytes", memory]] : [["memory.max", memory]],
    cpu:
      version === 1
        ? [
            ["cpu.cfs_period_us", `${period}`],
            ["cpu.cfs_quota_us", `${cores * period}`],
          ]
        : [["cpu.max", `${cores * period} ${period}`]],
  };
  return controllers.flatMap((controller) => files[controller] ?? []);
}

/** Without swap, as on a server of that size. Kernels may be built without these. */
const swapFile = (version: 1 | 2, memoryMiB: number): [string, string] =>
  version === 1 ? ["memory.memsw.limit_in_bytes", String(memoryMiB * 2 ** 20)] : ["memory.swap.max", "0"];

/** Moves itself into the cgroups (first argument, space-separated), then becomes the program that follows. */
const enter = 'for each in $1; do echo $$ >"$each/cgroup.procs" || exit 1; done; shift; exec "$@"';

export interface CgroupCommands {
  /** Goes before the command of the supervisor: it outlives the process, session and cgroup that started it. */
  readonly supervisor: readonly string[];
  /** Goes before the command of the machine: everything in it is limited. */
  readonly machine: readonly string[];
}

/** Makes the limits, and says how to start within them. */
export async function makeCgroups(spec: MachineSpec): Promise<CgroupCommands> {
  if (systemdRuns()) {
    // Scopes without a name of their own: that of the boot before may not be gone yet at a reboot.
    const scope = ["systemd-run", "--quiet", "--collect", "--scope", `--description=practice machine ${spec.stack}/${spec.name}`];
    const limits = [`MemoryMax=${spec.memoryMiB}M`, "MemorySwapMax=0", `CPUQuota=${spec.cores * 100}%`, "Delegate=yes"];
    return { supervisor: [...scope, "--"], machine: [...scope, ...limits.map((each) => `--property=${each}`), "--"] };
  }
  const all = await hierarchies();
  const limited = all.flatMap(({ controllers }) => controllers);
  const absent = ["memory", "cpu"].filter((controller) => !limited.includes(controller));
  if (absent.length > 0) {
    throw new MachineError(
      `${spec.name}: this kernel offers no cgroup control of ${absent.join(" and ")}; boot it with \`cgroup_enable=memory\`, or mount its cgroups`,
    );
  }
  for (const hierarchy of all) await makeGroups(hierarchy, spec);
  const within = (suffix: string) => [
    "sh",
    "-c",
    enter,
    "enter",
    all.map(({ mount }) => join(mount, `${cgroupName(spec)}${suffix}`)).join(" "),
  ];
  return { supervisor: within("-supervisor"), machine: within("") };
}

async function makeGroups(hierarchy: Hierarchy, spec: MachineSpec): Promise<void> {
  const { mount, version, controllers } = hierarchy;
  const group = join(mount, cgroupName(spec));
  await mkdir(group, { recursive: true });
  await mkdir(`${group}-supervisor`, { recursive: true });
  if (version === 2) {
    const enable = controllers
      .filter((each) => ["memory", "cpu", "pids"].includes(each))
      .map((each) => `+${each}`)
      .join(" ");
    for (const parent of [mount, join(mount, "contest-fleet")]) if (enable) await writeFile(join(parent, "cgroup.subtree_control"), enable);
  }
  for (const [file, content] of limitFiles(hierarchy, spec.cores, spec.memoryMiB)) await writeFile(join(group, file), content);
  const [swap, content] = swapFile(version, spec.memoryMiB);
  if (controllers.includes("memory") && existsSync(join(group, swap))) await writeFile(join(group, swap), content);
}

async function within(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(entries.filter((entry) => entry.isDirectory()).map(({ name }) => within(join(directory, name))));
  return [...below.flat(), directory];
}

/** Directories of our cgroups whose name, below `contest-fleet/`, matches; the deepest first. */
export async function groups(name: RegExp): Promise<string[]> {
  const found = await Promise.all(
    (await hierarchies()).map(async ({ mount }) => {
      const parent = join(mount, "contest-fleet");
      const names = await readdir(parent).catch(() => []);
      return Promise.all(names.filter((each) => name.test(each)).map((each) => within(join(parent, each))));
    }),
  );
  return found.flat(2);
}

export const membersOf = async (group: string): Promise<number[]> =>
  (await readFile(join(group, "cgroup.procs"), "utf8").catch(() => "")).split("\n").filter(Boolean).map(Number);

/** A group whose last process just died stays busy for a moment. */
async function removeGroup(group: string): Promise<void> {
  const end = Date.now() + 5000;
  for (;;) {
    try {
      return await rmdir(group);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      if (Date.now() > end) throw new MachineError(`\`${group}\`: can't be removed (${code}); see who is in its cgroup.procs`);
      await sleep(20);
    }
  }
}

/** Removes empty groups, and the one above them all with the last. */
export async function removeGroups(name: RegExp): Promise<void> {
  for (const group of await groups(name)) await removeGroup(group);
  for (const { mount } of await hierarchies()) {
    const parent = join(mount, "contest-fleet");
    const entries = await readdir(parent, { withFileTypes: true }).catch(() => undefined);
    if (entries && !entries.some((entry) => entry.isDirectory())) await removeGroup(parent);
  }
}

export const groupsOf = (ref: MachineRef): RegExp => new RegExp(`^${machineId(ref)}(?:-supervisor)?$`);
