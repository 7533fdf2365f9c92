// When a stack ends: what is left running after an event is what its bill is made of, so one of which nobody said it goes after a day.
import type { AwsTarget } from "./settings/target.ts";

/** Hours that a stack lives where nobody says, from its first up. */
export const defaultHours = 24;

/** The time of a first up and those hours, ISO 8601 to the second. */
export const defaultEnd = (now: Date): string => new Date(now.getTime() + defaultHours * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");

/** Hours from now to the end that the stack file says; undefined where it says `never`. */
export function hoursLeft({ expiresAt }: Pick<AwsTarget, "expiresAt">, now: Date): number | undefined {
  if (expiresAt === undefined) return defaultHours;
  return expiresAt === "never" ? undefined : Math.max(0, (Date.parse(expiresAt) - now.getTime()) / 3_600_000);
}

/** For people, of what is tagged: `until 2026-12-01 09:00 UTC`. */
export function endText(expiry: string | undefined): string {
  if (expiry === undefined) return `until ${defaultHours} h after the first up`;
  return expiry === "never" ? "with no end" : `until ${expiry.slice(0, 16).replace("T", " ")} UTC`;
}
