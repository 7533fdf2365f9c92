// npm run bench: how fast this product is beside OpenSSH itself, pyinfra and Ansible. Options: see `usage`.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureImage } from "../../machines/image.ts";
import { preflight } from "../../machines/preflight.ts";
import { passed } from "./bounds.ts";
import type { Contestant } from "./contestant.ts";
import { fleet } from "./fleet.ts";
import { floor } from "./floor.ts";
import { makeKeys, sshdConfig } from "./hosts.ts";
import { ansible, ensureVenv, pyinfra } from "./peers.ts";
import { type Measured, measure } from "./rounds.ts";
import { machine, table } from "./table.ts";
import { wholeCommands } from "./whole.ts";

const usage = `npm run bench -- [options]
  --hosts 1,4,16,64     how many hosts
  --only fleet,floor    which contestants: floor, fleet, "fleet up", "fleet up (50 ms away)", "fleet preview", "fleet verify", pyinfra, ansible-mitogen, ansible-pipelining
  --runs 3              rounds; the slow contestants run fewer
  --disk                hosts keep their files on the disk instead of in memory
  --check               whole commands alone, beside the floor: exit code 1 where a ratio passes its bound (bounds.ts)
  --json out.json       every single measurement`;

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "contest-fleet");
const venv = join(cache, "bench-venv");

const contestants: readonly Contestant[] = [
  floor,
  ...wholeCommands,
  fleet,
  pyinfra(venv),
  ansible(venv, {
    name: "ansible-mitogen",
    mitogen: true,
    skips: (hosts, phase) =>
      hosts > 16 && phase !== "nothing to do" ? "minutes a phase; `nothing to do` stands for all three" : undefined,
  }),
  ansible(venv, {
    name: "ansible-pipelining",
    mitogen: false,
    skips: (hosts) => (hosts > 4 ? "minutes a phase at 4 hosts already, and it grows with them" : undefined),
  }),
];

function options() {
  const { values } = parseArgs({
    options: {
      hosts: { type: "string", default: "1,4,16,64" },
      only: { type: "string", default: contestants.map(({ name }) => name).join(",") },
      runs: { type: "string", default: "3" },
      disk: { type: "boolean", default: false },
      json: { type: "string" },
      check: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const hosts = values.hosts.split(",").map(Number);
  const names = values.check ? [floor, ...wholeCommands].map(({ name }) => name) : values.only.split(",");
  const wrong = names.filter((name) => !contestants.some((each) => each.name === name));
  const runs = Number(values.runs);
  if (values.help || wrong.length > 0 || hosts.some((each) => !(each >= 1 && each <= 200)) || !(runs >= 1)) return undefined;
  return { ...values, hosts, runs, contestants: contestants.filter(({ name }) => names.includes(name)) };
}

const log = (line: string): void => console.error(line);

async function main(): Promise<number> {
  const chosen = options();
  if (!chosen) {
    console.error(usage);
    return 2;
  }
  await preflight();
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  const directory = await mkdtemp(join(tmpdir(), "fleet-bench-"));
  try {
    const image = await ensureImage({ release: "bookworm", packages: ["python3", "python3-apt"] }, { log, signal: stop.signal });
    if (chosen.contestants.some(({ name }) => name.startsWith("ansible") || name === "pyinfra")) await ensureVenv(venv, stop.signal, log);
    await makeKeys(directory);
    await writeFile(join(directory, "sshd_config"), sshdConfig);
    const hostKey = (await readFile(join(directory, "host.pub"), "utf8")).trim();
    const privateKey = await readFile(join(directory, "client"), "utf8");
    const options = { image, directory, disk: chosen.disk, keys: { hostKey, privateKey, directory } };
    const measured: Measured[] = [];
    for (const count of chosen.hosts) {
      measured.push(...(await measure(count, chosen.contestants, { options, runs: chosen.runs, signal: stop.signal, log })));
    }
    const about = await machine(venv);
    if (chosen.json) await writeFile(chosen.json, `${JSON.stringify({ about, measured }, undefined, 2)}\n`);
    console.log(`${about.join("\n")}\n\n${table(measured)}`);
    const beyond = chosen.check ? passed(measured) : [];
    for (const sentence of beyond) console.error(sentence);
    return beyond.length > 0 ? 1 : 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    console.error((stop.signal.reason as Error).message);
    return 130;
  } finally {
    // What a contestant left running may still close its files.
    await rm(directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 20 });
  }
}

process.exitCode = await main();
