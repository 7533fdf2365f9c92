// What a role may know of its server. Only what does not change from one minute to the next: facts are inputs of templates.
import { isIPv4 } from "node:net";
import { z } from "zod";
import { ask } from "./ask.ts";
import type { KernelSeen, Look } from "./probe.ts";
import { rowsOf, text } from "./probe-results.ts";
import { HostError, type RunOptions, type Shell } from "./shell.ts";
import { sh } from "./shell-quote.ts";

export const Facts = z.strictObject({
  /** `debian`, `ubuntu`, `amzn`. */
  distribution: z.string(),
  /** `12`, `24.04`. */
  version: z.string(),
  architecture: z.enum(["amd64", "arm64"]),
  cores: z.int().positive(),
  memoryMiB: z.int().positive(),
  /** Shares its kernel with others: only net.* settings are its own. */
  container: z.boolean(),
  packageManager: z.enum(["apt", "dnf"]),
  /** Has cloud-init, which would write names and hosts again at a boot. */
  cloudInit: z.boolean(),
  /** People's accounts whose home or primary group is not what their name says. */
  accounts: z
    .record(z.string(), z.strictObject({ home: z.string().regex(/^\/[\w./@+-]*$/), group: z.string().regex(/^[\w.-]+$/) }))
    .optional(),
  /** As whom nginx serves by its own file, where that is not www-data: whoever set the server up let that user read the site. */
  nginxUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
    .optional(),
  /** IPv4 addresses that are on its interfaces: what a service can listen on. */
  addresses: z.array(z.ipv4()).optional(),
  /** The size of the file system where services keep their data (/var/lib): what is free on it changes from one minute to the next. */
  diskMiB: z.int().positive().optional(),
});
export type Facts = z.infer<typeof Facts>;

/** All of them or none: a template that counts with half of what it needs writes `NaN` into a file. */
export function completeFacts(known: Partial<Facts> | undefined): Facts | undefined {
  return Facts.loose().safeParse(known).success ? (known as Facts) : undefined;
}

const nginxConf = "/etc/nginx/nginx.conf";

/** What no file says as it is. Built-ins wherever they do: a process costs a server a millisecond. Kernels before 6.1 do not tell what they run on. */
const script = sh`. /etc/os-release
{ read -r machine < /proc/sys/kernel/arch; } 2>/dev/null || machine=$(uname -m)
if [ -e /run/systemd/container ]; then container=yes; else container=no; fi
if command -v apt-get >/dev/null; then manager=apt; else manager=dnf; fi
if [ -d /etc/cloud/cloud.cfg.d ]; then cloud=yes; else cloud=no; fi
printf '%s\n' "$ID" "$VERSION_ID" "$machine" "$container" "$manager" "$cloud" "$(stat -f -c '%b %S' -- /var/lib)"
hostname -I || echo
[ ! -L ${nginxConf} ] || cat -- ${nginxConf}`;

const architectures: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** People's, by /etc/passwd and /etc/group. */
function accountsIn(passwd: string, group: string): Facts["accounts"] {
  const groups = new Map(rowsOf(group).map(([name, , gid]) => [gid, name]));
  const people = rowsOf(passwd).filter(([, , uid]) => Number(uid) >= 1000 && Number(uid) < 60_000);
  const all = people.map(([name = "", , , gid = "", , home = ""]) => [name, { home, group: groups.get(gid) ?? gid }] as const);
  return Object.fromEntries(all.filter(([name, { home, group }]) => home !== `/home/${name}` || group !== name));
}

const nginxUserIn = (text: string): string | undefined => /^[^\S\n]*user[^\S\n]+([a-z_][a-z0-9_-]*)[^\S\n;]/m.exec(text)?.[1];

/** As df rounds it. */
function diskIn(blocks: string): number | undefined {
  const [count, size] = blocks.split(" ").map(Number);
  const mebibytes = Math.ceil(((count ?? 0) * (size ?? 0)) / 2 ** 20);
  return mebibytes > 0 ? mebibytes : undefined;
}

