// At the end of a run: which files took longest, so that whoever adds a test sees what it costs everybody.
import { basename } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

/** How many are shown, and from how many seconds on. */
const [most, least] = [12, 5];

export interface FileTime {
  readonly file: string;
  readonly seconds: number;
}

export function timesText(times: readonly FileTime[]): string {
  const long = [...times].sort((a, b) => b.seconds - a.seconds).filter(({ seconds }) => seconds >= least);
  if (long.length === 0) return "";
  const rows = long.slice(0, most).map(({ file, seconds }) => `${seconds.toFixed(0).padStart(6)} s  ${basename(file)}`);
  return ["what took longest", ...rows].join("\n");
}

export class FileTimes implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const times = modules.map((module) => ({ file: module.moduleId, seconds: module.diagnostic().duration / 1000 }));
    const text = timesText(times);
    if (text !== "") console.log(`\n${text}`);
  }
}
