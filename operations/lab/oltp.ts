// sysbench on the server's own database, in a database and by an account of the lab's own.
import { type Command, lines, quote, raw, withInput } from "../../provisioners/engine/shell-quote.ts";
import { folder, mysqlProgram, running, undo } from "./aside.ts";
import type { Pass, Point } from "./model.ts";

/** By the name that people type, sysbench's own. TPC-C is Percona's script, which no distribution has. */
export const workloads = {
  "read-only": "oltp_read_only",
  "read-write": "oltp_read_write",
  "write-only": "oltp_write_only",
  "point-select": "oltp_point_select",
  tpcc: "tpcc",
} as const;
export type Workload = keyof typeof workloads;

export interface OltpHow {
  readonly workload: Workload;
  readonly rows: number;
  readonly tables: number;
  readonly time: number;
  readonly ramp: number;
  /** Warehouses of TPC-C; a table set each `tables`. */
  readonly scale: number;
}

/** Distinct from whatever a team has. */
export const names = (nonce: string) => ({ database: `fleet_lab_${nonce}`, user: `fleet_lab_${nonce}` });

const config = `${folder}/sysbench.cnf`;
/** Where packages and checkouts of sysbench-tpcc put it. */
const tpccPlaces = [
  "/usr/share/sysbench/tpcc.lua",
  "/usr/local/share/sysbench/tpcc.lua",
  "/opt/sysbench-tpcc/tpcc.lua",
  "/root/sysbench-tpcc/tpcc.lua",
];

/** sysbench finds a script's siblings beside it alone where it is run from there. */
const program = (workload: Workload): string =>
  workload === "tpcc"
    ? `tpcc=$(ls ${tpccPlaces.join(" ")} 2>/dev/null | head -n 1)
if [ -z "$tpcc" ]; then echo 'expected sysbench-tpcc (tpcc.lua) in ${tpccPlaces.map((each) => each.replace(/\/tpcc.lua$/, "")).join(", ")}, got none' >&2; exit 49; fi
cd "$(dirname "$tpcc")"
script=./tpcc.lua`
    : `cd ${folder}; script=${workloads[workload]}`;

const size = ({ workload, rows, tables, scale }: OltpHow): string =>
  workload === "tpcc" ? `--tables=${tables} --scale=${scale} --use_fk=0` : `--tables=${tables} --table-size=${rows}`;

/** Ends with 49 where the script of TPC-C is not there, 50 where there is no database that can be asked. */
export function oltpReady(how: OltpHow, nonce: string, password: string): Command {
  const { database, user } = names(nonce);
  return lines([
    raw(program(how.workload)),
    raw(`if ! ${mysqlProgram} -e 'select 1' >/dev/null 2>${folder}/said; then cat ${folder}/said >&2; exit 50; fi`),
    raw(`socket=$(${mysqlProgram} -e 'select @@socket')`),
    raw(undo(`${mysqlProgram} -e 'drop database if exists ${database}'`)),
    raw(undo(`${mysqlProgram} -e "drop user if exists ${user}@localhost"`)),
    withInput(
      raw(`${mysqlProgram}`),
      `create database ${database}; create user ${user}@localhost identified by '${password}'; grant all on ${database}.* to ${user}@localhost;\n`,
    ),
    raw(`printf '%s\\n' "mysql-socket=$socket" mysql-user=${user} mysql-db=${database} db-driver=mysql >${config}`),
    withInput(raw(`cat >>${config}`), `mysql-password=${password}\n`),
    raw(
      running(
        `sysbench --config-file=${config} "$script" ${size(how)} --threads=${Math.max(1, Math.min(how.tables, 4))} prepare >${folder}/prepared 2>&1`,
      ),
    ),
    raw(`if [ $code != 0 ]; then tail -n 5 ${folder}/prepared >&2; exit $code; fi`),
  ]);
}

/** Settings of the server's, for one case alone; what was before is what the way back says. */
export function oltpSetting(name: string, value: string): Command {
  const literal = /^-?\d+(\.\d+)?$/.test(value) || /^(on|off|default)$/i.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
  return lines([
    raw(`was=$(${mysqlProgram} -e ${quote(`select @@global.${name}`)})`),
    raw(`case $was in ''|*[!0-9.-]*) was="'$was'" ;; esac`),
    raw(`printf '%s\\n' "${mysqlProgram} -e \\"set global ${name} = $was\\"" >>${folder}/undo`),
    raw(`${mysqlProgram} -e ${quote(`set global ${name} = ${literal}`)}`),
  ]);
}

/** Ramp-up is a run of its own, whose figures nobody sees: caches are warm then, and connections were made. */
export function oltpPass(how: OltpHow, threads: number): Command {
  const run = (seconds: number) =>
    running(
      `sysbench --config-file=${config} "$script" ${size(how)} --threads=${threads} --rand-type=uniform --time=${seconds} --events=0 --report-interval=1 run >${folder}/ran 2>&1`,
    );
  const failed = `if [ $code != 0 ]; then grep -i -m 5 -E 'fatal|error' ${folder}/ran >&2 || tail -n 5 ${folder}/ran >&2; exit $code; fi`;
  return lines([
    raw(program(how.workload)),
    ...(how.ramp > 0 ? [raw(run(how.ramp)), raw(failed)] : []),
    raw(run(how.time)),
    raw(failed),
    raw(`cat ${folder}/ran`),
  ]);
}

const second = /^\[ (\d+)s \] thds: (\d+) tps: ([\d.]+) .*lat \(ms,\d+%\): ([\d.]+)/gm;

/** Pure. Throws where sysbench said nothing that can be read. */
export function oltpSaid(text: string): Pick<Pass, "rate" | "ms" | "errors" | "points"> {
  const figure = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const rate = figure(/^\s*transactions:\s+\d+\s+\(([\d.]+) per sec/m);
  if (!Number.isFinite(rate)) throw new Error(`expected sysbench's figures, got ${text.slice(-300)}`);
  const points: Point[] = [...text.matchAll(second)].map(([, at, threads, tps]) => ({
    at: Number(at),
    rate: Number(tps),
    // Threads that never pause wait for one transaction each.
    ...(Number(tps) > 0 && { ms: (Number(threads) / Number(tps)) * 1000 }),
  }));
  return {
    rate,
    ms: { mean: figure(/^\s*avg:\s+([\d.]+)/m), p95: figure(/^\s*95th percentile:\s+([\d.]+)/m), max: figure(/^\s*max:\s+([\d.]+)/m) },
    errors: figure(/^\s*ignored errors:\s+(\d+)/m) || 0,
    points,
  };
}
