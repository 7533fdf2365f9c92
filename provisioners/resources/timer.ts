// A job on a calendar: no kind of its own, but three resources of other kinds, the job's unit, its timer, and the timer's running.
import { z } from "zod";
import { Line, UserName } from "../../stacks/scalars.ts";
import { service } from "./service.ts";
import { unit } from "./unit.ts";
import type { Declared } from "./want.ts";

export const TimerSpec = z.strictObject({
  /** Without a suffix: `backup` becomes backup.service and backup.timer. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, { error: "expected a name of letters, digits, `_` and `-`, such as `backup`" }),
  description: Line.optional(),
  /** systemd's calendar format: `*:0/5` is every five minutes. See systemd.time(7). */
  onCalendar: Line,
  /** A command line as ExecStart= takes it: an absolute path and its arguments. */
  run: Line,
  user: UserName.default("root"),
  /** A run that was missed while the server was down is made up for. */
  persistent: z.boolean().default(false),
});

/** Throws a ZodError on a spec that breaks the grammar. */
export function timer(input: z.input<typeof TimerSpec>): readonly Declared[] {
  const { name, description = name, onCalendar, run, user, persistent } = TimerSpec.parse(input);
  const wants = [
    unit.schema.parse({
      name: `${name}.service`,
      content: `[Unit]\nDescription=${description}\n\n[Service]\nType=oneshot\nUser=${user}\nExecStart=${run}\n`,
    }),
    unit.schema.parse({
      name: `${name}.timer`,
      after: [`unit[${name}.service]`],
      content: `[Unit]\nDescription=${description}\n\n[Timer]\nOnCalendar=${onCalendar}\nPersistent=${persistent}\n\n[Install]\nWantedBy=timers.target\n`,
    }),
  ];
  const running = service.schema.parse({ unit: `${name}.timer`, restartOn: [`unit[${name}.timer]`], settle: 0 });
  return [...wants.map((want) => ({ address: unit.address(want), want })), { address: service.address(running), want: running }];
}
