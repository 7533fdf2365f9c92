// Profiles of several languages as flame graphs.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import protobuf from "protobufjs/light.js";
import { describe, expect, test } from "vitest";
import { collapse, collectProfiles, profilers, profilesOf } from "../../operations/measure/profiles/profilers.ts";
import { profilesIn } from "../../operations/measure/profiles/read.ts";
import { cpuProfileStacks, type Frame, flameGraph, foldedStacks, pprofStacks } from "../../operations/measure/profiles/stacks.ts";
import { flames } from "../../operations/measure/report/flame.ts";
import { Profile } from "../../spec/bench.ts";

const names = ({ name, children }: Frame): readonly string[] => [name, ...children.flatMap(names)];

test("folded stacks, as py-spy and rbspy write them: names may have spaces and numbers in them", () => {
  expect(foldedStacks('process 2:"app.py";run (a.py:3) 12\nrun 7 3\n\ncut off')).toEqual([
    [['process 2:"app.py"', "run (a.py:3)"], 12],
    [["run 7"], 3],
  ]);
});

test("perf's samples are folded where they were taken", () => {
  const script =
    "nginx \n\t          137fe4 epoll_wait+0x1f\n\tffffffff817978f8 main;odd\n\nnginx \n\t137fe4 epoll_wait+0x2\n\tffffffff817978f8 main;odd\n\nkworker/0:1 \n\t12 [unknown]\n\n";
  const folded = execFileSync("awk", [collapse], { input: script, encoding: "utf8" });
  expect(folded.trim().split("\n").sort()).toEqual(["kworker/0:1;[unknown] 1", "nginx;main:odd;epoll_wait 2"]);
});

/** As Go writes it, with what we do not read: kinds of values, mappings, addresses, lines. */
function pprof(): Buffer {
  const writer = protobuf.Writer.create();
  const nested = (field: number, write: () => void) => {
    writer.uint32((field << 3) | 2).fork();
    write();
    writer.ldelim();
  };
  const number = (field: number, value: number) => void writer.uint32(field << 3).uint64(value);
  const packed = (field: number, values: readonly number[]) =>
    nested(field, () => {
      for (const value of values) writer.uint64(value);
    });
  const pairs = (
    field: number,
    all: readonly (readonly [number, readonly number[]])[],
    write: (id: number, others: readonly number[]) => void,
  ) => {
    for (const [id, others] of all) nested(field, () => write(id, others));
  };
  const strings = ["", "samples", "count", "cpu", "nanoseconds", "main.main", "main.hot", "main.inlined", "main.go"];
  pairs(
    1,
    [
      [1, [2]],
      [3, [4]],
    ],
    (type, [unit = 0]) => {
      number(1, type);
      number(2, unit);
    },
  );
  // The leaf stands first.
  const samples = [
    { locations: [2, 1], values: [3, 30_000_000] },
    { locations: [1], values: [1, 10_000_000] },
  ];
  for (const { locations, values } of samples)
    nested(2, () => {
      packed(1, locations);
      packed(2, values);
    });
  nested(3, () => number(1, 1));
  // What is inlined stands before whom it is inlined into.
  pairs(
    4,
    [
      [1, [1]],
      [2, [3, 2]],
    ],
    (id, functions) => {
      number(1, id);
      number(2, 1);
      number(3, 0x47f000);
      for (const each of functions)
        nested(4, () => {
          number(1, each);
          number(2, 12);
        });
    },
  );
  pairs(
    5,
    [
      [1, []],
      [2, []],
      [3, []],
    ],
    (id) => {
      number(1, id);
      number(2, id + 4);
      number(4, 8);
    },
  );
  for (const each of strings) writer.uint32((6 << 3) | 2).string(each);
  return Buffer.from(writer.finish());
}

test("Go's pprof, by time, from the root on", () => {
  const wanted = [
    [["main.main", "main.hot", "main.inlined"], 30],
    [["main.main"], 10],
  ];
  expect(pprofStacks(pprof())).toEqual(wanted);
  expect(pprofStacks(gzipSync(pprof()))).toEqual(wanted);
  expect(() => pprofStacks(gzipSync("no").subarray(0, 10))).toThrow();
});

