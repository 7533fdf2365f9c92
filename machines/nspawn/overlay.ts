// A machine's file system: an overlay over the image, mounted while the machine exists.
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { MachineError } from "../machine.ts";
import type { MachinePaths } from "../names.ts";
import { platform } from "../platform.ts";
import { run } from "../run.ts";

/** Mount points at or below a directory, the deepest first. */
export async function mounts(directory: string): Promise<string[]> {
  if (!platform.containers) return [];
  const table = await readFile("/proc/self/mountinfo", "utf8");
  const points = table.split("\n").flatMap((line) => line.split(" ")[4] ?? []);
  return points.filter((point) => point === directory || point.startsWith(`${directory}/`)).reverse();
}

/** `lower`: an image, or `layer:image`. */
export async function mountOverlay({ root, upper, work }: Pick<MachinePaths, "root" | "upper" | "work">, lower: string): Promise<void> {
  for (const each of [root, upper, work]) await mkdir(each, { recursive: true, mode: 0o755 });
  await run("mount", ["-t", "overlay", "-o", `lowerdir=${lower},upperdir=${upper},workdir=${work}`, "contest-fleet", root]);
}

export async function mountRoot(paths: MachinePaths, lower: string): Promise<void> {
  if ((await mounts(paths.root)).length > 0) return;
  const gone = lower.split(":").find((each) => !existsSync(each));
  if (gone) throw new MachineError(`\`${paths.directory}\`: its image \`${gone}\` is gone; destroy the machine and make it again`);
  await mountOverlay(paths, lower);
}

/** The kernel lets go of a mount a moment after the last process that used it. */
export async function unmountAll(directory: string): Promise<void> {
  for (const point of await mounts(directory)) {
    for (let tries = 0; ; tries++) {
      // The last resort takes it out of sight now, and the kernel ends it with its last user.
      const done = await run("umount", tries < 40 ? ["--", point] : ["--lazy", "--", point]).then(
        () => true,
        (error: unknown) => error,
      );
      if (done === true) break;
      if (tries >= 40) throw done;
      await sleep(50);
    }
  }
}