/** Costs one remote command, or a part of one. What the server answers is checked: it may be hostile. */
export function readFacts(shell: Shell, options?: RunOptions): Promise<Facts> {
  const question = (look: Look) => {
    const [answer, kernel] = [look.command(script), look.kernel()];
    const [passwd, group, nginx] = ["/etc/passwd", "/etc/group", nginxConf].map((path) => look.path(path, { content: "whole" }));
    return () =>
      parseFacts(shell, { said: answer().stdout, kernel: kernel(), passwd: text(passwd!()), group: text(group!()), nginx: text(nginx!()) });
  };
  return ask(shell, question, options);
}

interface Said {
  readonly said: string;
  readonly kernel: KernelSeen;
  readonly passwd: string;
  readonly group: string;
  /** Empty where it is a link: then it comes last in `said`. */
  readonly nginx: string;
}

function parseFacts(shell: Shell, { said, kernel, passwd, group, nginx }: Said): Facts {
  const [distribution, version, machine = "", container, packageManager, cloudInit, disk = "", addresses = "", ...behind] =
    said.split("\n");
  const nginxUser = nginxUserIn(nginx || behind.join("\n"));
  const parsed = Facts.safeParse({
    distribution,
    version,
    architecture: architectures[machine],
    cores: kernel.cores,
    memoryMiB: Math.floor(kernel.memoryKiB / 1024),
    container: container === "yes",
    packageManager,
    cloudInit: cloudInit === "yes",
    accounts: accountsIn(passwd, group),
    ...(nginxUser && nginxUser !== "www-data" && { nginxUser }),
    addresses: addresses.split(" ").filter((address) => isIPv4(address)),
    ...(diskIn(disk) !== undefined && { diskMiB: diskIn(disk) }),
  });
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw new HostError(
    shell.host,
    "not-ready",
    `expected a Debian, Ubuntu or Amazon Linux server on amd64 or arm64, got other facts (${wrong}) from \`${machine}\``,
  );
}

/** Exit code of a wait that has nothing to wait for. */
const withoutSystemd = 93;

/** Seconds that a server gets to finish its first boot. */
const bootSeconds = 600;

/** Waits until the server has booted: cloud-init where there is one, then systemd. */
export async function waitForBoot(shell: Shell, options: RunOptions & { readonly onWait: (reason: string) => void }): Promise<void> {
  const waiting = sh`[ -d /run/systemd/system ] || { cat /proc/1/comm; exit ${withoutSystemd}; }
if command -v cloud-init >/dev/null; then echo cloud-init; timeout ${bootSeconds} cloud-init status --wait >/dev/null || exit 1; fi
state=$(timeout ${bootSeconds} systemctl is-system-running --wait 2>&1)
case $state in running|degraded) exit 0 ;; *) printf '%s\n' "$state"; exit 1 ;; esac`;
  const { code, stdout } = await shell.run(waiting, { ...options, deadline: (2 * bootSeconds + 10) * 1000, onLine: options.onWait });
  if (code === withoutSystemd)
    throw new HostError(
      shell.host,
      "not-ready",
      `expected a server that systemd runs, got one whose first process is \`${stdout.toString("utf8").trim()}\` (a container of an application?); its services can't be managed; next: take a virtual machine, or a container that boots systemd`,
    );
  if (code !== 0)
    throw new HostError(
      shell.host,
      "not-ready",
      `expected the boot to end within ${bootSeconds} s, got \`${stdout.toString("utf8").trim()}\`; see \`systemctl list-jobs\` on it`,
    );
}

/** A disk of its own that a server is given, and where the stack file wants it. */
export interface MountedVolume {
  readonly name: string;
  readonly mountPoint: string;
  readonly filesystem: "xfs" | "ext4";
  /** Somebody has said that nothing is on it: one too large to be read whole gets its filesystem. @default false */
  readonly blank?: boolean;
}
