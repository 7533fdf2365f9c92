// Labs in a terminal, 80 columns wide.
import { bytes, percent, seconds, shortened, whole } from "../measure/report/figures.ts";
import { costOf, type Figures, figuresOf, unitOf } from "./figures.ts";
import type { Lab } from "./model.ts";
import { dollars, milliseconds } from "./page.ts";

function jobLines(job: string, all: readonly Figures[], unit: string): readonly string[] {
  const head = [unit, "of best", "mean", "p95", "rounds", "of"];
  const rows = all.map((each) => [
    `${whole(each.rate)}${each.rounds > 1 ? ` ±${whole((each.most - each.least) / 2)}` : ""}`,
    percent(each.share),
    milliseconds(each.ms.mean),
    milliseconds(each.ms.p95),
    `${each.rounds}${each.errors > 0 ? `, ${whole(each.errors)} errors` : ""}`,
    shortened(`${each.of}${each.perDollar === undefined ? "" : `, ${whole(each.perDollar)} for 1 USD`}`, 38),
  ]);
  const widths = head.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]!.length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((each, index) => (index === row.length - 1 ? each : each.padStart(widths[index]!))).join("  ")}`.trimEnd();
  return ["", job, line(head), ...rows.map(line)];
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
