// The preview of one stack for a person: Pulumi's own words, and below them what they don't say.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { policed, pulumi } from "../pulumi.ts";
import { styled } from "../terminal.ts";
import { previewOf } from "./engine.ts";
import { digestOf } from "./events.ts";
import { money, signed } from "./markdown.ts";
import { masked, maskOf, secretsOf } from "./masks.ts";
import type { Price } from "./model.ts";

/** The exit code is Pulumi's. On AWS also what it costs, and what happens to servers that only seem to change a little. */
export async function shown(plan: FleetPlan): Promise<number> {
  const preview = ["preview", "--stack", plan.stack, "--diff", ...policed(plan)];
  if (plan.spec.target.kind !== "aws") return (await pulumi(plan, preview)).code;
  const folder = mkdtempSync(join(tmpdir(), "fleet-preview-"));
  try {
    const events = join(folder, "events");
    // The flag is one of Pulumi's debug commands.
    const { code } = await pulumi(plan, [...preview, "--event-log", events], { env: { PULUMI_DEBUG_COMMANDS: "true" } });
    if (code !== 0) return code;
    const mask = maskOf(await secretsOf(plan));
    const { price, notes, flows = "" } = masked(previewOf(plan, digestOf(readFileSync(events, "utf8"))), mask);
    console.log([...notes, styled("bold", "who may reach what"), flows.replace(/^/gm, "  "), priceLine(price)].join("\n"));
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const priceLine = ({ perHour, change }: Price): string =>
  `${styled("bold", "price")}  ${perHour === null ? "not all of it has a known price" : `${money(perHour)} USD an hour`}${change ? ` (${signed(change)})` : ""}`;
