// One run of a stack's benchmark from the command line, kept and entered in the ledger: for bench, and for what measures by itself.

import { rmSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { type FleetUp, maskOf } from "../operations/fleet-up.ts";
import { kept } from "../operations/measure/bench.ts";
import type { RunReport } from "../operations/measure/report/model.ts";
import { measure } from "../operations/measure/run/measure.ts";
import { middleFor } from "../operations/measure/run/middle.ts";
import { newRun, runsFolder } from "../operations/measure/runs.ts";
import { numberIn } from "../operations/measure/score.ts";
import { select } from "../operations/select.ts";
import { needed } from "../operations/unreachable.ts";
import { isUnreachable } from "../provisioners/engine/shell.ts";
import { changes } from "../pulumi/interruption.ts";
import type { BenchSpec } from "../spec/bench.ts";
import { secondsOf } from "../spec/scalars.ts";
import { typed } from "../spec/typed.ts";
import { waiting } from "./progress.ts";
import { isTerminal } from "./terminal.ts";

export interface RunWish {
  readonly fleet: FleetUp;
  readonly spec: BenchSpec;
  /** Servers that are measured; all without. */
  readonly servers?: readonly string[];
  readonly final?: boolean;
  readonly score?: number | undefined;
  readonly note?: string | undefined;
  /** Of what is measured, where it is not the checkout's own. */
  readonly commit?: string | undefined;
  /** Whether the benchmark's lines are shown as they come. */
  readonly quiet?: boolean;
}

export interface KeptRun {
  readonly report: RunReport;
  readonly folder: string;
}

/** Beside what the benchmark may take, for getting ready and fetching. Servers put themselves back after it. */
const spare = 120;

export async function measuredRun({
  fleet,
  spec,
  servers: words = [],
  final = false,
  score,
  note,
  commit,
  quiet = false,
}: RunWish): Promise<KeptRun> {
  const servers = select(fleet.servers, words);
  const middle = middleFor(spec, fleet, {
    score,
    ask: askScore,
    hear: (line) => void ((quiet && !spec.wait) || console.error(`  ${line}`)),
  });
  const { run, folder } = newRun(runsFolder(fleet.stack));
  let now = "makes the servers ready";
  changes();
  try {
    const measured = await waiting(
      () => `bench: ${now}`,
      () =>
        measure({
          servers,
          folder,
          final,
          restart: spec.restart,
          profile: spec.profile,
          limit: Math.ceil(secondsOf(spec.timeout)) + spare + (spec.wait ? 3600 : 0),
          what: `fleet bench ${fleet.stack}`,
          tell: (phase) => {
            now = phase;
          },
          onWait: (server, why) => console.error(`${server}: ${why}`),
          middle: (open) => middle(open, servers),
        }),
    );
    const report = await kept({
      ...{ stack: fleet.stack, run, folder, measured, servers, final, uris: spec.uris, mask: maskOf(fleet) },
      ...(note !== undefined && { note }),
      ...(commit !== undefined && { commit }),
    });
    return { report, folder };
  } catch (error) {
    // A run that came to nothing takes no number.
    rmSync(folder, { recursive: true, force: true });
    throw isUnreachable(error) ? needed(error, fleet.stack, `${typed()} bench '!${error.host}'`) : error;
  }
}

/** Of the portal. Without a terminal, and without a number, there is none. */
async function askScore(): Promise<number | undefined> {
  if (!isTerminal()) return undefined;
  const questions = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await questions.question("The score that the portal shows (nothing where it failed): ");
  questions.close();
  return numberIn(answer);
}
