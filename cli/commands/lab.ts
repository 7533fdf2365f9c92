// fleet lab: what disks, databases and web servers do, side by side and repeated in turn.

import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Command } from "commander";
import { type FleetServer, type FleetUp, fleetUp, maskOf } from "../../operations/fleet-up.ts";
import { type Seen, within } from "../../operations/lab/hardware.ts";
import type { Kind, Lab } from "../../operations/lab/model.ts";
import { workloads } from "../../operations/lab/oltp.ts";
import { labPage } from "../../operations/lab/page.ts";
import { lookedAt, placeOn, runLab } from "../../operations/lab/run.ts";
import { keep, labOf, labs, labsFolder } from "../../operations/lab/runs.ts";
import { labText } from "../../operations/lab/text.ts";
import { checkoutCommit } from "../../operations/measure/bench.ts";
import { seconds, whole } from "../../operations/measure/report/figures.ts";
import { needsWrk } from "../../operations/measure/run/load.ts";
import { folderOf } from "../../operations/measure/runs.ts";
import { OpenServers } from "../../operations/on-servers.ts";
import { operator } from "../../operations/operator.ts";
import { select, selectionHelp } from "../../operations/select.ts";
import { planOf } from "../../provisioners/stack.ts";
import { changes, throwIfInterrupted } from "../../pulumi/interruption.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { priced } from "../lab-prices.ts";
import { type LabOptions, planned, type Wanted } from "../lab-wish.ts";
import { waiting } from "../progress.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { columns, confirm, wrapped } from "../terminal.ts";

type Done = Parameters<Register>[1];

export const lab: Register = (program, done) => {
  const command = program
    .command("lab")
    .description("what disks, databases and web servers do: fio, sysbench and wrk, side by side and repeated in turn")
    .addHelpText(
      "after",
      `
Examples:
  fleet lab disk                            fio on each server, one after the other
  fleet lab oltp i2 i4i --repeat 3          sysbench: 16 threads, read only, 180 s, three times in turn
  fleet lab oltp isu3 --workload read-write --setting sync_binlog=0,1
  fleet lab web isu1 --connections 16,64,256
  fleet lab show                            all of them; with numbers: again, side by side

What a server lacks (fio, sysbench) is installed for it; that, its files and its
tables go again, also after Ctrl-C, and where this computer goes away. The page,
with the hardware and what it costs on AWS, stays in runs/STACK/lab/N/.`,
    );
  common(command.command("disk"), "fio in a folder of its own: random and sequential, read, written and synced", "30")
    .option("--dir <folder>", "where it writes; default /var/lib/mysql where there is one, else /var/tmp")
    .option("--size <MiB>", "of its file; default by memory and free space, 4096 at most")
    .option("--depth <numbers>", "requests in flight, several with commas between: 1,32", "16")
    .action((words: string[], options: LabOptions) => done(run("disk", words, options)));
  common(command.command("oltp"), "sysbench on the server's own database, in a database of the lab's own", "180")
    .option("--workload <name>", `${Object.keys(workloads).join(", ")}; tpcc wants sysbench-tpcc on the server`, "read-only")
    .option("--threads <numbers>", "threads, several with commas between: 8,16,64", "16")
    .option("--tables <number>", "tables", "1")
    .option("--rows <number>", "of each table; default half of the memory of the server that has least, 50000000 at most")
    .option("--scale <number>", "warehouses of tpcc", "10")
    .option(
      "--setting <name=values>",
      "a variable of the database's that can be set while it runs, with what it is compared at: sync_binlog=0,1",
    )
    .action((words: string[], options: LabOptions) => done(run("oltp", words, options)));
  common(command.command("web"), "wrk from this computer against a page of each server", "30")
    .option("--url <url>", "the page; {address} is the server's", "http://{address}/")
    .option("--connections <numbers>", "open at once, several with commas between: 16,64", "16")
    .action((words: string[], options: LabOptions) => done(run("web", words, options)));
  showCommand(command, done);
};

function common(command: Command, description: string, time: string): Command {
  return command
    .description(description)
    .argument("[servers...]", selectionHelp)
    .option(...stackOption)
    .option("--time <seconds>", "of each pass", time)
    .option("--ramp <seconds>", "before it, whose figures do not count", "10")
    .option("--repeat <number>", "rounds: each case once a round, in turn", "1")
    .option("--at-once", "all servers at once; default one after the other, since practice machines share a computer", false)
    .option("--note <text>", "a word for the page")
    .option("-y, --yes", "do not ask for confirmation", false)
    .option("--json", "all that was measured, as JSON", false);
}

async function run(kind: Kind, words: readonly string[], options: LabOptions): Promise<number> {
  const stack = options.stack ?? (await stackInMind());
  const fleet = await fleetUp(stack);
  const servers = select(fleet.servers, words);
  if (kind === "web") needsWrk();
  const open = new OpenServers();
  try {
    const place = options.dir ?? (await placeOn(open, servers[0]!));
    const looked = await waiting(
      () => "lab: looks at the servers",
      () => lookedAt(open, servers, place),
    );
    const declared = new Map(planOf(stack).servers.map((each) => [each.name, each.declared]));
    const seen = new Map([...looked].map(([name, each]) => [name, within(each, declared.get(name))]));
    const wanted = planned(kind, servers, seen, { ...options, dir: place });
    await confirm(question(fleet, servers, wanted), stack, options.yes);
    return await measured(open, { fleet, wanted, seen, kind, options });
  } finally {
    await open.close();
  }
}

