// The systemd unit of an application: comes back after a crash and after a reboot, and waits for no other service to be there first.
import { z } from "zod";
import { AbsolutePath, Line, UnitName, UserName } from "../../spec/scalars.ts";
import { conf, ownedBy, when } from "../conf.ts";
import { commandLine } from "./quote.ts";

export const AppUnit = z.strictObject({
  description: Line.regex(/^[^%\\]*$/)
    .default("Application of the contest team")
    .describe("Description= of the unit."),
  user: UserName.describe("User that it runs as."),
  group: UserName.optional().describe("Default: the user's own."),
  workingDirectory: AbsolutePath.describe("Folder that it starts in."),
  command: z.tuple([AbsolutePath], z.string().min(1)).describe("Program by absolute path, and its arguments; no shell reads them."),
  environmentFile: AbsolutePath.optional(),
  after: z
    .array(UnitName)
    .default([])
    .describe("Units of this server to start after, where they start at all: order alone, never a requirement."),
  restartSec: z.number().min(0).default(1).describe("Seconds between an end and the next start."),
  stopTimeout: z.int().min(1).default(10).describe("Seconds until a stop becomes a kill."),
  limitNofile: z.int().min(64).default(65536).describe("Open files: LimitNOFILE= of the unit."),
});
export type AppUnit = z.infer<typeof AppUnit>;

/**
 * No `Requires=` on a database: on a split fleet it is elsewhere, and would be pulled in or take the application down. Restarts without
 * limit instead: at boot the database may take longer than the application.
 */
export const appUnit = (unit: AppUnit): string => conf`
  # ${ownedBy("app", "templates/app/unit.ts")}
  [Unit]
  Description=${unit.description}
  Wants=network-online.target
  After=${["network-online.target", ...unit.after]}
  StartLimitIntervalSec=0

  [Service]
  User=${unit.user}
  ${unit.group === undefined ? [] : `Group=${unit.group}`}
  WorkingDirectory=${unit.workingDirectory}
  ${unit.environmentFile === undefined ? [] : `EnvironmentFile=${unit.environmentFile}`}
  ExecStart=${commandLine(unit.command)}
  Restart=always
  RestartSec=${unit.restartSec}
  TimeoutStopSec=${unit.stopTimeout}
  LimitNOFILE=${unit.limitNofile}

  [Install]
  WantedBy=multi-user.target
`;

/** Properties of a unit section; a list says the property once for each. */
export interface DropIn {
  /** For the first line: who it belongs to. */
  readonly role: string;
  readonly unit?: Readonly<Record<string, string | number | readonly string[]>>;
  readonly service?: Readonly<Record<string, string | number | readonly string[]>>;
}

const section = (name: string, properties: NonNullable<DropIn["unit"]> | undefined): readonly string[] => {
  const pairs = Object.entries(properties ?? {}).flatMap(([key, value]) =>
    (typeof value === "object" ? value : [value]).map((one) => conf`${key}=${one}`.trimEnd()),
  );
  return when(pairs.length > 0, `[${name}]`, ...pairs) as readonly string[];
};

/** `/etc/systemd/system/<unit>.d/zz-fleet.conf`. An empty string in a list clears what the packaged unit says: `ExecStart: ["", "…"]`. */
export const dropIn = ({ role, unit, service }: DropIn): string => conf`
  # ${ownedBy(role, "templates/app/unit.ts")}
  ${section("Unit", unit)}
  ${section("Service", service)}
`;
