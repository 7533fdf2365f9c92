// A file of /etc/cron.d, from typed lines.
import { z } from "zod";
import { EnvName, Line, UserName } from "../../spec/scalars.ts";
import type { PathSeen } from "../engine/probe.ts";
import { FileWant, file } from "./file.ts";
import { common, defineKind } from "./kind.ts";

const field = "[0-9A-Za-z*][0-9A-Za-z*,/-]*";
const times = "@(?:reboot|yearly|annually|monthly|weekly|daily|hourly)";

export const CronWant = z.strictObject({
  ...common,
  /** The file's name. cron skips files with a dot in it. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, { error: "expected a name without dots, such as `backup`: cron skips others" }),
  environment: z.record(EnvName, Line).optional(),
  jobs: z
    .array(
      z.strictObject({
        schedule: z.string().regex(new RegExp(`^(?:${times}|${field}(?: ${field}){4})$`), {
          error: "expected five fields such as `*/5 * * * *`, or `@daily` and the like",
        }),
        user: UserName.default("root"),
        /** As a shell takes it; a `%` stands for itself. */
        run: Line.min(1),
      }),
    )
    .min(1)
    .readonly(),
});
export type CronWant = z.infer<typeof CronWant>;

/** cron ends a command at a bare `%`. */
const escaped = (run: string): string => run.replaceAll("%", "\\%");
const header = "# Managed by fleet. Local edits are undone at the next run.";

const render = ({ environment = {}, jobs }: CronWant): string =>
  [
    header,
    ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...jobs.map(({ schedule, user, run }) => `${schedule} ${user} ${escaped(run)}`),
    "",
  ].join("\n");

/** The jobs of a file that somebody edited, as far as they read as such. */
function jobsIn(text: string): CronWant["jobs"] {
  const line = new RegExp(`^(${times}|\\S+(?:\\s+\\S+){4})\\s+(\\S+)\\s+(.+)$`);
  return text
    .split("\n")
    .filter((each) => !/^\s*(?:#|$|[A-Za-z_]\w*\s*=)/.test(each))
    .flatMap((each) => {
      const [, schedule, user, run] = line.exec(each) ?? [];
      return schedule && user && run ? [{ schedule: schedule.replace(/\s+/g, " "), user, run: run.replaceAll("\\%", "%") }] : [];
    });
}

function environmentIn(text: string): Record<string, string> | undefined {
  const pairs = [...text.matchAll(/^\s*([A-Za-z_]\w*)\s*=\s*(.*)$/gm)].map(([, name = "", value = ""]) => [name, value] as const);
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
}

const pathOf = ({ name }: CronWant): string => `/etc/cron.d/${name}`;
const fileOf = (want: CronWant): FileWant => FileWant.parse({ path: pathOf(want), content: render(want) });

export const cron = defineKind<CronWant, PathSeen>({
  kind: "cron",
  rank: 140,
  schema: CronWant,
  address: ({ name }) => `cron[${name}]`,
  touches: (want) => ({ paths: [pathOf(want)] }),
  path: pathOf,
  leans: (want) => ({ paths: ["/etc/cron.d"], users: want.jobs.map((job) => job.user) }),
  standing: (have) => have,
  read: (want, look) => file.read(fileOf(want), look),
  plan: (want, have, context) => file.plan(fileOf(want), have, context),
  seen(want, have) {
    const seen = file.seen(fileOf(want), have);
    if (!seen || seen.content === render(want)) return seen && want;
    const { environment: _, ...rest } = want;
    const environment = environmentIn(seen.content);
    return { ...rest, ...(environment && { environment }), jobs: jobsIn(seen.content) };
  },
  undo: (want, original, have) => file.undo(fileOf(want), original, have),
});
