// How much memory a process has used at most together with all that it has started. Linux alone.
import { readdirSync, readFileSync } from "node:fs";

/** Of a process that may end meanwhile. */
function told(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function descendants(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    // After the name in brackets: state, parent.
    const parent = Number(
      told(`/proc/${pid}/stat`)
        .replace(/^.*\) \S /s, "")
        .split(" ")[0],
    );
    children.set(parent, [...(children.get(parent) ?? []), Number(pid)]);
  }
  const found: number[] = [];
  for (let next = [root]; next.length > 0; next = next.flatMap((pid) => children.get(pid) ?? [])) found.push(...next);
  return found.slice(1);
}

/** MiB of each process; what several share counts once. */
const used = (pid: number): number => Number(/^Pss: +(\d+) kB/m.exec(told(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024;

/** Looks twice a second until `stop`, which gives the most MiB that all but `except` took at once. */
export function watchMemory(except: readonly number[] = []): { stop(): number } {
  let most = 0;
  const look = () => {
    const all = descendants(process.pid).filter((pid) => !except.includes(pid));
    most = Math.max(
      most,
      all.reduce((sum, pid) => sum + used(pid), 0),
    );
  };
  const timer = setInterval(look, 500);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}
