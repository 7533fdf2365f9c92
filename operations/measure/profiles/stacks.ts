// Profiles of all kinds as one tree of frames. Pure.
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs/light.js";

export interface Frame {
  readonly name: string;
  /** With all that it called. */
  readonly value: number;
  readonly children: readonly Frame[];
}

export interface FlameGraph {
  /** `python 1234`, `perf`, `pprof`. */
  readonly of: string;
  readonly unit: "samples" | "ms";
  readonly root: Frame;
  /** By what they took themselves, without what they called. */
  readonly hottest: readonly { readonly name: string; readonly self: number; readonly all: number }[];
}

/** Frames from the root on, and how much they count. */
export type Stack = readonly [frames: readonly string[], value: number];

/** `a;b;c 12`, a line each, as FlameGraph, py-spy and rbspy write it. */
export const foldedStacks = (text: string): readonly Stack[] =>
  text.split("\n").flatMap((line) => {
    const [, frames, value] = /^(.+) (\d+)$/.exec(line.trimEnd()) ?? [];
    return frames === undefined ? [] : [[frames.split(";"), Number(value)] as const];
  });

/** Of pprof's own profile.proto, what a flame graph needs; numbers are pprof's. */
const message = protobuf.Root.fromJSON({
  nested: {
    Profile: {
      fields: {
        sample: { rule: "repeated", type: "Sample", id: 2 },
        location: { rule: "repeated", type: "Location", id: 4 },
        function: { rule: "repeated", type: "Function", id: 5 },
        stringTable: { rule: "repeated", type: "string", id: 6 },
      },
    },
    Sample: { fields: { locationId: { rule: "repeated", type: "uint64", id: 1 }, value: { rule: "repeated", type: "int64", id: 2 } } },
    Location: { fields: { id: { type: "uint64", id: 1 }, line: { rule: "repeated", type: "Line", id: 4 } } },
    Line: { fields: { functionId: { type: "uint64", id: 1 } } },
    Function: { fields: { id: { type: "uint64", id: 1 }, name: { type: "int64", id: 2 } } },
  },
}).lookupType("Profile");

interface Pprof {
  readonly sample: readonly { readonly locationId: readonly number[]; readonly value: readonly number[] }[];
  readonly location: readonly { readonly id: number; readonly line: readonly { readonly functionId: number }[] }[];
  readonly function: readonly { readonly id: number; readonly name: number }[];
  readonly stringTable: readonly string[];
}

/** Of Go and of whatever else speaks pprof: its last value is the time, in nanoseconds. Throws where it can't be read. */
export function pprofStacks(bytes: Buffer): readonly Stack[] {
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const decoded = message.decode(zipped ? gunzipSync(bytes) : bytes);
  const profile = message.toObject(decoded, { longs: Number, defaults: true, arrays: true }) as Pprof;
  const names = new Map(profile.function.map(({ id, name }) => [id, profile.stringTable[name] ?? "?"]));
  // Inlined ones stand before whom they are inlined into.
  const frames = new Map(profile.location.map(({ id, line }) => [id, line.map(({ functionId }) => names.get(functionId) ?? "?")]));
  return profile.sample.map(({ locationId, value }) => [
    locationId.flatMap((id) => frames.get(id) ?? ["?"]).toReversed(),
    (value.at(-1) ?? 0) / 1e6,
  ]);
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** Of V8: Node's `--cpu-prof`. Waiting is no work. */
export function cpuProfileStacks(text: string): readonly Stack[] {
  const { nodes, samples, timeDeltas } = JSON.parse(text) as CpuProfile;
  const byId = new Map(nodes.map((each) => [each.id, each]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const spent = new Map<number, number>();
  for (const [index, id] of samples.entries()) spent.set(id, (spent.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0) / 1000);
  return [...spent].flatMap(([id, milliseconds]) => {
    const frames: string[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { functionName, url } = byId.get(at)!.callFrame;
      if (functionName !== "(root)") frames.unshift(`${functionName || "(anonymous)"}${url ? ` ${url.replace(/^.*\//, "")}` : ""}`);
    }
    return frames.length === 0 || ["(idle)", "(program)"].includes(frames[0]!) ? [] : [[frames, milliseconds] as const];
  });
}

interface Growing {
  value: number;
  readonly children: Map<string, Growing>;
}

/** Less than this share of all is not drawn; deeper than this neither. */
const least = 0.002;
const deepest = 60;
const mostHot = 15;

function grown(name: string, { value, children }: Growing, from: number): Frame {
  const kept = [...children].filter(([, each]) => each.value >= from).sort(([a], [b]) => (a < b ? -1 : 1));
  return { name, value, children: kept.map(([each, below]) => grown(each, below, from)) };
}

/** Undefined where nothing was sampled. */
export function flameGraph(of: string, unit: FlameGraph["unit"], stacks: readonly Stack[]): FlameGraph | undefined {
  const root: Growing = { value: 0, children: new Map() };
  const hot = new Map<string, { self: number; all: number }>();
  for (const [frames, value] of stacks) {
    if (value <= 0) continue;
    root.value += value;
    let at = root;
    for (const name of frames.slice(0, deepest)) {
      const next = at.children.get(name) ?? { value: 0, children: new Map() };
      at.children.set(name, next);
      next.value += value;
      at = next;
    }
    // One that calls itself counts once.
    for (const name of new Set(frames)) hot.set(name, { self: hot.get(name)?.self ?? 0, all: (hot.get(name)?.all ?? 0) + value });
    const last = frames.at(-1);
    if (last !== undefined) hot.get(last)!.self += value;
  }
  if (root.value === 0) return undefined;
  const hottest = [...hot]
    .map(([name, each]) => ({ name, ...each }))
    .sort((a, b) => b.self - a.self)
    .slice(0, mostHot);
  return { of, unit, root: grown(of, root, root.value * least), hottest };
}
