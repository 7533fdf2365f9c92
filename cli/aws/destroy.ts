// `pulumi destroy` of a stack on AWS: what keeps data from hands and mistakes is lifted first, and what AWS still holds on to is tried again.

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { ask, stateFolder } from "../../pulumi/command.ts";
import { counted } from "../../spec/counted.ts";
import { digestOf } from "../preview/events.ts";
import { waiting } from "../progress.ts";

/** How one `destroy` ended. */
export interface Attempt {
  readonly code: number;
  /** What could not be deleted and why, the engine's words whole. */
  readonly errors: readonly string[];
}

/** An interface outlives its instance, a group its interface: minutes, not more. */
const patience = { tries: 5, pauseSeconds: 20 } as const;

/** Codes and words of AWS, its provider and the engine for what is refused however often it is asked. */
const lasting = new RegExp(
  [
    "\\bprotect(?:ed|ion)\\b",
    "AccessDenied|Unauthorized|[Nn]ot authorized|AuthFailure|Forbidden|OptInRequired|OperationNotPermitted",
    "ExpiredToken|RequestExpired|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|CredentialsProviderError|valid credential",
    "Invalid(?:Parameter|Request|Action|Input)|Validation(?:Error|Exception)|Malformed|MissingParameter|AlreadyExists",
  ].join("|"),
);
/** AWS says also of a parameter that it is invalid while another thing uses what it names. */
const passing = /\bin use\b|InUse|DependencyViolation|IncorrectState|dependent object|Throttl|RequestLimitExceeded/;

/** Whether a second try can't end otherwise: so only where all that went wrong is of that kind. */
export const isHopeless = (errors: readonly string[]): boolean =>
  errors.length > 0 && errors.every((error) => lasting.test(error) && !passing.test(error));

/**
 * A volume whose removal got as far as its last snapshot, in the provider's words (ebs_volume.go: first the snapshot, then its end, then the
 * volume): each further try makes another snapshot, whole and paid for.
 */
const snapshotMade = /EBS Snapshot \(snap-|deleting EBS Volume \(vol-|waiting for EBS Volume \(vol-[^)]*\) delete/;

export const madeSnapshot = (errors: readonly string[]): boolean => errors.some((error) => snapshotMade.test(error));

/** Tries until it is through, until no further try can help, or until the patience ends. @returns the last exit code */
export async function untilThrough(
  attempt: () => Promise<Attempt>,
  { tries, pauseSeconds }: { readonly tries: number; readonly pauseSeconds: number } = patience,
): Promise<number> {
  for (let left = tries - 1; ; left--) {
    const { code, errors } = await attempt();
    // Ctrl-C, or a use that no second try makes right.
    if (code === 0 || left === 0 || code === 130 || code === 2) return code;
    if (madeSnapshot(errors)) {
      console.error(
        "not tried again: a volume's last snapshot was begun, and another try would make a second one; next: see that it is whole, then down again",
      );
      return code;
    }
    if (isHopeless(errors)) {
      console.error("not tried again: what is refused above stays refused until somebody changes it");
      return code;
    }
    console.error(`AWS has not let go of everything; tries again in ${pauseSeconds} s, ${counted(left, "more time")}`);
    await waiting(
      () => "waits for AWS",
      () => sleep(pauseSeconds * 1000),
    );
  }
}

/** @param destroy runs it, with these variables added, and returns its exit code */
export async function destroyed(plan: FleetPlan, destroy: (env: Readonly<Record<string, string>>) => Promise<number>): Promise<number> {
  await liftProtection(plan);
  // `fleet down --all` listens in a file of its own.
  const shared = process.env.FLEET_EVENT_LOG;
  const file = shared ?? join(stateFolder, `${plan.stack}.destroy.events`);
  mkdirSync(stateFolder, { recursive: true });
  try {
    return await untilThrough(async () => {
      const code = await destroy({ FLEET_EVENT_LOG: file, PULUMI_DEBUG_COMMANDS: "true" });
      return { code, errors: existsSync(file) ? errorsIn(readFileSync(file, "utf8")) : [] };
    });
  } finally {
    if (shared === undefined) rmSync(file, { force: true });
  }
}

/** Of the resources: the engine's last word only says that there were some. */
const errorsIn = (events: string): readonly string[] =>
  (digestOf(events).diagnostics ?? [])
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message.trim())
    .filter((message) => message !== "update failed");

/** Whoever is here has typed the team and the count, or has let its time run out. The next `up` protects again what stands. */
async function liftProtection(plan: FleetPlan): Promise<void> {
  const { deployment } = JSON.parse(await ask(plan, ["stack", "export", "--stack", plan.stack])) as Exported;
  if (!(deployment?.resources ?? []).some(({ protect }) => protect === true)) return;
  await ask(plan, ["state", "unprotect", "--all", "--yes", "--stack", plan.stack]);
}

interface Exported {
  readonly deployment?: { readonly resources?: readonly { readonly protect?: boolean }[] };
}
