// One run of the fleet that changed something, as the team's history keeps it. No secret stands in it: whoever may read the backend may read it.
import { z } from "zod";

export const HistoryEntry = z.object({
  version: z.literal(1),
  /** `20261129T100512Z-up-3f2a`: sorts by time. */
  id: z.string().regex(/^\d{8}T\d{6}Z-[a-z-]+-[0-9a-f]{4}$/),
  stack: z.string(),
  /** UTC, of the beginning. */
  at: z.string(),
  seconds: z.number(),
  /** `ada@laptop` */
  who: z.string(),
  /** `up`, `down`, `run`, `drain` … */
  what: z.string(),
  /** As it was typed. */
  command: z.string(),
  result: z.enum(["done", "failed", "interrupted"]),
  /** One line. */
  summary: z.string(),
  servers: z.array(z.string()),
  /** Of the project's own repository; `-dirty` with changes that are in no commit. */
  commit: z.string().optional(),
  /** What was changed, as a command's own data. */
  detail: z.unknown().optional(),
});
export type HistoryEntry = z.infer<typeof HistoryEntry>;

/** Of a run by its id alone: `up`. */
export const whatOf = (id: string): string => id.split("-").slice(1, -1).join("-");

/** What people asked or tried on servers: nobody knows that it changed anything. */
export const looksAlone = ["run", "retest"];

export const idAt = (time: Date, what: string, nonce: string): string =>
  `${time.toISOString().replace(/[-:]|\.\d+/g, "")}-${what}-${nonce}`;
