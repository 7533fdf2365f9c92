// What no role may touch, because a contest's rules say so. The lists of known contests stand here.
import { z } from "zod";
import { AbsolutePath, UnitName, UserName } from "./scalars.ts";

export interface Guards {
  /** Each with everything below it. */
  readonly paths: readonly string[];
  readonly users: readonly string[];
  readonly units: readonly string[];
}

/** The environment check and the organiser's way in: a team that changes them is disqualified. */
const isucon: Guards = {
  paths: [
    "/opt/isucon-env-checker",
    "/etc/systemd/system/envcheck.service",
    "/etc/systemd/system/multi-user.target.wants/envcheck.service",
    "/home/isuadmin",
    "/etc/sudoers.d/isuadmin",
  ],
  users: ["isuadmin"],
  units: ["envcheck.service"],
};

/** Contests whose rules are known, by the name that `guard.contest` takes. */
export const contestGuards = { isucon13: isucon, isucon14: isucon } as const satisfies Readonly<Record<string, Guards>>;

export const GuardSpec = z
  .strictObject({
    contest: z
      .enum(Object.keys(contestGuards) as (keyof typeof contestGuards)[])
      .optional()
      .describe("adds what the rules of this contest forbid to touch"),
    paths: z.array(AbsolutePath).default([]).describe("files and folders, each with everything below; default none"),
    users: z.array(UserName).default([]).describe("users whose account, keys and sudo rights stay as they are; default none"),
    units: z.array(UnitName).default([]).describe("systemd units that stay as they are; default none"),
  })
  .describe("what no role may touch");
export type GuardSpec = z.infer<typeof GuardSpec>;

/** The stack's own guards and its contest's, each entry once. */
export function guardsOf({ contest, ...own }: GuardSpec): Guards {
  const known = contest ? contestGuards[contest] : undefined;
  const both = (list: "paths" | "users" | "units") => [...new Set([...(known?.[list] ?? []), ...own[list]])];
  return { paths: both("paths"), users: both("users"), units: both("units") };
}

/** Whether the path is guarded itself or lies below a guarded one. */
export const isGuardedPath = ({ paths }: Guards, path: string): boolean =>
  paths.some((guarded) => path === guarded || path.startsWith(`${guarded}/`));
