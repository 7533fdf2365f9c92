// The hosts: each a Debian of its own in a mount and process namespace, with its own sshd on its own loopback address. No systemd inside.
import { type ChildProcess, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../machines/run.ts";
import type { Connection } from "../../provisioners/engine/shell.ts";
import { pidFile } from "./workload.ts";

export interface Keys {
  readonly hostKey: string;
  readonly privateKey: string;
  /** Files: `host`, `client`, `known_hosts`. */
  readonly directory: string;
}

export interface HostsOptions {
  /** The Debian that all hosts share as the lower layer. */
  readonly image: string;
  readonly keys: Keys;
  /** Empty and the bench's own: logs, and the hosts' files where `disk` is set. */
  readonly directory: string;
  /** Keep what hosts write on this computer's disk rather than in memory. */
  readonly disk: boolean;
}

const port = 2283;
const logOf = (directory: string): string => join(directory, "sshd.log");
const addressOf = (index: number): string => `127.83.0.${index + 1}`;

/** Everything is mounted in namespaces of the host's own: with its first process all of it is gone. */
const boot = `set -eu
[ "$4" = disk ] || mount -t tmpfs -o mode=755 bench "$1"
cd "$1"
mkdir -p upper work root
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" bench root
mount --rbind /dev root/dev
mount -t proc proc root/proc
mount -o bind,ro root/proc/sys root/proc/sys
mount -t tmpfs -o mode=755 run root/run
mkdir -p root/run/sshd root/root/.ssh
# There is no systemd here; whole commands ask whether it runs the host, and whether the boot is over.
mkdir -p root/run/systemd/system
printf '#!/bin/sh\\necho running\\n' > root/usr/local/bin/systemctl
# The network is this computer's: other addresses come and go on it.
printf '#!/bin/sh\\n[ "$1" = -I ] && echo %s || exec /bin/hostname "$@"\\n' "$5" > root/usr/local/bin/hostname
chmod 755 root/usr/local/bin/systemctl root/usr/local/bin/hostname
cp "$3/host" root/etc/ssh/bench_host
cp "$3/client.pub" root/root/.ssh/authorized_keys
cp "$3/sshd_config" root/etc/ssh/bench_config
exec chroot root /usr/sbin/sshd -D -e -f /etc/ssh/bench_config -o "ListenAddress=$5"`;

export const sshdConfig = [
  `Port ${port}`,
  `PidFile ${pidFile}`,
  "HostKey /etc/ssh/bench_host",
  ...["PermitRootLogin prohibit-password", "UsePAM no", "UseDNS no", "PrintMotd no", "PrintLastLog no", "LogLevel ERROR"],
  // All contestants knock at once, and one of them with many sessions a connection.
  ...["MaxStartups 100", "MaxSessions 100", "Subsystem sftp internal-sftp"],
  "",
].join("\n");

export class Hosts {
  readonly connections: readonly Connection[];
  readonly #processes: readonly ChildProcess[];
  readonly #directory: string;

  private constructor(connections: readonly Connection[], processes: readonly ChildProcess[], directory: string) {
    this.connections = connections;
    this.#processes = processes;
    this.#directory = directory;
  }

  /** Resolves once every host answers; what was started is gone again where one does not. */
  static async start(count: number, options: HostsOptions): Promise<Hosts> {
    const directory = join(options.directory, "hosts");
    const { hostKey, privateKey } = options.keys;
    const connections = Array.from({ length: count }, (_, index): Connection => {
      return { name: `web${String(index + 1).padStart(2, "0")}`, address: addressOf(index), port, user: "root", hostKey, privateKey };
    });
    for (const { name } of connections) await mkdir(join(directory, name), { recursive: true });
    const processes = connections.map(({ name, address }) => bootOne(join(directory, name), address, options));
    const hosts = new Hosts(connections, processes, directory);
    try {
      await Promise.all(connections.map(({ address }, index) => answers(address, processes[index]!, logOf(options.directory))));
      return hosts;
    } catch (error) {
      await hosts.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(end));
    // The kernel lets go of a namespace's mounts a moment after its last process.
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 20 });
  }
}

function bootOne(directory: string, address: string, { image, keys, disk }: HostsOptions): ChildProcess {
  const log = openSync(logOf(dirname(dirname(directory))), "a");
  const inside = ["sh", "-c", boot, "sh", directory, image, keys.directory, disk ? "disk" : "memory", address];
  // Dies with us, and everything inside with it, even where we are killed.
  const fenced = ["--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", ...inside];
  return spawn("setpriv", fenced, { stdio: ["ignore", "ignore", log] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

async function answers(address: string, child: ChildProcess, log: string): Promise<void> {
  const until = performance.now() + 60_000;
  while (performance.now() < until && child.exitCode === null) {
    if (await greets(address)) return;
    await sleep(50);
  }
  throw new Error(`the host at \`${address}\` did not come up: ${await readFile(log, "utf8")}`);
}

const greets = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 5000 });
    socket.once("data", () => socket.destroy(resolve(true) as undefined));
    socket.once("timeout", () => socket.destroy());
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });

export async function makeKeys(directory: string): Promise<void> {
  for (const name of ["host", "client"])
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", join(directory, name)]);
}
