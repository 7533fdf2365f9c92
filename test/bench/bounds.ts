// npm run bench -- --check: ratios that must not be passed, whatever the computer. They leave room for a busy one, not for another engine run.
import type { Phase } from "./contestant.ts";
import type { Measured } from "./rounds.ts";
import { besideFloor } from "./table.ts";

interface Bound {
  readonly contestants: readonly string[];
  readonly phase: Phase;
  /** Times the floor's seconds, by the number of hosts up to which it holds. */
  readonly floors: readonly (readonly [hosts: number, times: number])[];
  /** Of all processes together, in MB, at 64 hosts. */
  readonly memoryMB?: number;
}

/** For a busy computer: twice what an idle one takes. */
const bounds: readonly Bound[] = [
  {
    contestants: ["fleet up", "fleet preview", "fleet verify"],
    phase: "nothing to do",
    floors: [
      [1, 7],
      [16, 6],
      [64, 4],
    ],
    memoryMB: 160,
  },
  { contestants: ["fleet up"], phase: "one file changed", floors: [[64, 12]], memoryMB: 750 },
  { contestants: ["fleet up"], phase: "first run", floors: [[64, 7]], memoryMB: 750 },
];

/** A sentence for each bound that was passed. */
export function passed(measured: readonly Measured[]): readonly string[] {
  return bounds.flatMap(({ contestants, phase, floors, memoryMB }) =>
    measured
      .filter((each) => contestants.includes(each.contestant) && each.phase === phase && each.samples.length > 0)
      .flatMap((each) => {
        const times = floors.find(([hosts]) => each.hosts <= hosts)?.[1];
        const ratio = besideFloor(each, measured);
        const memory = Math.max(...each.samples.map((sample) => sample.memoryMB ?? 0));
        const what = `${each.contestant}, ${phase}, ${each.hosts} hosts`;
        return [
          ...(times !== undefined && ratio !== undefined && ratio > times
            ? [`${what}: expected at most ${times} × the floor, got ${ratio.toFixed(1)}`]
            : []),
          ...(memoryMB !== undefined && memory > memoryMB ? [`${what}: expected at most ${memoryMB} MB, got ${memory.toFixed(0)}`] : []),
        ];
      }),
  );
}
