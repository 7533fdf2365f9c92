// One server's turn: the commit comes in, is built, its services start with it and are asked; what ran before comes back where they do not answer.
import type { ApplyOptions } from "../../provisioners/engine/apply.ts";
import { converge, failures } from "../../provisioners/engine/converge.ts";
import type { RoleReport } from "../../provisioners/engine/report.ts";
import type { Shell } from "../../provisioners/engine/shell.ts";
import type { Command } from "../../provisioners/engine/shell-quote.ts";
import { deadlineOf } from "../../provisioners/provider/role.ts";
import { CheckWant, check } from "../../provisioners/resources/check.ts";
import { type Place, role, wantsAt } from "./places.ts";

export interface TurnOptions {
  /** Asked beside the role's own checks: `/health` or a URL. */
  readonly health?: string;
  /** Seconds for each answer. @default the check's own */
  readonly patience?: number;
  readonly onLine: (line: string) => void;
  /** What a build says. */
  readonly onOutput: (line: string) => void;
  readonly signal: AbortSignal;
}

/** @returns why it did not take, a sentence each; none where it runs and answers. Rejects with a HostError where that is not known. */
export async function take(place: Place, shell: Shell, commit: string, options: TurnOptions): Promise<readonly string[]> {
  const report = await bring(place, shell, commit, options);
  const failed = failures(report).map(({ address, reason }) => `${address}: ${reason ?? "no reason given"}`);
  options.signal.throwIfAborted();
  if (failed.length > 0) return failed;
  return await asked(place, shell, options);
}

/** What an up would do for this commit, and nothing else. */
const bring = (place: Place, shell: Shell, commit: string, { signal, onLine, onOutput }: TurnOptions): Promise<RoleReport> => {
  const wants = wantsAt(place, commit);
  return converge(shell, role, wants, {
    ...{ by: place.by, signal, deadline: deadlineOf(wants) },
    ...hearing({ onLine, onOutput }),
  });
};

/** What is waited for is shown as the steps are, what a build says is kept. */
export const hearing = ({
  onLine,
  onOutput,
}: Pick<TurnOptions, "onLine" | "onOutput">): Required<Pick<ApplyOptions, "onProgress" | "onWait">> => ({
  onWait: (address, sentence) => onLine(`${address}: ${sentence}`),
  onProgress: (address, sentence, output) => (output === undefined ? onLine(`${address}: ${sentence}`) : onOutput(output)),
});

/** They held before, which says nothing of what runs now. */
async function asked(place: Place, shell: Shell, { signal, onLine, ...options }: TurnOptions): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, want } of checksOf(place, options.health)) {
    const given = options.patience === undefined ? want : { ...want, deadline: options.patience };
    const { code, stdout } = await shell.run(waitFor(given), { signal, onAbort: "end", deadline: (given.deadline + 30) * 1000 });
    signal.throwIfAborted();
    if (code === 0) onLine(`${name}: answers`);
    else failed.push(`${name}: ${stdout.toString("utf8").trim() || `ended with exit code ${code}`}`);
  }
  return failed;
}

const waitFor = (want: CheckWant): Command => {
  const [step] = check.plan(want, { holds: false, got: "" }, { changed: new Set(), gone: [], pending: false });
  return step!.run;
};

/** Pure. The role's own, and what was asked for. */
export function checksOf({ wants }: Pick<Place, "wants">, health?: string): readonly { readonly name: string; readonly want: CheckWant }[] {
  const own = Object.entries(wants).flatMap(([name, want]) => (name.startsWith("check[") ? [{ name, want: CheckWant.parse(want) }] : []));
  if (health === undefined) return own;
  const port = own.find(({ want }) => want.port !== undefined)?.want.port?.port ?? 80;
  const url = health.startsWith("/") ? `http://127.0.0.1:${port}${health}` : health;
  return [...own, { name: url, want: { name: "deploy", http: { url, status: 200 }, deadline: 30 } }];
}
