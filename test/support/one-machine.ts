// A practice machine of its own for a test file, with a root shell on it.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { run } from "../../machines/run.ts";
import { sweep } from "../../machines/sweep.ts";
import { openShell, type Session } from "../../provisioners/ssh/session.ts";

export interface OneMachine {
  readonly shell: Session;
  /** Takes the machine and its key away. */
  gone(): Promise<void>;
}

/** @param net third number of its addresses, `10.213.<net>.0/24`: of each test file's own, since several may run at once */
export async function oneMachine(name: string, net: number, memoryMiB = 1024): Promise<OneMachine> {
  const stack = `${name}-${process.pid}`;
  const directory = await mkdtemp(join(tmpdir(), `${name}-`));
  const key = join(directory, "key");
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key]);
  const authorizedKey = (await readFile(`${key}.pub`, "utf8")).trim();
  const place = { address: `10.213.${net}.11`, subnet: `10.213.${net}.0/24` };
  const spec = { stack, name: "isu1", driver: "nspawn", cores: 1, memoryMiB, release: "bookworm", authorizedKey, ...place } as const;
  const { address, port, user, hostKey } = await nspawn.ensure(spec);
  const shell = await openShell({ name: "isu1", address, port, user, hostKey, privateKey: await readFile(key, "utf8") });
  const gone = async () => {
    await shell.close();
    await sweep(stack);
    await rm(directory, { recursive: true });
  };
  return { shell, gone };
}
