// Runs commands one after the other, says how long each took, and stops at none: a person wants to see everything that is wrong.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

export const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

/** Through this Node: what stands in node_modules/.bin would take whatever Node is first on PATH. */
const viaNode = (name: string, ...args: string[]): string[] => [process.execPath, bin(name), ...args];

export const vitest = (project: string, ...args: string[]): Step => ({
  name: `${project} tests`,
  command: viaNode("vitest", "run", "--project", project, ...args),
});

export const types: Step = { name: "types", command: viaNode("tsc", "--noEmit") };

export const checks: readonly Step[] = [
  { name: "format and lint", command: viaNode("biome", "check", "--error-on-warnings", "--max-diagnostics=50") },
  types,
  vitest("unit"),
];

/** The names of the steps that failed. */
export function run(steps: readonly Step[]): readonly string[] {
  const failed = steps.filter(({ name, command: [file = "", ...args] }) => {
    const start = performance.now();
    console.log(`\n── ${name}`);
    const { status } = spawnSync(file, args, { cwd: root, stdio: "inherit" });
    console.log(`── ${name}: ${status === 0 ? "ok" : "FAILED"} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    return status !== 0;
  });
  return failed.map(({ name }) => name);
}

/** Ends the process with 1 where something failed, after a line that says what. */
export function finish(failed: readonly string[]): void {
  console.log(failed.length === 0 ? "\nall passed" : `\nfailed: ${failed.join(", ")}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
