// A practice machine of its own for a test file, with a root shell on it.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { run } from "../../machines/run.ts";
import { sweep } from "../../machines/sweep.ts";
import { openShell, type Session } from "../../provisioners/ssh/session.ts";
import { inside } from "./fleet.ts";
import { ownNetwork, ownStack } from "./own.ts";

export interface OneMachine {
  readonly shell: Session;
  /** Ends the session, and takes the place of it: tries for so many milliseconds. */
  reopen(bootWindow: number): Promise<void>;
  /** Runs a script past that session, whatever it is at. */
  beside(script: string): Promise<void>;
  /** Takes the machine and its key away. */
  gone(): Promise<void>;
}

export async function oneMachine(
  name: string,
  memoryMiB = 1024,
  release: "bookworm" | "trixie" = "bookworm",
  preinstalled: readonly string[] = [],
): Promise<OneMachine> {
  const [stack, network] = [ownStack(name), ownNetwork()];
  const directory = await mkdtemp(join(tmpdir(), `${name}-`));
  const key = join(directory, "key");
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key]);
  const authorizedKey = (await readFile(`${key}.pub`, "utf8")).trim();
  const place = { address: `${network}.11`, subnet: `${network}.0/24` };
  const spec = { stack, name: "isu1", driver: "nspawn", cores: 1, memoryMiB, release, authorizedKey, preinstalled, ...place } as const;
  const { address, port, user, hostKey } = await nspawn.ensure(spec);
  const connection = { name: "isu1", address, port, user, hostKey, privateKey: await readFile(key, "utf8") };
  let shell = await openShell(connection);
  return {
    get shell() {
      return shell;
    },
    async reopen(bootWindow) {
      await shell.close();
      shell = await openShell(connection, { bootWindow });
    },
    async beside(script) {
      const { code, said } = await inside(stack, "isu1", script);
      if (code !== 0) throw new Error(`${script}: ended with ${code}: ${said}`);
    },
    async gone() {
      await shell.close();
      await sweep(stack);
      await rm(directory, { recursive: true });
    },
  };
}
