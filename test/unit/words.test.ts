// The runner's words among the output of steps: whatever a step prints, it swallows none of them and makes none.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { apply } from "../../provisioners/engine/apply.ts";
import { blankObservation } from "../../provisioners/engine/observe.ts";
import type { Change } from "../../provisioners/engine/plan.ts";
import type { RunOptions, RunResult, Shell } from "../../provisioners/engine/shell.ts";
import { type Command, sh } from "../../provisioners/engine/shell-quote.ts";
import type { Address } from "../../provisioners/resources/kind.ts";
import { clean, Lines } from "../../provisioners/ssh/output.ts";

const directory = mkdtempSync(join(tmpdir(), "words-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A shell of this computer, with its memory in a folder of the test. */
const shell: Shell = {
  host: "here",
  close: async () => {},
  run: (script: Command, { onLine }: RunOptions = {}) =>
    new Promise<RunResult>((resolve) => {
      const child = spawn("sh", ["-s"], { stdio: ["pipe", "pipe", "pipe"] });
      const lines = new Lines(onLine ?? (() => {}));
      let stderr = "";
      child.stdout.on("data", (bytes: Buffer) => lines.feed(bytes));
      child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
      child.on("close", (code) => {
        lines.end();
        resolve({ code: code ?? -1, stdout: Buffer.alloc(0), stderr });
      });
      child.stdin.end(script.text.replaceAll("/var/lib/fleet", directory));
    }),
};

interface Printed {
  readonly text: string;
  readonly code: number;
  readonly brief?: boolean;
}

const addressOf = (index: number): Address => `command[step-${index}]` as Address;

async function run(steps: readonly Printed[]) {
  const changes = steps.map(({ text, code, brief = false }, index): Change => {
    const step = { change: `step ${index}`, run: sh`sh -c ${`printf %s "$1"; exit ${code}`} sh ${text}`, ...(brief && { brief }) };
    return { address: addressOf(index), steps: [step], undo: false };
  });
  const heard = new Map<string, string[]>();
  const work = {
    role: "words",
    wants: Object.fromEntries(changes.map(({ address }) => [address, {}])),
    seen: blankObservation,
    changes,
  };
  const results = await apply(
    shell,
    { ...work, forgotten: [] },
    { onProgress: (address, _sentence, line) => line !== undefined && heard.set(address, [...(heard.get(address) ?? []), line]) },
  );
  return { outcomes: results.map(({ outcome }) => outcome), reasons: results.map(({ reason = "" }) => reason), heard };
}

/** What a terminal would show of it, a line each; an unfinished one of control characters alone is nothing to see. */
function linesOf(text: string): string[] {
  const lines = text.split("\n").map(clean);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** Ours, nearly ours, and what cuts lines. */
const piece = fc.oneof(
  fc.constantFrom(
    "\n",
    "\n\n",
    "@",
    "@n ",
    "@AAAAAAAAAAAA end\n",
    "@AAAAAAAAAAAA fail 0 9",
    "\n@AAAAAAAAAAAA begin 1\n",
    "tell end",
    "\u0002",
    "\r",
    "\t",
    "{}",
  ),
  fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => text.replaceAll("\0", "")),
);
const output = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
const printed = fc.record({ text: output, code: fc.constantFrom(0, 0, 0, 0, 7), brief: fc.boolean() });

describe("whatever steps print", () => {
  test("each keeps its own outcome and its own lines", async () => {
    const property = fc.asyncProperty(fc.array(printed, { minLength: 1, maxLength: 4 }), async (steps) => {
      const { outcomes, reasons, heard } = await run(steps);
      const failed = steps.findIndex(({ code }) => code !== 0);
      const end = failed < 0 ? steps.length : failed;
      expect(outcomes).toEqual(steps.map((_, index) => (index < end ? "changed" : index === end ? "failed" : "skipped")));
      if (failed >= 0) expect(reasons[failed]).toContain(`\`step ${failed}\` ended with exit code 7`);
      for (const [index, { text, brief }] of steps.entries()) {
        if (index > end) expect(heard.get(addressOf(index))).toBeUndefined();
        else if (!brief) expect(heard.get(addressOf(index)) ?? []).toEqual(linesOf(text));
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });

  test("an answer without a final newline is no failure", async () => {
    const { outcomes } = await run([
      { text: '{"language":"go"}', code: 0 },
      { text: "", code: 0 },
    ]);
    expect(outcomes).toEqual(["changed", "changed"]);
  });

  test("the step behind it is blamed for its own failure", async () => {
    const { outcomes, reasons } = await run([
      { text: "no newline", code: 0 },
      { text: "mine", code: 9 },
    ]);
    expect([outcomes, reasons[1]]).toEqual([["changed", "failed"], "`step 1` ended with exit code 9:\nmine"]);
  });
});

test("what a step waits for is told apart from its output, and else with it", async () => {
  const address: Address = "command[app]";
  const steps = [{ change: "restart", run: sh`echo before\ntell waits 'for its end, 30 s'\necho after` }];
  const work = {
    role: "waits",
    wants: { [address]: {} },
    seen: blankObservation,
    changes: [{ address, steps, undo: false }],
    forgotten: [],
  };
  const said: string[] = [];
  const onProgress = (of: Address, sentence: string, output?: string) => void said.push(output ?? `${of}: ${sentence}`);
  const onWait = (of: Address, sentence: string) => void said.push(`${of} waits ${sentence}`);
  await apply(shell, work, { onProgress, onWait });
  expect(said).toEqual(["command[app]: restart", "before", "command[app] waits for its end, 30 s", "after"]);
  said.length = 0;
  await apply(shell, work, { onProgress });
  expect(said).toEqual(["command[app]: restart", "before", "for its end, 30 s", "after"]);
});

test("a step that is never begun is not told of as one", async () => {
  const stop = join(directory, "stop");
  const stopped: Shell = {
    ...shell,
    run: ({ text, masked }, options) => shell.run({ text: `FLEET_STOP=${stop}\n${text}`, masked }, options),
  };
  for (const brief of [false, true]) {
    const change = (name: Address, run: Command): Change => ({ address: name, steps: [{ change: "runs", run, brief }], undo: false });
    const changes = [change("command[a]", sh`touch ${stop}`), change("command[b]", sh`echo b`)];
    const work = { role: "stopped", wants: { "command[a]": {}, "command[b]": {} }, seen: blankObservation, changes, forgotten: [] };
    const said: Address[] = [];
    const results = await apply(stopped, work, { onProgress: (address) => void said.push(address) });
    expect(said).toEqual(["command[a]"]);
    expect(results.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ["changed", undefined],
      ["skipped", "cancelled before it began"],
    ]);
    rmSync(stop);
  }
});