/** What it writes, for those who must agree to it. */
function writesOf({ how }: Wanted): string {
  if (how.kind === "disk") return `, and writes up to ${whole(how.bytes / 1024 ** 2)} MiB into ${how.place}`;
  return how.kind === "oltp" ? `, and writes ${whole(how.rows * how.tables)} rows into a database of its own` : "";
}

const question = ({ stack }: FleetUp, servers: readonly FleetServer[], wanted: Wanted): string =>
  wrapped(
    `lab ${wanted.how.kind} loads ${servers.map(({ name }) => name).join(", ")} of ${stack} as far as they go, for about ${seconds(wanted.takes)} (${wanted.passes} passes)${writesOf(wanted)}`,
  );

interface Asked {
  readonly fleet: FleetUp;
  readonly wanted: Wanted;
  readonly seen: ReadonlyMap<string, Seen>;
  readonly kind: Kind;
  readonly options: LabOptions;
}

async function measured(open: OpenServers, { fleet, wanted, seen, kind, options }: Asked): Promise<number> {
  const mask = maskOf(fleet);
  const began = Date.now() / 1000;
  let now = "makes the servers ready";
  changes();
  const { passes, remarks } = await waiting(
    () => `lab: ${now}`,
    () =>
      runLab(open, {
        ...wanted,
        atOnce: options.atOnce,
        tell: (what) => {
          now = what;
        },
        onPass: ({ server, setting, job, round, rate, ms }) =>
          options.json ||
          console.error(
            `  ${[server, setting].filter(Boolean).join(", ")}: ${job}, round ${round}: ${whole(rate)}/s, ${ms.mean.toFixed(2)} ms`,
          ),
        onWait: (server, why) => console.error(`${server}: ${why}`),
      }),
  );
  throwIfInterrupted();
  const { lab: kept, folder } = keep({
    ...{ kind, stack: fleet.stack, who: operator(), began, ended: Date.now() / 1000, how: [...wanted.told], passes: [...passes] },
    ...checkoutCommit(),
    ...(options.note !== undefined && { note: mask(options.note) }),
    hardware: await priced(fleet.stack, seen),
    remarks: remarks.map(mask),
  });
  told([kept], options.json);
  const page = join(folder, "lab.html");
  writeFileSync(page, mask(labPage([kept])));
  if (!options.json) console.error(`\n${shownPath(page)} has the plots`);
  return passes.every(({ errors }) => errors === 0) ? 0 : 1;
}

function told(all: readonly Lab[], json: boolean): void {
  console.log(json ? JSON.stringify(all.length === 1 ? all[0] : all, null, 2) : labText(all));
}

function shownPath(file: string): string {
  const own = relative(process.cwd(), file);
  return own.startsWith("..") ? file : own;
}

interface ShowOptions {
  readonly stack?: string;
  readonly json: boolean;
}

function showCommand(command: Command, done: Done): void {
  command
    .command("show")
    .description("labs that were run; with their numbers: again, several side by side")
    .argument("[labs...]", "numbers of labs of one kind")
    .option(...stackOption)
    .option("--json", "as JSON", false)
    .action((numbers: string[], options: ShowOptions) => done(show(numbers, options)));
}

async function show(numbers: readonly string[], { stack: named, json }: ShowOptions): Promise<number> {
  const stack = named ?? (await stackInMind());
  if (numbers.length === 0) return list(stack, json);
  const some = numbers.map((each) => labOf(stack, Number(each)));
  const kinds = [...new Set(some.map(({ kind }) => kind))];
  if (kinds.length > 1) throw new UserError(`lab show: expected labs of one kind, got ${kinds.join(" and ")}`);
  told(some, json);
  const page = join(
    labsFolder(stack),
    some.length === 1
      ? `${folderOf(labsFolder(stack), some[0]!.lab, some[0]!.who)}/lab.html`
      : `${some.map(({ lab: each }) => each).join("-")}.html`,
  );
  writeFileSync(page, labPage(some));
  if (!json) console.error(`\n${shownPath(page)} has the plots`);
  return 0;
}

function list(stack: string, json: boolean): number {
  const all = labs(stack);
  if (json) console.log(JSON.stringify(all, null, 2));
  else if (all.length === 0) throw new UserError(`${stack}: expected labs, got none yet; next: ${typed()} lab oltp -s ${stack}`);
  else
    console.log(
      columns([
        ["lab", "when", "what", "servers", "how"],
        ...all.map((each) => [
          String(each.lab),
          new Date(each.began * 1000).toISOString().slice(5, 16).replace("T", " "),
          each.kind,
          Object.keys(each.hardware).join(","),
          `${each.how.join(", ")}${each.note === undefined ? "" : `: ${each.note}`}`,
        ]),
      ]),
    );
  return 0;
}