test("Node's own, of real work", async () => {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  // By the time that it was at work, however busy the computer is.
  const burn = (microseconds: number): number => {
    let sum = 0;
    while (process.cpuUsage(before).user < microseconds) for (let index = 0; index < 1000; index++) sum += Math.sqrt(sum + index);
    return sum;
  };
  const before = process.cpuUsage();
  expect(burn(200_000)).toBeGreaterThan(0);
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  const stacks = cpuProfileStacks(JSON.stringify(profile));
  const graph = flameGraph("node", "ms", stacks)!;
  expect(graph.hottest.some(({ name, self }) => name.startsWith("burn ") && self > 0)).toBe(true);
  expect(names(graph.root)).not.toContain("(idle)");
});

describe("a flame graph", () => {
  const graph = flameGraph("python 1", "samples", [
    [["a", "b", "b"], 600],
    [["a", "<script>"], 399],
    [["a", "rare"], 1],
  ])!;

  test("sums what calls have in common; one that calls itself counts once, and what is too little to be seen is left out", () => {
    expect(graph.root).toMatchObject({ value: 1000, children: [{ name: "a", value: 1000 }] });
    expect(names(graph.root)).toEqual(["python 1", "a", "<script>", "b", "b"]);
    expect(graph.hottest.slice(0, 2)).toEqual([
      { name: "b", self: 600, all: 600 },
      { name: "<script>", self: 399, all: 399 },
    ]);
    expect(flameGraph("x", "ms", [[["a"], 0]])).toBeUndefined();
  });

  test("is drawn without a script, and no function's name is markup", () => {
    const text = String(flames([graph]));
    expect(text).toContain("<title>&lt;script&gt;: 40 %</title>");
    expect(text).not.toMatch(/<script|NaN|undefined|Infinity/);
    expect(flames([])).toBe(false);
  });
});

test("a run's folder: slices of one make one, an application's own count, and one that was cut off is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "fleet-profiles-"));
  for (const name of ["pprof-0-1.pb", "pprof-0-2.pb", "pprof-1-1.pb"]) writeFileSync(join(folder, name), pprof());
  writeFileSync(join(folder, "pprof-0-3.pb"), pprof().subarray(0, 20));
  writeFileSync(join(folder, "python-260.folded"), "a;b 5\n");
  writeFileSync(join(folder, "own-0-app.cpuprofile"), '{"nodes":');
  expect(profilesIn(folder).map(({ of, root }) => [of, root.value])).toEqual([
    ["pprof", 80],
    ["pprof-1", 40],
    ["python 260", 5],
  ]);
  rmSync(folder, { recursive: true });
  expect(profilesIn(folder)).toEqual([]);
});

