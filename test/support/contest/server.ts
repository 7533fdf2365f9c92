// A server that an organiser set up: nginx, an application with its unit and environment file, MariaDB with data. Made once; each trial of it
// begins in a second on a fresh layer over the same disk, which is small enough to be filled.
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { groupsOf } from "../../../machines/limits.ts";
import type { MachineSpec } from "../../../machines/machine.ts";
import { linkName, pathsOf } from "../../../machines/names.ts";
import { nspawn } from "../../../machines/nspawn/driver.ts";
import { unmountAll } from "../../../machines/nspawn/overlay.ts";
import { kill, shutDown } from "../../../machines/processes.ts";
import { readRecord, writeRecord } from "../../../machines/record.ts";
import { run } from "../../../machines/run.ts";
import { ssh2 } from "../../../provisioners/ssh/ssh2.ts";
import { type Answer, inside } from "../fleet.ts";

const script = (name: string): string => readFileSync(join(import.meta.dirname, name), "utf8");

/** What a server is, a line each. */
export const sumsScript = script("sums.sh");

export const login = { name: "isucon", password: "isucon", sudo: "password" } as const;

/** What the organiser's programs come from. */
export const packages = ["ca-certificates", "curl", "nginx-light", "mariadb-server", "openssl", "python3", "git", "cron"];

/** Bytes. What an `up` needs beside the database's copy. */
const diskSize = 900 * 1024 * 1024;

export interface Kind {
  /** With what real servers surprise with: another shell, a socket for sshd, links, holds, a root password of the database. */
  readonly odd?: boolean;
  /** @default "bookworm" */
  readonly release?: "bookworm" | "trixie";
}

export class ContestServer {
  readonly name: string;
  readonly address: string;
  readonly #spec: MachineSpec;
  readonly #odd: boolean;
  #start: readonly string[] = [];

  /** @param number the last of its name, and of its address: `isu1` */
  constructor(stack: string, network: string, { odd = false, release = "bookworm" }: Kind = {}, number = 1) {
    this.#odd = odd;
    this.name = `isu${number}`;
    this.address = `${network}.${10 + number}`;
    const authorizedKey = `${ssh2.utils.generateKeyPairSync("ed25519").public} nobody`;
    this.#spec = {
      ...{ stack, name: this.name, driver: "nspawn", cores: 2, memoryMiB: 1024, release },
      ...{
        address: this.address,
        subnet: `${network}.0/24`,
        authorizedKey,
        users: [login],
        preinstalled: odd ? [...packages, "fish"] : packages,
      },
    };
  }

  get #paths() {
    const paths = pathsOf(this.#spec);
    return { ...paths, image: join(paths.directory, "contest"), disk: join(paths.directory, "disk") };
  }

  /** As the organiser hands it out; what the image became is what all trials lie over. */
  async make(): Promise<void> {
    await this.started();
    await this.told(script("image.sh"));
    if (this.#odd) await this.told(script("odd.sh"));
    const { upper, image } = this.#paths;
    await this.#off();
    await rename(upper, image);
    const record = (await readRecord(this.#paths))!;
    await writeRecord(this.#paths, { ...record, image: `${image}:${record.image}` });
    await this.reset();
    this.#start = await this.sums();
  }

  /** What it was when it was handed out. */
  get start(): readonly string[] {
    return this.#start;
  }

  async #off(): Promise<void> {
    await shutDown(this.#spec, this.#paths);
    await kill(groupsOf(this.#spec));
    await unmountAll(this.#paths.root);
  }

  /** As it was handed out. */
  async reset(): Promise<void> {
    const { root, disk, image } = this.#paths;
    await this.#off();
    await unmountAll(disk);
    await rm(disk, { recursive: true, force: true });
    await mkdir(disk);
    await run("mount", ["-t", "tmpfs", "-o", `size=${diskSize},mode=0755`, "contest-fleet", disk]);
    const [upper, work] = [join(disk, "upper"), join(disk, "work")];
    for (const each of [upper, work, root]) await mkdir(each, { recursive: true, mode: 0o755 });
    const { image: lower } = (await readRecord(this.#paths))!;
    if (!existsSync(image)) throw new Error(`${image}: expected the organiser's layer`);
    await run("mount", ["-t", "overlay", "-o", `lowerdir=${lower},upperdir=${upper},workdir=${work}`, "contest-fleet", root]);
    await this.started();
  }

  /** Runs, and has come to rest. */
  async started(): Promise<void> {
    await nspawn.ensure(this.#spec);
    await this.settled();
  }

  async settled(): Promise<void> {
    // What waits for a confirmation that came, or that a killed run never gave, ends within seconds.
    const resting =
      '[ -z "$(systemctl list-jobs --no-legend)" ] && [ -z "$(systemctl list-units --plain --no-legend "fleet-revert-*")" ] && case $(systemctl is-system-running) in running|degraded) ;; *) exit 1 ;; esac';
    for (let tries = 0; tries < 1500; tries++) {
      const answer = await inside(this.#spec.stack, this.name, resting).catch(() => undefined);
      if (answer?.code === 0) return;
      await sleep(200);
    }
    throw new Error(
      `${this.name}: expected it to come to rest within five minutes; ${(await inside(this.#spec.stack, this.name, "systemctl list-jobs; systemctl is-system-running")).said}`,
    );
  }

  run(text: string): Promise<Answer> {
    return inside(this.#spec.stack, this.name, text);
  }

  async told(text: string): Promise<string> {
    const { code, stdout, said } = await this.run(text);
    if (code !== 0) throw new Error(`${this.name}: ended with ${code}: ${said}`);
    return stdout;
  }

  async sums(): Promise<readonly string[]> {
    return (await this.told(sumsScript)).split("\n").filter(Boolean);
  }

  async reboot(): Promise<void> {
    const boot = "cut -d ' ' -f 22 /proc/1/stat; cat /proc/sys/kernel/random/boot_id";
    const before = (await nspawn.read(this.#spec))?.leaderPid;
    await this.run("systemctl reboot").catch(() => undefined);
    for (let tries = 0; tries < 2400; tries++) {
      const now = (await nspawn.read(this.#spec))?.leaderPid;
      if (now !== undefined && now !== before && (await this.run(boot).catch(() => undefined))?.code === 0) return await this.started();
      await sleep(100);
    }
    throw new Error(`${this.name}: expected it back within four minutes`);
  }

  /** Pulls its cable, or puts it in again. */
  async cable(state: "up" | "down"): Promise<void> {
    await run("ip", ["link", "set", linkName(this.#spec), state]);
  }

  /** Leaves this many KiB of its disk; the answer gives the rest back. */
  async fill(kib: number): Promise<() => Promise<void>> {
    const ballast = join(this.#paths.disk, "ballast");
    const { bavail, bsize } = statfsSync(this.#paths.disk);
    await run("fallocate", ["-l", String(Math.max(1, bavail * bsize - kib * 1024)), ballast]);
    return () => rm(ballast, { force: true });
  }
}
