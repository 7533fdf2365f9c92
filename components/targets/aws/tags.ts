// Whose a thing is and until when. On everything that AWS can tag: bills, the sweep after an event and the reaper go by it.
import type { Input } from "@pulumi/pulumi";

/** Who pays, and when it may go. */
export interface Ownership {
  readonly team: string;
  readonly stack: string;
  /** A person or an address that can be asked. */
  readonly owner: string;
  /** ISO 8601, when the event is over: `2026-12-01T09:00:00Z`. `never` is a value, so that nothing is untagged. */
  readonly expiry: Input<string>;
  /** The team's own, for its bills and scripts. @default none */
  readonly more?: Readonly<Record<string, string>>;
}

export type Tags = Readonly<Record<string, Input<string>>>;

/** The value by which a sweep knows what the fleet has made. */
export const project = "contest-fleet";

/** Keys on everything; a test holds every resource against them. */
export const ownTagKeys = ["project", "team", "stack", "owner", "expiry"] as const;

/** On what holds data that is to outlive it. Its snapshots inherit it, and by it a sweep tells what was kept from what was forgotten. */
export const snapshotsKept = { snapshots: "kept" } as const;

/** AWS takes letters, digits, spaces and `_ . : / = + - @`, 256 of them; others become `-`. */
export const tagValue = (text: string): string => text.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, "-").slice(0, 256);

/** The tags of one thing. `name` is what the console shows. */
export function tagsOf({ team, stack, owner, expiry, more }: Ownership, name?: string): Tags {
  const all = { ...more, ...(name !== undefined && { Name: name }), project, team, stack, owner, expiry };
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, typeof value === "string" ? tagValue(value) : value]));
}

/** For an autoscaling group, whose tags reach its instances only if they say so. */
export const propagated = (tags: Tags): { key: string; value: Input<string>; propagateAtLaunch: true }[] =>
  Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: true }));

/**
 * For a launch template: what an instance brings with it is tagged at birth, since default tags never reach it. Without the expiry, which the
 * group gives its instances: an event that lasts an hour longer would be another template, and every server of the pool another.
 */
export const atLaunch = ({ expiry: _, ...tags }: Tags): { resourceType: string; tags: Tags }[] =>
  ["instance", "volume", "network-interface"].map((resourceType) => ({ resourceType, tags }));
