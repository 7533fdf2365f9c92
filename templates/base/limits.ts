// Limits of people's sessions, as limits.d takes them. Services have theirs in their units: PAM does not see those.
import { z } from "zod";

const Limit = z.union([z.int().min(0), z.literal("unlimited")]);

/** Defaults: the official ISUCON14 servers. */
export const Limits = z.strictObject({
  nofile: z.int().min(0).default(655360).describe("Open files. `unlimited` is more than the kernel takes here, and logins would fail."),
  nproc: Limit.default(655360).describe("Processes."),
  memlock: Limit.default("unlimited").describe("Locked memory, KiB."),
});
export type Limits = z.infer<typeof Limits>;

/** `{"* - nofile": 655360, …}`. `*` leaves root out, so root has entries of its own. */
export const sessionLimits = (limits: Limits): Readonly<Record<string, number | "unlimited">> =>
  Object.fromEntries(["*", "root"].flatMap((who) => Object.entries(limits).map(([item, value]) => [`${who} - ${item}`, value])));
