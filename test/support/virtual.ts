// Virtual machines for tests: one key, the OpenSSH client with nothing known but the machine's host key, reboots waited for.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { MachineState } from "../../machines/machine.ts";
import { run } from "../../machines/run.ts";

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Milliseconds. A translated machine on a busy computer is slow. */
const patience = 600_000;

export class Operator {
  readonly authorizedKey: string;
  readonly #directory: string;

  private constructor(directory: string, authorizedKey: string) {
    this.#directory = directory;
    this.authorizedKey = authorizedKey;
  }

  static async make(): Promise<Operator> {
    const directory = await mkdtemp(join(tmpdir(), "virtual-test-"));
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", join(directory, "key")]);
    return new Operator(directory, (await readFile(join(directory, "key.pub"), "utf8")).trim());
  }

  leave = (): Promise<void> => rm(this.#directory, { recursive: true });

  /** `input` goes to the command's standard input. */
  async ssh({ id, address, port, user, hostKey }: MachineState, command: string, input = ""): Promise<Answer> {
    const known = join(this.#directory, `known-${id.replace("/", "-")}`);
    await writeFile(known, `[${address}]:${port} ${hostKey}\n`);
    const only = [
      "BatchMode=yes",
      "StrictHostKeyChecking=yes",
      `UserKnownHostsFile=${known}`,
      "GlobalKnownHostsFile=none",
      "ConnectTimeout=60",
    ];
    const args = ["-F", "none", "-i", join(this.#directory, "key"), "-p", `${port}`, ...only.flatMap((each) => ["-o", each])];
    return new Promise((resolve) => {
      const child = execFile("ssh", [...args, `${user}@${address}`, command], { timeout: patience }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
      );
      child.stdin?.on("error", () => undefined).end(input);
    });
  }

  /** What a command prints; a failure fails the test, with what it said. */
  async text(state: MachineState, command: string, input = ""): Promise<string> {
    const { code, stdout, stderr } = await this.ssh(state, command, input);
    expect({ code, said: code === 0 ? "" : `${stdout}${stderr}` }, command).toEqual({ code: 0, said: "" });
    return stdout.trim();
  }

  /** As root, a script on standard input. */
  root = (state: MachineState, script: string): Promise<string> => this.text(state, "sudo sh -eu", script);

  /** From inside; returns when the next boot answers. */
  async reboot(state: MachineState): Promise<void> {
    const which = "cat /proc/sys/kernel/random/boot_id";
    const before = await this.text(state, which);
    await this.ssh(state, "sudo systemctl reboot");
    const end = Date.now() + patience;
    for (;;) {
      const { code, stdout } = await this.ssh(state, which);
      if (code === 0 && stdout.trim() !== before) return;
      if (Date.now() > end) throw new Error(`${state.id} has not booted again within ${patience / 1000} s`);
      await sleep(500);
    }
  }
}
