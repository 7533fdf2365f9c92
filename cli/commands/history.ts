// fleet history: who changed what, when, and with which result.
import { InvalidArgumentError } from "commander";
import { historyOf } from "../../operations/history/history.ts";
import { historyStore } from "../../operations/history/store.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { columns, styled } from "../terminal.ts";

export const history: Register = (program, done) =>
  program
    .command("history")
    .description("who changed what, when, and with which result: of all who share the backend")
    .option(...stackOption)
    .option("-n, --lines <number>", "runs, the newest ones", count, 20)
    .option("--json", "the runs as JSON, with what each changed", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet history
  fleet history -s team-a -n 100
  fleet history --json | jq '.[] | select(.result != "done")'

What a run changed: fleet diff RUN. It stands beside the state: in .fleet/history, or in the bucket of PULUMI_BACKEND_URL.`,
    )
    .action((options: Options) => done(show(options)));

interface Options {
  readonly stack?: string;
  readonly lines: number;
  readonly json: boolean;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("expected a number of runs");
  return Number(text);
}

const colours = { done: "green", failed: "red", interrupted: "yellow" } as const;
const two = (number: number): string => String(number).padStart(2, "0");

/** By this computer's clock; the day where it is not today. */
export function when(at: string, now = new Date()): string {
  const date = new Date(at);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return date.toDateString() === now.toDateString() ? clock : `${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}

async function show({ stack: named, lines, json }: Options): Promise<number> {
  const stack = named ?? (await stackInMind());
  const store = await historyStore();
  const runs = await historyOf(stack, lines, store);
  if (store.alone !== undefined) console.error(store.alone);
  if (json) console.log(JSON.stringify(runs, null, 2));
  else if (runs.length === 0) console.log(`${stack}: nothing was changed yet, as far as ${store.place} knows`);
  else
    console.log(
      columns(
        runs.map(({ at, who, what, result, seconds, summary, id }) => [
          when(at),
          id.slice(-4),
          who,
          what,
          styled(colours[result], result.padEnd("interrupted".length)),
          `${seconds.toFixed(0)} s`.padStart(5),
          summary,
        ]),
      ),
    );
  return 0;
}
