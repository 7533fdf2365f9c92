// What was measured, as a table of medians for docs/performance.md.
import { readFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { run } from "../../machines/run.ts";
import { type Phase, phases, type Sample } from "./contestant.ts";
import type { Measured } from "./rounds.ts";

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const of = (samples: readonly Sample[], what: (sample: Sample) => number | undefined): number =>
  median(samples.map(what).filter((value): value is number => value !== undefined));

/** From the start of its program: what a person waits for. */
const whole = ({ seconds, startSeconds = 0 }: Sample): number => seconds + startSeconds;

const seconds = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));

/** Whole commands first: that is what a person waits for. */
export function table(measured: readonly Measured[]): string {
  const core = measured.filter(({ contestant }) => !isWhole(contestant));
  const blocks = phases.map((phase) => `### ${phase[0]?.toUpperCase()}${phase.slice(1)}\n\n${phaseTable(core, phase)}`);
  return [wholeTable(measured), ...blocks, memory(core), skips(measured)].filter(Boolean).join("\n\n");
}

const isWhole = (contestant: string): boolean => contestant.startsWith("fleet ");

/** A row a command and phase: time (and how many times the floor's), CPU seconds and memory of everything that it started. */
function wholeTable(measured: readonly Measured[]): string {
  const rows = measured.filter(({ contestant, samples }) => isWhole(contestant) && samples.length > 0);
  if (rows.length === 0) return "";
  const counts = [...new Set(rows.map(({ hosts }) => hosts))].sort((a, b) => a - b);
  const names = [...new Set(rows.map(({ contestant, phase }) => `${contestant}, ${phase}`))];
  const cell = (name: string, hosts: number) => {
    const row = rows.find((each) => each.hosts === hosts && `${each.contestant}, ${each.phase}` === name);
    return row ? wholeText(row, measured) : "not run";
  };
  const lines = [
    ["command", ...counts.map((hosts) => `${hosts} ${hosts === 1 ? "host" : "hosts"}`)],
    ["---", ...counts.map(() => "---:")],
  ];
  const body = [...lines, ...names.map((name) => [name, ...counts.map((hosts) => cell(name, hosts))])];
  return `### Whole commands\n\n${body.map((columns) => `| ${columns.join(" | ")} |`).join("\n")}`;
}

/** How many times as long as the floor of the same run; undefined where that was not measured. */
export function besideFloor({ hosts, phase, samples }: Measured, measured: readonly Measured[]): number | undefined {
  const floor = measured.find((each) => each.contestant === "floor" && each.hosts === hosts && each.phase === phase);
  return floor && floor.samples.length > 0 ? of(samples, whole) / of(floor.samples, whole) : undefined;
}

function wholeText(row: Measured, measured: readonly Measured[]): string {
  const ratio = besideFloor(row, measured);
  const beside = ratio === undefined ? "" : ` (${ratio.toFixed(1)} × floor)`;
  const [cpu, megabytes] = [of(row.samples, ({ cpuSeconds }) => cpuSeconds), of(row.samples, ({ memoryMB }) => memoryMB)];
  return `${seconds(of(row.samples, whole))} s${beside}, ${seconds(cpu)} CPU s, ${megabytes.toFixed(0)} MB`;
}

function phaseTable(measured: readonly Measured[], phase: Phase): string {
  const cells = measured.filter((each) => each.phase === phase && each.samples.length > 0);
  const names = [...new Set(cells.map(({ contestant }) => contestant))];
  const counts = [...new Set(cells.map(({ hosts }) => hosts))].sort((a, b) => a - b);
  const cell = (name: string, hosts: number) => cells.find((each) => each.contestant === name && each.hosts === hosts)?.samples;
  const row = (name: string) => [name, ...counts.map((hosts) => text(name, cell(name, hosts), cell("floor", hosts), cell("fleet", hosts)))];
  const lines = [
    ["seconds", ...counts.map((hosts) => `${hosts} ${hosts === 1 ? "host" : "hosts"}`)],
    ["---", ...counts.map(() => "---:")],
  ];
  return [...lines, ...names.map(row)].map((columns) => `| ${columns.join(" | ")} |`).join("\n");
}

/** The product beside the floor, and how many times as long the others take as the product, whole programs both. */
function text(name: string, samples?: readonly Sample[], floor?: readonly Sample[], fleet?: readonly Sample[]): string {
  if (!samples) return "not run";
  const own = of(samples, ({ seconds: each }) => each);
  if (name === "fleet") {
    const beside = floor ? ` (${(own / of(floor, whole)).toFixed(2)} × floor)` : "";
    return `${seconds(own)}${beside}, with start ${seconds(of(samples, whole))}`;
  }
  const ratio =
    fleet && name !== "floor"
      ? ` (${(own / of(fleet, ({ seconds: each }) => each)).toFixed(0)} ×, ${(own / of(fleet, whole)).toFixed(0)} × with start)`
      : "";
  return `${seconds(own)}${ratio}`;
}

function memory(measured: readonly Measured[]): string {
  const rows = measured
    .filter(({ samples }) => samples.some(({ memoryMB }) => memoryMB !== undefined))
    .map(
      ({ hosts, phase, samples }) => `${hosts} hosts, ${phase}: ${Math.max(...samples.map(({ memoryMB = 0 }) => memoryMB)).toFixed(0)} MB`,
    );
  return rows.length > 0 ? `Memory of the controlling process (largest resident size): ${rows.join("; ")}.` : "";
}

function skips(measured: readonly Measured[]): string {
  const reasons = new Set(
    measured.flatMap(({ contestant, hosts, skipped }) => (skipped ? [`${contestant} at ${hosts} hosts: ${skipped}`] : [])),
  );
  const runs = measured.map(({ contestant, hosts, samples }) => `${contestant}/${hosts}: ${samples.length}`);
  return [`Runs: ${[...new Set(runs)].join(", ")}.`, ...[...reasons].map((reason) => `Not run: ${reason}.`)].join("\n");
}

/** Machine, kernel and versions, a line each. */
export async function machine(venv: string): Promise<readonly string[]> {
  const [cpu] = cpus();
  const openssh = await run("sh", ["-c", "ssh -V 2>&1"]);
  const pins = await readFile(join(import.meta.dirname, "peers/requirements.txt"), "utf8");
  const pinned = pins.split("\n").filter((line) => /^(?:pyinfra|ansible-core|mitogen)==/.test(line));
  const python = await run(join(venv, "bin/python"), ["--version"]).catch(() => "no Python environment");
  return [
    `${cpus().length} cores of ${cpu?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    `Node ${process.version}, ${openssh.trim()}`,
    `${pinned.join(", ")}, ${python.trim()}`,
  ];
}
