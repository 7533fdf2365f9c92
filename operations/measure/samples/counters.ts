// One copy of the kernel's counters, from lines of /proc: pure.

export interface Counters {
  /** Seconds of the epoch. */
  time: number;
  /** Ticks of each core and of all (`cpu`): busy, waiting for disks, taken by the host, and all in all. */
  readonly cores: Map<string, { readonly busy: number; readonly wait: number; readonly steal: number; readonly all: number }>;
  running: number;
  /** kB. */
  readonly memory: Map<string, number>;
  /** Pages, page faults. */
  readonly virtual: Map<string, number>;
  diskRead: number;
  diskWritten: number;
  /** Milliseconds in which a disk was at work. */
  diskBusy: number;
  received: number;
  sent: number;
  readonly tcp: Map<string, number>;
  connections: number;
  /** Ticks by process: `1234 mariadbd`. */
  readonly processes: Map<string, number>;
}

export const empty = (time: number): Counters => ({
  time,
  cores: new Map(),
  running: 0,
  memory: new Map(),
  virtual: new Map(),
  diskRead: 0,
  diskWritten: 0,
  diskBusy: 0,
  received: 0,
  sent: 0,
  tcp: new Map(),
  connections: 0,
  processes: new Map(),
});

const wantedMemory = new Set(["MemTotal", "MemAvailable", "SwapTotal", "SwapFree", "Dirty"]);
const wantedVirtual = new Set(["pswpin", "pswpout", "pgmajfault", "oom_kill"]);
const wantedTcp = new Set(["ListenOverflows", "ListenDrops", "RetransSegs", "PassiveOpens", "TCPBacklogDrop"]);
const sector = 512;
/** Whole disks, not their partitions, nor what is made of several. */
const disk = /^(?:sd[a-z]+|x?vd[a-z]+|nvme\d+n\d+)$/;

const numbers = (text: string): readonly number[] => text.trim().split(/\s+/).map(Number);

function core(into: Counters, line: string): void {
  const [name = "", ...ticks] = line.split(/\s+/);
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] = ticks.map(Number);
  const busy = user + nice + system + irq + soft;
  into.cores.set(name, { busy, wait, steal, all: busy + idle + wait + steal });
}

/** A command's name may hold anything, brackets too: the last one ends it. */
function process(into: Counters, line: string): void {
  const open = line.indexOf("(");
  const close = line.lastIndexOf(")");
  if (open < 0 || close < open) return;
  const fields = line.slice(close + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (Number.isFinite(ticks)) into.processes.set(`${line.slice(0, open).trim()} ${line.slice(open + 1, close)}`, ticks);
}

function disks(into: Counters, line: string): void {
  const [, , name = "", , , read, , , , written, , , busy] = line.trim().split(/\s+/);
  if (!disk.test(name)) return;
  into.diskRead += Number(read) * sector;
  into.diskWritten += Number(written) * sector;
  into.diskBusy = Math.max(into.diskBusy, Number(busy));
}

function network(into: Counters, line: string): void {
  const [name = "", figures = ""] = line.split(":");
  const [received = 0, , , , , , , , sent = 0] = numbers(figures);
  if (name.trim() === "lo") return;
  into.received += received;
  into.sent += sent;
}

/** `pswpin 12`, `MemFree:  12 kB`. */
function pair(into: Counters, name: string, value: number): void {
  if (name === "procs_running") into.running = value;
  if (wantedMemory.has(name)) into.memory.set(name, value);
  if (wantedVirtual.has(name)) into.virtual.set(name, value);
}

/** `Tcp: RetransSegs …`, and a line below it `Tcp: 12 …`. */
function protocol(into: Counters, name: string, rest: string, heads: Map<string, readonly string[]>): void {
  if (!/^-?\d/.test(rest)) {
    heads.set(name, rest.split(" "));
    return;
  }
  const names = heads.get(name) ?? [];
  for (const [index, value] of rest.split(" ").entries()) {
    const word = names[index];
    if (word !== undefined && wantedTcp.has(word)) into.tcp.set(word, Number(value));
  }
}

/** Puts a line into the counters. `heads` remembers the names that stand a line above their figures. */
export function take(into: Counters, line: string, heads: Map<string, readonly string[]>): void {
  const [, name = "", value] = /^(\w+):?\s+(-?\d+)(?: kB)?$/.exec(line) ?? [];
  const [, transport = "", rest = ""] = /^(Tcp|TcpExt): (.+)$/.exec(line) ?? [];
  const inUse = /^TCP: inuse (\d+)/.exec(line)?.[1];
  if (line.startsWith("cpu")) core(into, line);
  else if (/^\d+ \(/.test(line)) process(into, line);
  else if (/^\s+\d+\s+\d+ \S/.test(line)) disks(into, line);
  else if (/^\s*[\w.@-]+:(?:\s*\d+){16}\s*$/.test(line)) network(into, line);
  else if (value !== undefined) pair(into, name, Number(value));
  else if (inUse !== undefined) into.connections = Number(inUse);
  else if (transport !== "") protocol(into, transport, rest, heads);
}
