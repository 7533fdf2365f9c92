// What a role may know of its server. Only what does not change from one minute to the next: facts are inputs of templates.
import { isIPv4 } from "node:net";
import { z } from "zod";
import { ask } from "./ask.ts";
import type { Look } from "./probe.ts";
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

const script = sh`. /etc/os-release
printf '%s\n' "$ID" "$VERSION_ID" "$(uname -m)" "$(nproc)"
while read -r name value rest; do [ "$name" = MemTotal: ] && printf '%s\n' "$value"; done < /proc/meminfo
[ -e /run/systemd/container ] && echo yes || echo no
command -v apt-get >/dev/null && echo apt || echo dnf
[ -d /etc/cloud/cloud.cfg.d ] && echo yes || echo no
sed -n 's/^[[:space:]]*user[[:space:]]\\{1,\\}\\([a-z_][a-z0-9_-]*\\)[[:space:];].*/\\1/p' /etc/nginx/nginx.conf 2>/dev/null | head -n 1 | grep . || echo
hostname -I 2>/dev/null || echo
df -P -m /var/lib 2>/dev/null | sed -n '2s/^[^ ]* *\\([0-9]*\\) .*/\\1/p' | grep . || echo
while IFS=: read -r name rest uid gid gecos home shell; do
  [ "$uid" -ge 1000 ] && [ "$uid" -lt 60000 ] || continue
  group=$(getent group "$gid") || group=$gid
  [ "$home:\${group%%:*}" = "/home/$name:$name" ] || printf '%s:%s:%s\n' "$name" "$home" "\${group%%:*}"
done < /etc/passwd`;

const architectures: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

const accountsIn = (lines: readonly string[]): Facts["accounts"] =>
  Object.fromEntries(
    lines.filter(Boolean).map((line) => [line.split(":")[0] ?? "", { home: line.split(":")[1], group: line.split(":")[2] }]),
  ) as Facts["accounts"];

/** Costs one remote command, or a part of one. What the server answers is checked: it may be hostile. */
export function readFacts(shell: Shell, options?: RunOptions): Promise<Facts> {
  const question = (look: Look) => {
    const answer = look.command(script);
    return () => parseFacts(shell, answer().stdout);
  };
  return ask(shell, question, options);
}

function parseFacts(shell: Shell, text: string): Facts {
  const [
    distribution,
    version,
    machine = "",
    cores,
    memory,
    container,
    packageManager,
    cloudInit,
    nginxUser,
    addresses = "",
    disk,
    ...accounts
  ] = text.split("\n");
  const parsed = Facts.safeParse({
    distribution,
    version,
    architecture: architectures[machine],
    cores: Number(cores),
    memoryMiB: Math.floor(Number(memory) / 1024),
    container: container === "yes",
    packageManager,
    cloudInit: cloudInit === "yes",
    accounts: accountsIn(accounts),
    ...(nginxUser && nginxUser !== "www-data" && { nginxUser }),
    addresses: addresses.split(" ").filter((address) => isIPv4(address)),
    ...(Number(disk) > 0 && { diskMiB: Number(disk) }),
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
