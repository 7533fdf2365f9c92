// The preview of one stack as Pulumi's engine sees it: against what is on its servers now.
import { planOf } from "../../provisioners/stack.ts";
import { policed } from "../../pulumi/command.ts";
import { refuseByState } from "../../pulumi/known-names.ts";
import { prepare } from "../../pulumi/state.ts";
import { isUserError } from "../../spec/problem.ts";
import { settling } from "../quick/settled.ts";
import { refuseUnheard } from "../unheard.ts";
import { previewOf } from "./engine.ts";
import { factsIn, failureOf, look, nothingFound } from "./events.ts";
import { failedPreview, refusedPreview, type StackPreview } from "./model.ts";
import { masked, maskOf, secretsOf } from "./redaction.ts";

interface PreviewOptions {
  /** Only what stands around the servers. @default false */
  readonly around?: boolean;
}

/** Pulumi's patterns for URNs: what AWS has, and whether its instances run. */
const aroundServers = ["**$aws:**", "**::aws:**", "**$fleet:index:InstancePower::**"].flatMap((each) => ["--target", each]);

/** A stack that can't be previewed is one row of the table, not the end of the others. */
export async function previewByEngine(stack: string, options: PreviewOptions = {}): Promise<StackPreview> {
  try {
    return await preview(stack, options);
  } catch (error) {
    if (!isUserError(error)) throw error;
    return refusedPreview(stack, error.message, "servers");
  }
}

async function preview(stack: string, { around = false }: PreviewOptions): Promise<StackPreview> {
  const plan = planOf(stack);
  refuseUnheard(plan);
  await refuseByState(plan);
  await prepare(plan);
  const settle = settling(plan);
  // Its two looks into the state need not be waited for before the servers are looked at.
  const [secrets, { digest, code, stderr }] = await Promise.all([secretsOf(plan), look(plan, around ? aroundServers : policed(plan))]);
  const mask = maskOf(secrets);
  if (code !== 0) return failedPreview(stack, mask(failureOf(digest, stderr)), "servers");
  if (!around && nothingFound(digest)) settle(factsIn(digest));
  return masked(previewOf(plan, digest), mask);
}
