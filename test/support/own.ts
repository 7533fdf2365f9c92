// What a test file has for itself on this computer, so that runs of several checkouts go side by side and none touches the user's: a folder
// with a project in it (stack files, state) and its temporary files, names of stacks, networks. What a killed run left is found again by
// the same folder, and the next run takes it away.
import { appendFileSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { makeFolder, networks, root, stacksFile } from "./own-runs.ts";

/** This test file's. Made when its process starts (own-setup.ts), which hands it on to all that it starts. */
export const own = makeFolder();
export const ownProject = join(own, "project");
// Before any module asks where the project is.
Object.assign(process.env, { FLEET_TESTS: root, FLEET_PROJECT: ownProject, TMPDIR: join(own, "tmp"), FLEET_TYPED: "./fleet" });

/** A name that no other run has; what is made under it goes with the run. */
export function ownStack(purpose: string): string {
  const stack = `${purpose}-${process.pid}`;
  appendFileSync(stacksFile(own), `${stack}\n`);
  return stack;
}

/** `10.213.<n>`: three numbers of a /24 that no other run has. */
export function ownNetwork(): string {
  for (let third = 0; third < 256; third++) {
    try {
      symlinkSync(basename(own), join(networks, String(third)));
      return `10.213.${third}`;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  throw new Error(`${networks}: expected a free network, got 256 that are taken; next: see which test runs are alive`);
}
