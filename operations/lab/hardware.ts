// What a lab ran on: asked of the server itself, kept beside its figures.
import type { Shell } from "../../provisioners/engine/shell.ts";
import { quote } from "../../provisioners/engine/shell-quote.ts";
import { type Answers, askSections } from "../ask-sections.ts";
import type { Hardware } from "./model.ts";

const variables = [
  "version",
  "innodb_buffer_pool_size",
  "innodb_flush_log_at_trx_commit",
  "innodb_flush_method",
  "innodb_log_file_size",
  "innodb_io_capacity",
  "sync_binlog",
  "log_bin",
  "max_connections",
];

const sections = (place: string) =>
  ({
    cpu: `sed -n 's/^model name[[:space:]]*: //p; s/^CPU part[[:space:]]*: /part /p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *//'`,
    // A container sees its host's: what it may have is told by its control group.
    limits: `nproc; awk '/^MemTotal/ { printf "%.0f\\n", $2 * 1024 }' /proc/meminfo; cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max; cat /sys/fs/cgroup/cpu.max 2>/dev/null || echo max`,
    disks: `lsblk -dbnro NAME,SIZE,ROTA,MODEL -e 1,7,11,252 2>/dev/null; grep '^md' /proc/mdstat 2>/dev/null`,
    files: `at=${quote(place)}; until [ -e "$at" ]; do at=$(dirname -- "$at"); done; findmnt -nro FSTYPE,SOURCE,OPTIONS --target "$at"; df -B1 --output=avail "$at" | tail -n 1`,
    system: `uname -r; . /etc/os-release; echo "$PRETTY_NAME"; systemd-detect-virt 2>/dev/null || :`,
    product: "cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name 2>/dev/null",
    database: `client=$(command -v mariadb || command -v mysql) || exit 0
pidof mysqld mariadbd >/dev/null 2>&1 || exit 0
ask() { "$client" -N -B "$@" 2>/dev/null || "$client" --defaults-file=/etc/mysql/debian.cnf -N -B "$@"; }
ask -e "show global variables where variable_name in (${variables.map((name) => `'${name}'`).join(", ")})"`,
  }) as const;

export interface Seen {
  readonly hardware: Hardware;
  /** Bytes, where a lab would write. */
  readonly free: number;
}

/** @param place folder that is written to */
export const hardwareOf = async (shell: Shell, place: string): Promise<Seen> =>
  seenIn(await askSections(shell, sections(place), "what the server is made of"));

const lines = (text: string): readonly string[] => text.split("\n").filter((line) => line.trim() !== "");
const gigabytes = (bytes: number): string => `${Math.round(bytes / 1e9)} GB`;

function diskText(line: string): string {
  const [name = "", size = "", rotates, ...model] = line.split(" ");
  if (name.startsWith("md")) return line.replace(/ :/, "");
  return [name, gigabytes(Number(size)), rotates === "1" ? "spinning" : "solid state", model.join(" ").replaceAll("\\x20", " ")]
    .filter(Boolean)
    .join(", ");
}

/** `200000 100000`: two cores' worth of time. */
function coresOf(seen: number, limit: string): number {
  const [quota = "max", period = ""] = limit.split(" ");
  return quota === "max" ? seen : Math.min(seen, Number(quota) / Number(period));
}

/** Pure. */
export function seenIn(said: Answers<keyof ReturnType<typeof sections>>): Seen {
  const [cores = "1", memory = "0", limit = "max", time = "max"] = lines(said.limits);
  const [mounted = "", free = "0"] = lines(said.files);
  const [type = "", source = "", options = ""] = mounted.split(" ");
  const [kernel = "", system = "", virtual = "none"] = lines(said.system);
  const [vendor, product] = lines(said.product);
  const database = Object.fromEntries(lines(said.database).map((line) => line.split("\t") as [string, string]));
  return {
    free: Number(free),
    hardware: {
      cpu: lines(said.cpu)[0]?.replace(/^(\d+) (.*)$/, "$2, $1 seen") ?? "unknown",
      cores: coresOf(Number(cores), time),
      memory: limit === "max" ? Number(memory) : Math.min(Number(memory), Number(limit)),
      disks: lines(said.disks)
        .filter((line) => !/^(zram|loop|ram|sr)\d/.test(line))
        .map(diskText),
      files: `${type} on ${source} (${options
        .split(",")
        .filter((each) => !/^(lower|upper|work)dir=|^uuid=/.test(each))
        .join(",")})`,
      ...{ kernel, system, virtual },
      // Nitro says it; older ones are told by the stack file.
      ...(vendor === "Amazon EC2" && product !== undefined && { instanceType: product }),
      ...(Object.keys(database).length > 0 && { database }),
    },
  };
}

/** Pure. A practice machine sees its host's memory and may have what its stack file says. */
export const within = (
  seen: Seen,
  declared: { readonly memoryMiB?: number | undefined; readonly cores?: number | undefined } = {},
): Seen => ({
  ...seen,
  hardware: {
    ...seen.hardware,
    memory: Math.min(seen.hardware.memory, (declared.memoryMiB ?? Number.POSITIVE_INFINITY) * 2 ** 20),
    cores: Math.min(seen.hardware.cores, declared.cores ?? Number.POSITIVE_INFINITY),
  },
});
