// What a run of the engine did, from its own events, for the history: what a preview shows beforehand, secrets taken out.
import { stateSecretsOf } from "../../operations/fleet-up.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { previewOf } from "../preview/engine.ts";
import { digestIn } from "../preview/events.ts";
import type { StackPreview } from "../preview/model.ts";
import { masked, maskOf, openSecretIn, openWords } from "../preview/redaction.ts";

/** Undefined where it can't be told: a run is not a failure for that. @param events the file of them */
export async function whatItDid(plan: FleetPlan, events: string): Promise<StackPreview | undefined> {
  try {
    const open = new Set(openWords(plan.spec));
    const secrets = (await stateSecretsOf(plan.stack)).filter((secret) => !open.has(secret));
    return masked(previewOf(plan, digestIn(events, await openSecretIn(plan), { isRun: true })), maskOf(secrets));
  } catch {
    return undefined;
  }
}
