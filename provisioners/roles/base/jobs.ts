// Jobs of cron. Of an application's, `app.timers` has more to say: where they run, and what with.
import { z } from "zod";
import type { Facts } from "../../engine/facts.ts";
import { CronWant } from "../../resources/cron.ts";
import { type Declared, want } from "../../resources/want.ts";

const { name: CronName, environment, jobs } = CronWant.shape;
const { schedule, user, run } = jobs.unwrap().element.shape;

const Cron = z.strictObject({
  environment: environment.describe("variables of all its jobs"),
  jobs: z
    .array(
      z.strictObject({
        schedule: schedule.describe("five fields such as `*/5 * * * *`, or `@daily` and the like"),
        user: user.describe("user that it runs as"),
        run: run.describe("command, as a shell takes it"),
      }),
    )
    .min(1)
    .describe("jobs of the file"),
});

export const cronParams = z.record(CronName, Cron).default({}).describe("jobs of cron, by the name of their file in `/etc/cron.d`");

export const cronJobs = (files: z.infer<typeof cronParams>, { packageManager }: Pick<Facts, "packageManager">): Declared[] => {
  const declared = Object.entries(files).map(([name, each]) => want.cron({ name, ...each }));
  // Debian's package starts its service by itself.
  const service = packageManager === "dnf" ? [want.service({ unit: "crond.service" })] : [];
  return declared.length > 0 ? [want.package({ name: "cron" }), ...declared, ...service] : [];
};
