// Of the project: Pulumi's state, logs and backups. They hold what opens servers, so they are their owner's alone.
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { project } from "../provisioners/project.ts";

/** Of this project: Pulumi's state, and what else is worth keeping between two runs. */
export const stateFolder = join(project, ".fleet");

export function makeStateFolder(): void {
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  own(stateFolder, 0o700);
}

/** Pulumi writes with the user's umask. After each of our runs, nobody else reads what it wrote. */
export function shutStateFolder(): void {
  makeStateFolder();
  for (const name of [".pulumi", "runs", "ended", "settled", "ssh", "history"])
    if (existsSync(join(stateFolder, name))) shut(join(stateFolder, name));
}

function shut(folder: string): void {
  own(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) shut(path);
    else if (entry.isFile()) own(path, 0o600);
  }
}

/** Another run may have taken it away meanwhile. */
function own(path: string, mode: number): void {
  try {
    if ((statSync(path).mode & 0o777 & ~mode) !== 0) chmodSync(path, mode);
  } catch (error) {
    if (!["ENOENT", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
