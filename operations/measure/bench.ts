// fleet bench, without its terminal: a run, kept and told.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { project } from "../../provisioners/project.ts";
import { shortLength } from "../../provisioners/resources/git.ts";
import { UserError } from "../../spec/problem.ts";
import type { FleetServer } from "../fleet-up.ts";
import { operator } from "../operator.ts";
import { analysed, configurationOf, digestOf, type ServerReport } from "./analyse.ts";
import { configurationChanges } from "./configuration.ts";
import { explained } from "./explain.ts";
import { findingsIn } from "./report/findings.ts";
import { markdownOf } from "./report/markdown.ts";
import type { RunReport } from "./report/model.ts";
import { pageOf } from "./report/page.ts";
import type { Measured } from "./run/measure.ts";
import { enter, folderOf, ledger, type RunEntry, runsFolder } from "./runs.ts";

/** Of the checkout of the stacks: what is deployed is described there. */
export function checkoutCommit(folder = project): Pick<RunEntry, "commit" | "subject"> {
  const git = (...words: string[]) =>
    execFileSync("git", words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const [commit = "", subject = ""] = git("log", "-1", `--abbrev=${shortLength}`, "--format=%h%n%s").split("\n");
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
  /** Takes the stack's secrets out of a text. */
  readonly mask: (text: string) => string;
  /** Of what was measured; default the checkout's. */
  readonly commit?: string;
}

/** Analyses what was fetched, enters the run in the ledger, and says it all. */
export async function kept({ stack, run, folder, measured, servers, final, uris, note, commit, mask }: Kept): Promise<RunReport> {
  const reports = await withPlans(folder, servers, uris);
  const { began, ended, score, passed, why, output, remarks } = measured;
  const messages = measured.messages.map(mask);
  const entry: RunEntry = {
    run,
    began,
    ended,
    passed,
    kind: final ? "final" : "measured",
    who: operator(),
    ...(commit === undefined ? checkoutCommit() : { commit }),
    digest: digestOf(reports),
    ...(score !== undefined && { score }),
    ...(why !== undefined && { why: mask(why) }),
    ...(note !== undefined && { note: mask(note) }),
  };
  writeFileSync(join(folder, "bench.log"), mask(output), { mode: 0o600 });
  writeFileSync(
    join(folder, "run.json"),
    `${JSON.stringify({ entry, messages, remarks, servers: servers.map(({ name }) => name), uris }, null, 2)}\n`,
  );
  enter(runsFolder(stack), entry);
  const report = reported(stack, { entry, messages, remarks, reports });
  writeReports(folder, report, mask);
  return report;
}

/** Asked while the tables are as the run left them. */
async function withPlans(folder: string, servers: readonly FleetServer[], uris: readonly string[]): Promise<readonly ServerReport[]> {
  const reports: ServerReport[] = [];
  for (const { name } of servers) reports.push(await analysed(folder, name, uris));
  const plans = await explained(servers, reports);
  for (const [server, plan] of Object.entries(plans))
    writeFileSync(join(folder, "servers", server, "explained.json"), JSON.stringify(plan), { mode: 0o600 });
  return reports.map((report) => ({ ...report, ...(plans[report.server] && { explained: plans[report.server]! }) }));
}

interface Told {
  readonly entry: RunEntry;
  readonly messages: readonly string[];
  readonly remarks: Readonly<Record<string, readonly string[]>>;
  readonly reports: readonly ServerReport[];
}

/** The page, and its text for a pull request. */
function writeReports(folder: string, report: RunReport, mask: (text: string) => string): void {
  writeFileSync(join(folder, "report.html"), mask(pageOf(report)));
  writeFileSync(join(folder, "report.md"), mask(markdownOf(report)));
}

function reported(stack: string, { entry, messages, remarks, reports }: Told): RunReport {
  const runs = runsFolder(stack);
  const history = ledger(runs);
  const ownOf = ({ run, who }: RunEntry): string => join(runs, folderOf(runs, run, who));
  const before = history.findLast((each) => each.run < entry.run && existsSync(join(ownOf(each), "servers")));
  const earlier = before && reports.map(({ server }) => ({ server, configuration: configurationOf(ownOf(before), server) }));
  return {
    stack,
    entry,
    history,
    messages,
    servers: reports,
    findings: findingsIn(reports, [entry.began, entry.ended]),
    remarks,
    ...(before && earlier && { changes: { since: before.run, all: configurationChanges(earlier, reports) } }),
  };
}

/** A run that was kept, told again. Throws a UserError where it is not on this computer. */
export async function again(stack: string, { run, who }: Pick<RunEntry, "run" | "who">): Promise<RunReport> {
  const folder = join(runsFolder(stack), folderOf(runsFolder(stack), run, who));
  const file = join(folder, "run.json");
  if (!existsSync(file) || !existsSync(join(folder, "servers")))
    throw new UserError(
      `run ${run}: expected its logs in ${folder}, got none: they stay on the computer that measured it; next: ${join(folder, "report.html")}`,
    );
  const told = JSON.parse(readFileSync(file, "utf8")) as Omit<Told, "reports"> & { readonly servers: string[]; readonly uris: string[] };
  const reports: ServerReport[] = [];
  for (const server of told.servers) reports.push(await analysed(folder, server, told.uris));
  return reported(stack, { ...told, reports });
}
