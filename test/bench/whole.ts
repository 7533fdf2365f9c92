// Whole commands, as a person types them: `./fleet up`, `preview` and `verify` of a stack file that names the hosts. The workload's files are
// the stack's overlay; state, engine, provider and program are all in what is measured.
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { checkout } from "../../provisioners/project.ts";
import { type SlowLine, startSlowLine } from "../support/slow-line.ts";
import { timed } from "./child.ts";
import type { Contestant, Job, Phase, Place, Sample } from "./contestant.ts";
import { timedTree } from "./tree.ts";
import { type FileItem, render, roleWeb } from "./workload.ts";

export const stack = `trial-bench-${process.pid}`;
const folder = `files-${stack}`;
const stackFile = join(checkout, "stacks", `Pulumi.${stack}.yaml`);
const key = "contest-fleet:fleet";
const env = (): NodeJS.ProcessEnv => ({ ...process.env, PULUMI_CONFIG_PASSPHRASE: "bench", NO_COLOR: "1" });

const isFile = (item: { readonly kind: string }): item is FileItem => item.kind === "file";

function lay(job: Job): void {
  for (const item of roleWeb(job.revision).filter(isFile)) {
    const shared = !item.content.includes("{{ host }}");
    for (const place of shared ? ["common"] : job.hosts.map(({ name }) => name)) {
      const file = join(checkout, "stacks", folder, place, item.path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, render(item, place));
      chmodSync(file, 0o644);
    }
  }
}

/** The key is encrypted once; what Pulumi made of it stands at every host. */
async function describe({ hosts }: Job, { signal }: Place): Promise<void> {
  const servers = Object.fromEntries(
    hosts.map(({ name, address, port, user, hostKey: given }) => [
      name,
      { address, port, user, hostKey: given.split(" ").slice(0, 2).join(" "), roles: ["app"] },
    ]),
  );
  const fleet = { team: "bench", files: folder, target: { kind: "inventory" }, servers };
  const write = (config: object) => writeFileSync(stackFile, stringify(config));
  write({ config: { [key]: fleet } });
  const [first] = hosts;
  const path = `${key}.servers.${first!.name}.privateKey`;
  const script = `eval "$(./fleet env)" && pulumi stack select --create "$0" --non-interactive && pulumi config set --secret --path "$1" --stack "$0"`;
  await timed("sh", ["-c", script, stack, path], { cwd: checkout, env: env(), signal, input: first!.privateKey ?? "" });
  const file = parse(readFileSync(stackFile, "utf8")) as { readonly config: Record<string, typeof fleet> };
  const written = file.config[key]!.servers as Record<string, { privateKey?: unknown }>;
  for (const server of Object.values(written)) server.privateKey = written[first!.name]!.privateKey;
  write(file);
}

/** Stack, state and overlay; the hosts are the bench's. */
export function removeStack(): void {
  const fleet = join(checkout, ".fleet");
  const state = join(fleet, ".pulumi");
  const stacks = join(state, "stacks", "contest-fleet", `${stack}.json`);
  const kept = ["history", "backups", join("locks", "organization")].map((kind) => join(state, kind, "contest-fleet", stack));
  for (const each of [
    stackFile,
    join(checkout, "stacks", folder),
    stacks,
    `${stacks}.bak`,
    `${stacks}.attrs`,
    ...kept,
    join(fleet, "settled", `${stack}.json`),
  ])
    rmSync(each, { recursive: true, force: true });
}

type Command = "up" | "preview" | "verify";
const flags: Readonly<Record<Command, readonly string[]>> = { up: ["--yes"], preview: [], verify: [] };

async function run(command: Command, { signal }: Place, more: readonly string[] = []): Promise<Sample> {
  const args = [join(checkout, "fleet"), command, stack, ...flags[command], ...more];
  const { stdout, ...sample } = await timedTree(args, { cwd: checkout, env: env(), signal });
  if (command !== "up" && !/nothing to change|all as it should be/.test(stdout))
    throw new Error(`fleet ${command}: expected nothing to do, got:\n${stdout.slice(-2000)}`);
  return sample;
}

/** What a look's row needs before it: everything made. */
export async function ready(job: Job, place: Place): Promise<void> {
  removeStack();
  lay(job);
  await describe(job, place);
  if (job.phase !== "first run") await run("up", place);
}

export const command = (name: string, of: Command, phases: readonly Phase[], more: readonly string[] = []): Contestant => ({
  name,
  skips: (_hosts, phase) => (phases.includes(phase) ? undefined : "a look changes nothing"),
  runs: (_hosts, wanted) => wanted,
  judged: false,
  async run(job, place) {
    try {
      if (job.phase === "first run" || of !== "up") await ready(job, place);
      else if (job.phase === "one file changed") lay(job);
      return await run(of, place, more);
    } catch (error) {
      removeStack();
      throw error;
    }
  },
  end: removeStack,
});

/** Milliseconds to a server and back on a line to another country. */
const away = 100;
const farServers = 3;
const far = command("fleet up (50 ms away)", "up", ["first run", "nothing to do", "one file changed"]);
let lines: readonly SlowLine[] = [];

/** Three servers on such a line, whatever the number of hosts: what counts there is how often a server is waited for. */
export const farAway: Contestant = {
  ...far,
  skips: (hosts, phase) => (hosts === 4 ? far.skips(hosts, phase) : "measured once, with 3 of 4 hosts"),
  async run(job, place) {
    const near = job.hosts.slice(0, farServers);
    if (lines.length === 0) lines = await Promise.all(near.map((host) => startSlowLine(host, away / 2)));
    const hosts = near.map((host, index) => ({ ...host, address: "127.0.0.1", port: lines[index]!.port }));
    return await far.run({ ...job, hosts }, place);
  },
  end() {
    far.end?.();
    for (const line of lines) void line.close();
    lines = [];
  },
};

export const wholeCommands: readonly Contestant[] = [
  command("fleet up", "up", ["first run", "nothing to do", "one file changed"]),
  farAway,
  command("fleet preview", "preview", ["nothing to do"]),
  command("fleet verify", "verify", ["nothing to do"]),
  command("fleet verify --engine", "verify", ["nothing to do"], ["--engine"]),
];
