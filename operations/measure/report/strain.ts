// What a server's samples say of where it was at its limits. Pure.
import type { ServerReport } from "../analyse.ts";
import { bytes, percent, seconds, whole } from "./figures.ts";
import type { Finding } from "./findings.ts";

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);

type Look = (report: ServerReport) => readonly (Omit<Finding, "server"> | false)[];

/** From where a core, or all, count as full; and for how much of the run. */
const full = 0.95;
const often = 0.3;
const share = (values: readonly number[], from: number): number =>
  values.filter((each) => each >= from).length / Math.max(1, values.length);

const memory: Look = ({ samples: series }) => {
  if (!series) return [];
  const swapped = sum(series.swapping);
  const least = Math.min(...series.memoryAvailable);
  return [
    swapped >= 100 && {
      weight: 100,
      what: "it swaps",
      evidence: `${whole(swapped)} pages in and out, up to ${whole(most(series.swapping))} a second, ${bytes(most(series.swapUsed))} of swap used`,
      next: "less memory for buffers and workers, or vm.swappiness=1; only then look at the rest",
    },
    series.killed > 0 && {
      weight: 100,
      what: "processes were killed for memory",
      evidence: `${series.killed} by the kernel`,
      next: "journalctl -k",
    },
    swapped < 100 &&
      least < series.memoryTotal / 20 && {
        weight: 75,
        what: "memory is nearly full",
        evidence: `${bytes(least)} of ${bytes(series.memoryTotal)} were left`,
        next: "buffer pool, workers, caches: what is largest",
      },
    most(series.faults) > 200 &&
      swapped < 100 && {
        weight: 65,
        what: "pages are read from disk",
        evidence: `up to ${whole(most(series.faults))} major faults a second`,
        next: "memory for the page cache: smaller buffers",
      },
  ];
};

const processors: Look = ({ samples: series }) => {
  if (!series) return [];
  const [top] = series.processes;
  const by = top ? `; ${top.name} took ${seconds(top.seconds)} of a core` : "";
  const alone = share(series.busiest, full);
  // The first second is before the first time.
  const { length } = series.times;
  const span = (((series.times.at(-1) ?? 0) - (series.times[0] ?? 0)) * length) / Math.max(1, length - 1);
  const took = mean(series.busy) * series.cores * span;
  const own = sum(series.processes.map((each) => each.seconds));
  const foreign = took > 0 && own < took / 10;
  return [
    mean(series.busy) >= 0.9 && {
      weight: foreign ? 40 : 78,
      what: "all cores are full",
      evidence: `${percent(mean(series.busy))} of ${series.cores} on average${foreign ? `; programs here took ${seconds(own)} of ${seconds(took)}` : by}`,
      next: foreign
        ? "in a container, what else runs on its computer, whose figures count here too; else programs that end within a second"
        : "a profile of it; or another server takes a part of it",
    },
    series.cores > 1 &&
      mean(series.busy) < 0.7 &&
      alone >= often && {
        weight: 82,
        what: "one core is full, and others wait",
        evidence: `a core at ${percent(full)} or more for ${percent(alone)} of the time, all together at ${percent(mean(series.busy))}${by}`,
        next: "more workers of what runs in one thread",
      },
    mean(series.wait) >= 0.2 && {
      weight: 76,
      what: "it waits for its disk",
      evidence: `${percent(mean(series.wait))} of the time; up to ${bytes(most(series.diskWritten))}/s written, ${bytes(most(series.diskRead))}/s read`,
      next: "innodb_flush_log_at_trx_commit, logs, a larger buffer pool",
    },
    mean(series.steal) >= 0.05 && {
      weight: 55,
      what: "the host takes time away",
      evidence: `${percent(mean(series.steal))} stolen: a burstable type out of credits, or a noisy neighbour`,
      next: "compare no scores of such runs",
    },
  ];
};

const network: Look = ({ samples: series, hardware }) => {
  if (!series) return [];
  const peak = most(series.sent) * 8;
  const line = (hardware.lineMbps ?? 0) * 1e6;
  return [
    series.overflows > 0 && {
      weight: 88,
      what: "connections were turned away",
      evidence: `${whole(series.overflows)} times a listen queue was full (${whole(series.drops)} drops)`,
      next: "net.core.somaxconn and the backlog of what listens",
    },
    line > 0 &&
      peak >= line * 0.8 && {
        weight: 84,
        what: "the line is full",
        evidence: `up to ${bytes(peak / 8)}/s sent, of a line of ${whole(line / 1e6)} Mbit/s`,
        next: "304 by Cache-Control, gzip, another server for files",
      },
  ];
};

const database: Look = ({ database: series, configuration }) => {
  if (!series) return [];
  const limit = Number(/^max_connections\t(\d+)/m.exec(configuration.mysql ?? "")?.[1] ?? 0);
  const misses = series.bufferRequests === 0 ? 0 : series.bufferReads / series.bufferRequests;
  return [
    (series.refused > 0 || (limit > 0 && most(series.connected) >= limit)) && {
      weight: 92,
      what: "MySQL's connections ran out",
      evidence: `${whole(most(series.connected))} of max_connections=${limit}, ${whole(series.refused)} refused`,
      next: "a pool in the application, or max_connections",
    },
    series.bufferReads >= 1000 &&
      misses > 0.01 && {
        weight: 74,
        what: "the buffer pool is too small",
        evidence: `${percent(misses)} of ${whole(series.bufferRequests)} pages came from disk`,
        next: "innodb_buffer_pool_size",
      },
    series.diskTables >= 100 && {
      weight: 58,
      what: "temporary tables on disk",
      evidence: `${whole(series.diskTables)} of them`,
      next: "queries with GROUP BY and ORDER BY",
    },
    series.lockWaits >= 100 && {
      weight: 72,
      what: "rows are waited for",
      evidence: `${whole(series.lockWaits)} waits for row locks`,
      next: "shorter transactions",
    },
  ];
};

/** `worker_connections` of each process, and both sides of what is passed on count. */
function nginxRoom(configuration: string, cores: number): number {
  const each = Number(/^\s*worker_connections\s+(\d+);/m.exec(configuration)?.[1] ?? 512);
  const processes = /^\s*worker_processes\s+(\w+);/m.exec(configuration)?.[1] ?? "1";
  return each * (processes === "auto" ? Math.max(1, cores) : Number(processes) || 1);
}

const web: Look = ({ web: status, configuration, samples: series }) => {
  const room = nginxRoom(configuration.nginx ?? "", series?.cores ?? 1);
  const active = most(status?.nginx?.active ?? []);
  return [
    active >= room * 0.9 && {
      weight: 89,
      what: "nginx's connections ran out",
      evidence: `${whole(active)} at once, of worker_connections × worker_processes = ${whole(room)}`,
      next: "worker_connections, with worker_rlimit_nofile above twice that",
    },
    ...(status?.pools ?? []).map(
      ({ name, full: reached, queue, active: working, idle }) =>
        (reached > 0 || most(queue) > 0) && {
          weight: 86,
          what: "php-fpm's workers ran out",
          evidence: `pool ${name}: up to ${whole(most(working))} at work and ${whole(most(queue))} requests waiting, ${whole(Math.min(...idle))} idle at the least; pm.max_children reached ${whole(reached)} times`,
          next: "pm = static with more pm.max_children, as memory allows; or what each request waits for",
        },
    ),
  ];
};

const looks: readonly Look[] = [memory, processors, network, web, database];

export const strainIn = (report: ServerReport): readonly Finding[] =>
  looks.flatMap((look) => look(report).flatMap((each) => (each ? [{ ...each, server: report.server }] : [])));
