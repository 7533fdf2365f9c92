// This computer: what a run needs of it, and what an earlier one left on it.

import { execFile } from "node:child_process";
import { existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { project } from "../../provisioners/project.ts";
import { planOf } from "../../provisioners/stack.ts";
import { stateFolder } from "../../pulumi/folder.ts";
import { isLocal, localDeployment, localStack, lockFiles } from "../../pulumi/state.ts";
import { counted } from "../../spec/counted.ts";
import { typed } from "../../spec/typed.ts";
import { type HistoryEntry, looksAlone } from "../history/entry.ts";
import { historyOf } from "../history/history.ts";
import { type Finding, findingsOf } from "./finding.ts";

const { ok, warning, failure } = findingsOf("this computer");

export async function hereFindings(stack: string): Promise<readonly Finding[]> {
  return [
    ...(await Promise.all([
      program("pulumi", ["version"], "node setup/setup.cjs"),
      program("ssh", ["-V"], "apt-get install openssh-client"),
      repository(),
    ])),
    disk(),
    stackFile(stack),
    ...(isLocal() ? [privacy(), ...locks(stack)] : [ok("state", `in ${process.env.PULUMI_BACKEND_URL}`)]),
    lastRun(stack, await historyOf(stack, looked).catch(() => [])),
  ];
}

async function program(name: string, args: readonly string[], mend: string): Promise<Finding> {
  try {
    const { stdout, stderr } = await promisify(execFile)(name, args, { timeout: 10_000 });
    return ok(name, (stdout || stderr).trim().split("\n")[0] ?? "");
  } catch (error) {
    return failure(name, `expected the program, got ${(error as Error).message.split("\n")[0]}`, { mend });
  }
}

async function repository(): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)("git", ["-C", project, "status", "--porcelain", "--", "stacks"], { timeout: 10_000 });
    const files = stdout.split("\n").filter(Boolean).length;
    if (files === 0) return ok("git", "stack files are committed");
    return warning("git", `${counted(files, "change")} of the stack files ${files === 1 ? "is" : "are"} in no commit`, {
      mend: `git -C ${project} add stacks && git -C ${project} commit`,
    });
  } catch {
    return warning("git", "the project is in no repository: nobody else has its stack files", { mend: `git init ${project}` });
  }
}

/** Bytes below which a state can't be relied on to be written whole. */
const [little, least] = [1024 ** 3, 100 * 1024 ** 2];

function disk(): Finding {
  const { bavail, bsize } = statfsSync(project);
  const free = bavail * bsize;
  const text = `${(free / 1024 ** 3).toFixed(1)} GiB free for the state`;
  const more = { mend: `du -xhd1 ${stateFolder}` };
  return free < least ? failure("disk", text, more) : free < little ? warning("disk", text, more) : ok("disk", text);
}

function stackFile(stack: string): Finding {
  try {
    planOf(stack);
    return ok("stack file", `stacks/Pulumi.${stack}.yaml has no problem`);
  } catch (error) {
    return failure("stack file", (error as Error).message.split("\n")[0] ?? "", { mend: `${typed()} check ${stack}` });
  }
}

function privacy(): Finding {
  const open = (statSync(stateFolder, { throwIfNoEntry: false })?.mode ?? 0) & 0o077;
  return open === 0
    ? ok("state", `${stateFolder} is its owner's alone`)
    : failure("state", `${stateFolder} is open to others`, { mend: `chmod -R go= ${stateFolder}` });
}

/** Two operators on one computer, or what a killed run left. */
function locks(stack: string): readonly Finding[] {
  const found = lockFiles(stack).map((file) => {
    try {
      const { pid, username, hostname: where, timestamp } = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
      const who = `${username}@${where} (process ${pid}) since ${timestamp}`;
      return where === hostname()
        ? warning("operators", `${who} is at work on ${stack}, or was killed at it`, { mend: `${typed()} preview ${stack}` })
        : warning("operators", `${who} is at work on ${stack}`, { mend: `pulumi cancel -s ${stack}` });
    } catch {
      return failure("operators", `a lock that is not whole: ${file}`, { mend: `pulumi cancel --yes -s ${stack}` });
    }
  });
  return found.length > 0 ? found : [ok("operators", `nobody else is at work on ${stack}`)];
}

/** Entries of the history: among them is one that changed something. */
const looked = 20;

/** By the state where it is here, else by the history, as `status` tells it. What people asked servers is no run of the fleet's. */
export function lastRun(stack: string, entries: readonly HistoryEntry[]): Finding {
  try {
    const open = (isLocal() && existsSync(localStack(stack)) && localDeployment(stack)?.pending_operations) || [];
    const last = entries.find(({ what }) => !looksAlone.includes(what));
    if (open.length === 0 && last && last.result !== "done") {
      const whole = ["up", "down"].includes(last.what);
      const mend = whole ? `${typed()} ${last.what} ${stack}` : `${typed()} history -s ${stack}`;
      return (whole && last.result === "failed" ? failure : warning)("last run", lastText(last), { mend });
    }
    return open.length === 0
      ? ok("last run", "came to its end")
      : warning("last run", `was killed with ${counted(open.length, "step")} open`, { mend: `${typed()} up ${stack}` });
  } catch (error) {
    return failure("last run", (error as Error).message);
  }
}

const lastText = ({ what, who, result, summary }: HistoryEntry): string =>
  `${what} by ${who} ${result === "failed" ? "failed" : "was interrupted"}${summary === "" ? "" : `: ${summary}`}`;
