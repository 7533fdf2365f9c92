// Mode and owner of what is there already: shared by every kind that lives at a path.
import type { PathSeen } from "../engine/probe.ts";
import { sh } from "../engine/shell-quote.ts";
import type { Step } from "./kind.ts";

interface Attributes {
  readonly path: string;
  readonly mode?: string | undefined;
  readonly owner: string;
  readonly group: string;
}

export function attributeSteps({ path, mode, owner, group }: Attributes, have: PathSeen): Step[] {
  const steps: Step[] = [];
  if (have.owner !== owner || have.group !== group) {
    const run = sh`fleet_at ${path} chown -h ${`${owner}:${group}`} --`;
    steps.push({
      change: `owner \`${have.owner}:${have.group}\` → \`${owner}:${group}\``,
      property: have.owner !== owner ? "owner" : "group",
      run,
    });
  }
  // chown clears set-id bits, so the mode comes last.
  if (mode !== undefined && have.mode !== mode)
    steps.push({ change: `mode \`${have.mode}\` → \`${mode}\``, property: "mode", run: sh`fleet_mode ${mode} ${path}` });
  return steps;
}
