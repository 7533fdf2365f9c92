// What a bench lab keeps of itself: `runs/<stack>/lab/<n>/lab.json`. Nothing in it is secret.
import { z } from "zod";

export const kinds = ["disk", "oltp", "web"] as const;
export type Kind = (typeof kinds)[number];

export const Point = z.object({
  /** Seconds since the pass began, its ramp-up left out. */
  at: z.number(),
  /** Transactions, requests or operations in this second. */
  rate: z.number(),
  /** Response time, in milliseconds. */
  ms: z.number().optional(),
});
export type Point = z.infer<typeof Point>;

export const Pass = z.object({
  server: z.string(),
  /** What was set for it: `innodb_flush_log_at_trx_commit=2`; empty where servers alone are compared. */
  setting: z.string(),
  /** What it did: `random read 4k`, `oltp_read_only`, `GET /`. */
  job: z.string(),
  round: z.int(),
  /** Of all of it, a second. */
  rate: z.number(),
  /** Milliseconds. */
  ms: z.object({ mean: z.number(), p95: z.number().optional(), p99: z.number().optional(), max: z.number().optional() }),
  /** Answers that were no success. */
  errors: z.number(),
  points: z.array(Point),
});
export type Pass = z.infer<typeof Pass>;

export const Hardware = z.object({
  cpu: z.string(),
  cores: z.number(),
  /** Bytes. */
  memory: z.number(),
  disks: z.array(z.string()),
  /** What lies below the folder that is written to: `xfs on /dev/md0 (noatime)`. */
  files: z.string(),
  kernel: z.string(),
  system: z.string(),
  /** `kvm`, `systemd-nspawn`; `none` on bare metal. */
  virtual: z.string(),
  /** Of EC2. */
  instanceType: z.string().optional(),
  /** USD an hour, on demand. */
  pricePerHour: z.number().optional(),
  /** The database and its settings that count. */
  database: z.record(z.string(), z.string()).optional(),
});
export type Hardware = z.infer<typeof Hardware>;

export const Lab = z.object({
  lab: z.int(),
  kind: z.enum(kinds),
  stack: z.string(),
  who: z.string(),
  note: z.string().optional(),
  commit: z.string().optional(),
  /** Seconds of the epoch. */
  began: z.number(),
  ended: z.number(),
  /** How it was asked, a line each: `16 threads`, `180 s after 10 s of ramp-up`. */
  how: z.array(z.string()),
  hardware: z.record(z.string(), Hardware),
  passes: z.array(Pass),
  /** What was not as it should be for measuring. */
  remarks: z.array(z.string()),
});
export type Lab = z.infer<typeof Lab>;

/** What is compared: a server, with what was set on it. */
export const caseOf = ({ server, setting }: Pick<Pass, "server" | "setting">): string =>
  setting === "" ? server : `${server}, ${setting}`;
