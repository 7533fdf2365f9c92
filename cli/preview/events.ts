// Pulumi's preview as the engine's events, one JSON object a line. Its plain `--json` ends in a panic ("attempt to encrypt value") where a
// secret is not known yet, which is every first preview on EC2.

import { unspelled } from "../../provisioners/engine/spelling.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { looking, type PulumiResult, parallelFor, pulumi } from "../../pulumi/command.ts";
import { EventFile, eventIn, type StepHead } from "../../pulumi/event-log.ts";
import { namesCompared } from "../../pulumi/known-names.ts";
import { counted } from "../../spec/counted.ts";
import { isMap } from "../../spec/path.ts";
import { waiting } from "../progress.ts";
import type { PreviewStep } from "../reports.ts";
import type { EngineDigest } from "./engine.ts";
import { type OpenSecret, openSecretIn, reopened } from "./redaction.ts";

interface Event {
  readonly resourcePreEvent?: {
    readonly metadata: Pick<PreviewStep, "op" | "urn" | "detailedDiff"> & { readonly old: unknown; readonly new: unknown };
  };
  readonly resOutputsEvent?: { readonly metadata: { readonly op: string; readonly urn: string; readonly new?: unknown } };
  readonly diagnosticEvent?: { readonly urn?: string; readonly message: string; readonly severity: string };
  readonly policyEvent?: {
    readonly resourceUrn?: string;
    readonly message: string;
    readonly policyName: string;
    readonly enforcementLevel: string;
  };
  readonly summaryEvent?: { readonly resourceChanges?: Readonly<Record<string, number>> };
}

/** What `pulumi preview` found, and how it ended. Looks at all that is there. */
export async function look(
  plan: FleetPlan,
  flags: readonly string[] = [],
): Promise<{ readonly digest: EngineDigest } & Pick<PulumiResult, "code" | "stderr">> {
  const env = { PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true", ...namesCompared(plan) };
  const args = ["preview", "--stack", plan.stack, "--json", ...looking(plan), ...parallelFor(plan), ...flags];
  let seen = 0;
  const hear = (text: string): void => {
    seen += text.split('"resourcePreEvent"').length - 1;
  };
  const [open, { code, stdout, stderr }] = await Promise.all([
    openSecretIn(plan),
    waiting(
      () => `looks at ${plan.stack}: ${counted(seen, "resource")}`,
      () => pulumi(plan, args, { capture: true, env, hear }),
    ),
  ]);
  return { digest: digestOf(stdout, open), code, stderr };
}

/** Whether an up would find nothing to do, and nobody has anything to say. */
export const nothingFound = ({ steps, changeSummary = {}, diagnostics = [] }: EngineDigest): boolean =>
  !diagnostics.some(({ severity }) => severity === "warning" || severity === "error") &&
  steps.every(({ op }) => ["same", "refresh", "read"].includes(op)) &&
  Object.entries(changeSummary).every(([op, count]) => op === "same" || count === 0);

/** By URN: what the look told of the servers themselves. */
export const factsIn = ({ steps }: EngineDigest): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    steps.flatMap(({ op, urn, oldState }) => {
      // A step's old state is what the look before it saw; the look's own is what was remembered.
      const facts = op !== "refresh" && urn.split("::")[2]?.endsWith("fleet:index:Host") ? oldState?.outputs?.facts : undefined;
      return facts === undefined ? [] : [[urn, facts]];
    }),
  );

/** Characters. */
const failureLength = 4_000;
/** What Pulumi's Node runner says before the error itself. */
const runnerWords = /^(?:error: )?(?:Running program '.*' failed with an unhandled exception:\s*)?(?:<ref \*\d+> )?/;

/** The engine's errors, else the end of what was said. */
export function failureOf({ diagnostics = [] }: EngineDigest, stderr: string): string {
  const said = diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) =>
      message
        .trim()
        .replace(runnerWords, "")
        .replace(/^Preview failed: /, ""),
    );
  const reasons = said.filter((each) => each !== "preview failed");
  const errors = reasons.length > 0 ? reasons : said;
  return (errors.length > 0 ? errors.join("\n") : stderr).trim().slice(-failureLength);
}

/** Lines that are no event are left out: plugins may write to the same place. */
export function digestOf(stream: string, open?: OpenSecret): EngineDigest {
  return digestOfEvents(
    stream
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => eventIn<Event>(line, isUnread)),
    open,
  );
}

