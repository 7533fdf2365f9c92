// Labs in a terminal, 80 columns wide.
import { bytes, percent, seconds, shortened, whole } from "../measure/report/figures.ts";
import { table } from "../measure/report/text.ts";
import { costOf, type Figures, figuresOf, unitOf } from "./figures.ts";
import type { Lab } from "./model.ts";
import { dollars, milliseconds } from "./page.ts";

function jobLines(job: string, all: readonly Figures[], unit: string): readonly string[] {
  const priced = all.some(({ perDollar }) => perDollar !== undefined);
  const head = [unit, "of best", "mean", "p95", "rounds", ...(priced ? ["for 1 USD"] : []), "of"];
  const rows = all.map((each) => [
    `${whole(each.rate)}${each.rounds > 1 ? ` ±${whole((each.most - each.least) / 2)}` : ""}`,
    percent(each.share),
    milliseconds(each.ms.mean),
    milliseconds(each.ms.p95),
    `${each.rounds}${each.errors > 0 ? `, ${whole(each.errors)} errors` : ""}`,
    ...(priced ? [each.perDollar === undefined ? "–" : whole(each.perDollar)] : []),
    each.of,
  ]);
  return ["", job, ...table(head, rows)];
}

export function labText(labs: readonly Lab[]): string {
  const jobs = [...Map.groupBy(figuresOf(labs), ({ job }) => job)];
  return labs
    .flatMap((lab) => {
      const cost = costOf(lab);
      return [
        `lab ${lab.lab}: ${lab.kind}, ${lab.how.join(", ")}; ${seconds(lab.ended - lab.began)}${cost === undefined ? "" : `, ${dollars(cost)} on AWS`}`,
        ...Object.entries(lab.hardware).map(([server, each]) =>
          shortened(
            `  ${server}: ${each.instanceType ?? each.virtual}, ${each.cores} cores, ${bytes(each.memory)}, ${each.files}, ${each.kernel}`,
            79,
          ),
        ),
        ...lab.remarks,
      ];
    })
    .concat(jobs.flatMap(([job, all]) => jobLines(job, all, unitOf[labs[0]!.kind])))
    .join("\n");
}
