// A job on a calendar: no kind of its own, but three resources of other kinds, the job's unit, its timer, and the timer's running.
import type { z } from "zod";
import { Timer, timedService, timerUnit } from "../../templates/app/timer.ts";
import { type Declared, want } from "./want.ts";

/** Throws a ZodError on a spec that breaks the grammar. */
export function timer(input: z.input<typeof Timer>): readonly Declared[] {
  const spec = Timer.parse(input);
  const job = want.unit({ name: `${spec.name}.service`, content: timedService(spec) });
  const clock = want.unit({ name: `${spec.name}.timer`, content: timerUnit(spec), after: [job.address] });
  return [job, clock, want.service({ unit: `${spec.name}.timer`, restartOn: [clock.address], settle: 0 })];
}