/** Of a step that is done, what came of it counts where something was created, and where a role foresees what its change does. */
const isUnread = ({ kind, op, type }: StepHead): boolean =>
  kind === "resOutputsEvent" && op !== "create" && !(op === "update" && type === "fleet:index:Role");

/** Nothing is foreseen any more. */
const isUnreadAfterwards = (head: StepHead): boolean => isUnread(head) || (head.kind === "resOutputsEvent" && head.op === "update");

/** The same, from a file that may be large. @param isRun of a run that is over, not of a preview */
export const digestIn = (file: string, open?: OpenSecret, { isRun = false } = {}): EngineDigest =>
  digestOfEvents(new EventFile<Event>(file, isRun ? isUnreadAfterwards : isUnread).read(), open);

function digestOfEvents(said: readonly Event[], open: OpenSecret): EngineDigest {
  const events = reopened(said, open);
  const outputs = outputsOf(events);
  const steps = events
    .flatMap(({ resourcePreEvent: pre }) => (pre ? [stepOf(pre.metadata)] : []))
    .map((step) => withOutputs(step, outputs));
  const remarks = events.flatMap(({ diagnosticEvent, policyEvent }) => diagnosticEvent ?? (policyEvent ? objection(policyEvent) : []));
  const summary = events.findLast(({ summaryEvent }) => summaryEvent)?.summaryEvent?.resourceChanges ?? {};
  const diagnostics = remarks.map((each) => ({ ...each, message: unspelled(each.message.replace(/<\{%[^%]*%\}>/g, "")) }));
  return { steps, diagnostics, changeSummary: summary };
}

/** What the fleet's own resources said when they were asked what a creation, or a change, would come to. */
function outputsOf(events: readonly Event[]): ReadonlyMap<string, unknown> {
  const told = events.flatMap(({ resOutputsEvent: after }) =>
    after && ["create", "update"].includes(after.metadata.op) ? [after.metadata] : [],
  );
  return new Map(told.filter(({ urn }) => /\$fleet:index:(?:Host|Role)::/.test(urn)).map((each) => [each.urn, each.new]));
}

function withOutputs(step: PreviewStep, told: ReadonlyMap<string, unknown>): PreviewStep {
  const after = told.get(step.urn);
  if (!isMap(after) || !isMap(after.outputs) || !step.newState) return step;
  if (step.op === "update") return foreseenFrom(step, after.outputs);
  if (step.op !== "create") return step;
  return { ...step, newState: { ...step.newState, outputs: shownSecrets(after.outputs) as Readonly<Record<string, unknown>> } };
}

/** Of a change that alone: what else comes of it is in its inputs, which the look is compared with. */
function foreseenFrom(step: PreviewStep, { foreseen }: Readonly<Record<string, unknown>>): PreviewStep {
  if (foreseen === undefined) return step;
  return { ...step, newState: { ...step.newState!, outputs: { ...step.newState!.outputs, foreseen: shownSecrets(foreseen) } } };
}

/** What the policy pack has against a resource, as one more diagnosis. Its message begins with the rule's description. */
function objection({ resourceUrn, message, policyName, enforcementLevel }: NonNullable<Event["policyEvent"]>) {
  const name = resourceUrn?.split("::").at(-1);
  const text = `policy ${policyName}${name ? `, ${name}` : ""}: ${message.trim().replace(/\s*\n\s*/g, " ")}`;
  return {
    ...(resourceUrn !== undefined && { urn: resourceUrn }),
    message: text,
    severity: enforcementLevel === "mandatory" ? "error" : "warning",
  };
}

type Metadata = NonNullable<Event["resourcePreEvent"]>["metadata"];

function stepOf({ op, urn, detailedDiff, old, new: now }: Metadata): PreviewStep {
  const state = (of: unknown) => shownSecrets(of) as NonNullable<PreviewStep["oldState"]>;
  return {
    op,
    urn,
    detailedDiff: detailedDiff ?? null,
    ...(isMap(old) && { oldState: state(old) }),
    ...(isMap(now) && { newState: state(now) }),
  };
}

const signature = "4dabf18193072939515e22adb298388d";

/** `[secret]` in the place of what Pulumi has hidden. */
function shownSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shownSecrets);
  if (!isMap(value)) return value;
  if (signature in value && "ciphertext" in value) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shownSecrets(each)]));
}
