// The end of a stack of which nobody said it: a day after the first up, and that stays in the state.
import * as pulumi from "@pulumi/pulumi";
import { defaultEnd } from "./expiry.ts";
import type { AwsTarget } from "./settings/target.ts";

/** What the tag `expiry` says of all of it. */
export function pinnedEnd(name: string, { expiresAt }: Pick<AwsTarget, "expiresAt">, parent: pulumi.Resource): pulumi.Input<string> {
  if (expiresAt !== undefined) return expiresAt;
  return new pulumi.Stash(name, { input: defaultEnd(new Date()) }, { parent, ignoreChanges: ["input"] }).output.apply(String);
}
