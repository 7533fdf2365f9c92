// How far a server's clock is from this computer's: samples of several servers stand on one time line.
import type { Shell } from "../../../provisioners/engine/shell.ts";
import { raw } from "../../../provisioners/engine/shell-quote.ts";

export interface Clock {
  /** Seconds by which the server's clock is ahead. */
  readonly ahead: number;
  /** Seconds: half of what the question took. */
  readonly within: number;
}

/** Two clocks that keep time agree to this, and a network makes no more of it. */
const agreement = 0.25;
const questions = 3;

/** Pure: of questions asked at `asked` and answered at `heard`, the quickest tells most. */
export function clockOf(answers: readonly { readonly asked: number; readonly said: number; readonly heard: number }[]): Clock | undefined {
  const known = answers
    .filter(({ said }) => Number.isFinite(said) && said > 0)
    .map(({ asked, said, heard }) => ({ ahead: said - (asked + heard) / 2, within: (heard - asked) / 2 }))
    .sort((a, b) => a.within - b.within);
  return known[0];
}

/** What its times are to be corrected by: 0 where the clocks agree as far as can be told. */
export const correction = (clock: Clock | undefined): number =>
  clock === undefined || Math.abs(clock.ahead) <= Math.max(agreement, clock.within) ? 0 : -clock.ahead;

export async function clockOn(shell: Shell): Promise<Clock | undefined> {
  const answers = [];
  for (let index = 0; index < questions; index++) {
    const asked = Date.now() / 1000;
    const { stdout } = await shell.run(raw("date +%s.%N"));
    answers.push({ asked, said: Number(stdout.toString("utf8").trim()), heard: Date.now() / 1000 });
  }
  return clockOf(answers);
}

/** `its clock is 2.4 s behind this computer's` */
export function clockText(clock: Clock | undefined): string | undefined {
  const by = correction(clock);
  if (by === 0) return undefined;
  const ahead = -by;
  return `its clock is ${Math.abs(ahead).toFixed(1)} s ${ahead > 0 ? "ahead of" : "behind"} this computer's: its times are corrected by that; next: chronyc makestep`;
}
