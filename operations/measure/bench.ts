// fleet bench, without its terminal: a run, kept and told.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { project } from "../../provisioners/project.ts";
import type { FleetServer } from "../fleet-up.ts";
import { operator } from "../operator.ts";
import { analysed, digestOf, type ServerReport } from "./analyse.ts";
import { findingsIn } from "./report/findings.ts";
import type { RunReport } from "./report/model.ts";
import type { Measured } from "./run/measure.ts";
import { enter, ledger, type RunEntry, runsFolder } from "./runs.ts";

/** Of the checkout of the stacks: what is deployed is described there. */
export function checkoutCommit(folder = project): Pick<RunEntry, "commit" | "subject"> {
  const git = (...words: string[]) =>
    execFileSync("git", words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const [commit = "", subject = ""] = git("log", "-1", "--format=%h%n%s").split("\n");
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return { commit: `${commit}${changed ? "+" : ""}`, subject };
  } catch {
    return {};
  }
}

export interface Kept {
  readonly stack: string;
  readonly run: number;
  readonly folder: string;
  readonly measured: Measured;
  readonly servers: readonly FleetServer[];
  readonly final: boolean;
  readonly uris: readonly string[];
  readonly note?: string;
}

/** Analyses what was fetched, enters the run in the ledger, and says it all. */
export async function kept({ stack, run, folder, measured, servers, final, uris, note }: Kept): Promise<RunReport> {
  const reports: ServerReport[] = [];
  for (const { name } of servers) reports.push(await analysed(folder, name, uris));
  const { began, ended, score, passed, messages, output, remarks } = measured;
  const entry: RunEntry = {
    run,
    began,
    ended,
    passed,
    kind: final ? "final" : "measured",
    who: operator(),
    ...checkoutCommit(),
    digest: digestOf(reports),
    ...(score !== undefined && { score }),
    ...(note !== undefined && { note }),
  };
  writeFileSync(join(folder, "bench.log"), output, { mode: 0o600 });
  writeFileSync(
    join(folder, "run.json"),
    `${JSON.stringify({ entry, messages, remarks, servers: servers.map(({ name }) => name), uris }, null, 2)}\n`,
  );
  enter(runsFolder(stack), entry);
  return reported(stack, { entry, messages, remarks, reports });
}

interface Told {
  readonly entry: RunEntry;
  readonly messages: readonly string[];
  readonly remarks: Readonly<Record<string, readonly string[]>>;
  readonly reports: readonly ServerReport[];
}

const reported = (stack: string, { entry, messages, remarks, reports }: Told): RunReport => ({
  stack,
  entry,
  history: ledger(runsFolder(stack)),
  messages,
  servers: reports,
  findings: findingsIn(reports),
  remarks,
});

/** A run that was kept, told again. */
export async function again(stack: string, run: number): Promise<RunReport> {
  const folder = join(runsFolder(stack), String(run));
  const told = JSON.parse(readFileSync(join(folder, "run.json"), "utf8")) as Omit<Told, "reports"> & {
    readonly servers: string[];
    readonly uris: string[];
  };
  const reports: ServerReport[] = [];
  for (const server of told.servers) reports.push(await analysed(folder, server, told.uris));
  return reported(stack, { ...told, reports });
}