describe("around a run", () => {
  test("text that sh can read", () => {
    const profile = Profile.parse({ pprof: ["http://127.0.0.1:6060/", "http://127.0.0.1:1/x"], files: ["/tmp/p-*.folded"] });
    for (const text of [profilers("/x", profile), profilers("/x", Profile.parse({ programs: false })), collectProfiles("/x", profile).text])
      expect(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  test("profilers are asked to stop, waited for, and what they and the application wrote since it began is brought", () => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-profiling-"));
    const bin = join(folder, "bin");
    for (const each of [bin, join(folder, "out"), profilesOf(folder)]) mkdirSync(each);
    // As py-spy does: it writes when it is told to stop, and takes a moment for it.
    const spy = `const { writeFileSync } = require("node:fs");
process.on("SIGINT", () => setTimeout(() => { writeFileSync(process.argv.at(-1), "a;b 5\\n"); process.exit(); }, 300));
setInterval(() => {}, 1000);
writeFileSync(process.env.READY, "");
`;
    writeFileSync(join(bin, "py-spy"), `#!${process.execPath}\n${spy}`, { mode: 0o755 });
    // One that is deaf to it: its profile is lost, and it must not live on.
    writeFileSync(join(bin, "perf"), '#!/bin/sh\ntrap "" INT TERM\nwhile :; do sleep 0.2; done\n', { mode: 0o755 });
    writeFileSync(join(folder, "old.folded"), "old 1\n");
    execFileSync("touch", ["-d", "@1000", join(folder, "old.folded")]);
    writeFileSync(join(folder, "new.folded"), "new 1\n");
    writeFileSync(join(folder, "began"), "2000\n");
    const profile = Profile.parse({ pprof: ["http://127.0.0.1:1"], files: [`${folder}/*.folded`] });
    writeFileSync(join(folder, "profilers"), profilers(folder, profile).replace(/\$\(roots 'python[^)]*\)/, "4242"));
    const script = `export PATH=${bin}:/usr/bin:/bin READY=${folder}/ready
setsid sh ${folder}/profilers </dev/null >/dev/null 2>&1 & group=$!
until [ -e ${folder}/ready ]; do sleep 0.1; done
${collectProfiles(folder, profile).text}
kill -KILL -- "-$group" 2>/dev/null || true`;
    execFileSync("bash", ["-c", script], { stdio: "pipe" });
    expect(spawnSync("pgrep", ["-f", join(bin, "p")], { encoding: "utf8" }).stdout).toBe("");
    expect(readdirSync(join(folder, "out/profiles")).sort()).toEqual(["own-0-new.folded", "python-4242.folded"]);
    expect(readdirSync(folder)).not.toContain("profiles");
    rmSync(folder, { recursive: true });
  });

  // As rbspy 0.55 takes them: `-f` is its file, and one that is named twice is refused.
  const rbspy = `const { parseArgs } = require("node:util");
const { writeFileSync } = require("node:fs");
const text = { type: "string", multiple: true };
const { values } = parseArgs({ args: process.argv.slice(3), options: { pid: { ...text, short: "p" }, file: { ...text, short: "f" }, rate: { ...text, short: "r" },
  format: { ...text, short: "o" }, subprocesses: { type: "boolean", short: "s" }, silent: { type: "boolean" } } });
for (const [name, all] of Object.entries(values)) if (all.length > 1) { console.error("error: the argument --" + name + " cannot be used multiple times"); process.exit(2); }
if (values.format[0] !== "collapsed") process.exit(2);
process.on("SIGINT", () => { writeFileSync(values.file[0], "a;b 5\\n"); process.exit(); });
setInterval(() => {}, 1000);
writeFileSync(process.env.READY, "");
`;
  const profiled = (program: string): { readonly names: readonly string[]; readonly said: string } => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-profiling-"));
    const bin = join(folder, "bin");
    for (const each of [bin, join(folder, "out"), profilesOf(folder)]) mkdirSync(each);
    writeFileSync(join(bin, "rbspy"), program, { mode: 0o755 });
    const profile = Profile.parse({ pprof: ["http://127.0.0.1:1"] });
    const text = profilers(folder, profile).replace(/\$\(roots 'ruby[^)]*\)/, "4242");
    // Those that this computer has stay out of it.
    writeFileSync(join(folder, "profilers"), text.replaceAll(/command -v (?:py-spy|perf)/g, "false"));
    const script = `export PATH=${bin}:/usr/bin:/bin READY=${folder}/ready
setsid sh ${folder}/profilers </dev/null >/dev/null 2>&1 & group=$!
until [ -e ${folder}/ready ] || grep -qs error ${profilesOf(folder)}/said; do sleep 0.1; done
${collectProfiles(folder, profile).text}
kill -KILL -- "-$group" 2>/dev/null || true`;
    execFileSync("bash", ["-c", script], { stdio: "pipe" });
    const names = readdirSync(join(folder, "out/profiles"));
    const said = names.includes("said") ? readFileSync(join(folder, "out/profiles/said"), "utf8") : "";
    rmSync(folder, { recursive: true });
    return { names, said };
  };

  test("rbspy is asked as it can be asked", () => {
    expect(profiled(`#!${process.execPath}\n${rbspy}`)).toEqual({ names: ["ruby-4242.folded"], said: "" });
  });

  test("what profilers say that bring nothing is brought", () => {
    expect(profiled("#!/bin/sh\necho 'error: not permitted'\nexit 1\n")).toEqual({ names: ["said"], said: "error: not permitted\n" });
  });
});
