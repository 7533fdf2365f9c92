// Contestants 3 to 5 come from PyPI, in a virtual environment of the bench's own that is kept in the user's cache.
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { timed } from "./child.ts";
import type { Contestant, Job, Place } from "./contestant.ts";
import { playbook, type Sourced } from "./playbook.ts";
import { isTemplate, roleWeb } from "./workload.ts";

const requirements = join(import.meta.dirname, "peers", "requirements.txt");

/** Makes the environment where it is not there, or is of another list of packages. Needs PyPI, and about a minute. */
export async function ensureVenv(venv: string, signal: AbortSignal, log: (line: string) => void): Promise<void> {
  const wanted = await readFile(requirements, "utf8");
  const stamp = join(venv, "bench-requirements.txt");
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === wanted) return;
  log(`installing pyinfra, Ansible and mitogen into ${venv} (once, about a minute)`);
  await rm(venv, { recursive: true, force: true });
  await timed("python3", ["-m", "venv", venv], { signal });
  await timed(join(venv, "bin/pip"), ["install", "--quiet", "--requirement", requirements], { signal });
  await writeFile(`${stamp}.new`, wanted);
  await rename(`${stamp}.new`, stamp);
}

/** The contents as files, as people keep them; templates in Jinja's own form. Returns the items with their `source`. */
async function writeSources({ revision }: Job, directory: string): Promise<Sourced[]> {
  const sources = join(directory, "sources");
  await mkdir(sources, { recursive: true });
  const items: Sourced[] = [];
  for (const item of roleWeb(revision)) {
    if (item.kind !== "file") {
      items.push(item);
      continue;
    }
    const source = join(sources, item.path.slice(1).replaceAll("/", "-"));
    await writeFile(source, item.content.replaceAll("{{ host }}", "{{ host_name }}"));
    const { content: _, ...rest } = item;
    items.push({ ...rest, source, template: isTemplate(item) });
  }
  return items;
}

const sshOptions = (directory: string): string =>
  ["-F none", `-o UserKnownHostsFile=${join(directory, "known_hosts")}`, "-o KexAlgorithms=curve25519-sha256"].join(" ");

export const pyinfra = (venv: string): Contestant => ({
  name: "pyinfra",
  skips: () => undefined,
  runs: (hosts, wanted) => (hosts > 4 ? Math.min(wanted, 1) : Math.min(wanted, 3)),
  async run(job, { directory, signal }) {
    const workload = join(directory, "workload.json");
    await writeFile(workload, JSON.stringify(await writeSources(job, directory)));
    const rows = job.hosts.map(({ name, address, port, user }) => {
      const login = { ssh_hostname: address, ssh_port: port, ssh_user: user, ssh_key: join(directory, "client") };
      return [name, { ...login, ssh_known_hosts_file: join(directory, "known_hosts"), ssh_strict_host_key_checking: "yes" }];
    });
    await writeFile(
      join(directory, "inventory.py"),
      `hosts = [${rows.map(([name, data]) => `(${JSON.stringify(name)}, ${JSON.stringify(data)})`).join(", ")}]\n`,
    );
    const env = { ...process.env, BENCH_WORKLOAD: workload, HOME: directory, PYTHONDONTWRITEBYTECODE: "1" };
    const { seconds } = await timed(join(venv, "bin/pyinfra"), ["-y", "inventory.py", join(import.meta.dirname, "peers/deploy.py")], {
      cwd: directory,
      env,
      signal,
    });
    return { seconds };
  },
});

interface AnsibleOptions {
  readonly name: string;
  readonly mitogen: boolean;
  readonly skips: Contestant["skips"];
}

export const ansible = (venv: string, { name, mitogen, skips }: AnsibleOptions): Contestant => ({
  name,
  skips,
  runs: (hosts, wanted) => (hosts > 1 ? Math.min(wanted, 1) : Math.min(wanted, 3)),
  async run(job, place) {
    const items = await writeSources(job, place.directory);
    await writeFile(join(place.directory, "playbook.json"), JSON.stringify(playbook(items)));
    const hosts = Object.fromEntries(
      job.hosts.map((host) => [
        host.name,
        { ansible_host: host.address, ansible_port: host.port, ansible_user: host.user, host_name: host.name },
      ]),
    );
    await writeFile(join(place.directory, "inventory.json"), JSON.stringify({ all: { hosts } }));
    const env = ansibleEnvironment(venv, job, place, mitogen);
    const args = ["-i", "inventory.json", "playbook.json"];
    const { seconds, stdout } = await timed(join(venv, "bin/ansible-playbook"), args, { cwd: place.directory, env, signal: place.signal });
    checkRecap(stdout, job);
    return { seconds };
  },
});

function ansibleEnvironment(venv: string, { hosts }: Job, { directory }: Place, mitogen: boolean): NodeJS.ProcessEnv {
  const python = join(venv, "bin");
  return {
    ...process.env,
    PATH: `${python}:${process.env.PATH}`,
    HOME: directory,
    ANSIBLE_HOME: join(directory, "ansible"),
    ANSIBLE_FORKS: String(hosts.length),
    ANSIBLE_PIPELINING: "true",
    ANSIBLE_PRIVATE_KEY_FILE: join(directory, "client"),
    ANSIBLE_SSH_ARGS: `${sshOptions(directory)} -o ControlMaster=auto -o ControlPersist=60s`,
    ANSIBLE_PYTHON_INTERPRETER: "/usr/bin/python3",
    ANSIBLE_NOCOLOR: "true",
    ...(mitogen && { ANSIBLE_STRATEGY: "mitogen_linear", ANSIBLE_STRATEGY_PLUGINS: mitogenPlugins(venv) }),
  };
}

/** pip puts it below a folder of the Python version's name. */
function mitogenPlugins(venv: string): string {
  const python = readdirSync(join(venv, "lib")).find((name) => name.startsWith("python"));
  return join(venv, "lib", python ?? "python3", "site-packages/ansible_mitogen/plugins/strategy");
}

/** `web01 : ok=40 changed=0 unreachable=0 failed=0 …` */
function checkRecap(stdout: string, { hosts, phase }: Job): void {
  for (const { name } of hosts) {
    const row = new RegExp(`^${name}\\s.*changed=(\\d+)\\s+unreachable=0\\s+failed=0`, "m").exec(stdout);
    const right = row && (phase === "first run" ? Number(row[1]) > 0 : Number(row[1]) === (phase === "nothing to do" ? 0 : 1));
    if (!right) throw new Error(`${name}, ${phase}: not what was expected:\n${stdout.slice(-3000)}`);
  }
}
