// Contestant 2, the floor: OpenSSH runs one prepared script a host, all at once. Nothing could do the same work with less.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { timed } from "./child.ts";
import type { Contestant, Job, Place } from "./contestant.ts";
import { applyShell, lookShell } from "./floor-script.ts";
import { roleWeb } from "./workload.ts";

/** `script-NAME` and `output-NAME` in the bench's directory. */
const launcher = (job: Job, directory: string): string => {
  const options = [
    ...["-F none", "-T", "-i client", "-o BatchMode=yes", "-o IdentitiesOnly=yes", "-o UserKnownHostsFile=known_hosts"],
    ...["-o KexAlgorithms=curve25519-sha256", "-o HostKeyAlgorithms=ssh-ed25519", "-o Ciphers=aes128-gcm@openssh.com"],
  ].join(" ");
  const one = ({ name, address, port, user }: Job["hosts"][number]) =>
    `ssh ${options} -p ${port} ${user}@${address} sh < script-${name} > output-${name} 2>&1 || echo "${name}: exit code $?" &`;
  return [
    `cd '${directory}' || exit 1`,
    ...job.hosts.map(one),
    "wait",
    `cat ${job.hosts.map(({ name }) => `output-${name}`).join(" ")}`,
  ].join("\n");
};

async function prepare({ hosts, phase, revision }: Job, { directory }: Place): Promise<void> {
  const items = roleWeb(revision);
  const changed = items.filter((item) => phase === "first run" || (item.kind === "file" && item.path === "/etc/web/web.conf"));
  for (const { name } of hosts) {
    const script = `${lookShell(items, name)}\n${phase === "nothing to do" ? "echo differs; exit 1" : applyShell(changed, name)}\n`;
    await writeFile(join(directory, `script-${name}`), script);
  }
}

export const floor: Contestant = {
  name: "floor",
  skips: () => undefined,
  runs: (_hosts, wanted) => wanted,
  async run(job, place) {
    await prepare(job, place);
    const { seconds, stdout } = await timed("sh", ["-c", launcher(job, place.directory)], { signal: place.signal });
    const expected = `${job.phase === "nothing to do" ? "same" : "done"}\n`.repeat(job.hosts.length);
    if (stdout !== expected)
      throw new Error(`floor, ${job.phase}: expected one \`${expected.slice(0, 4)}\` a host, got:\n${stdout.slice(0, 4000)}`);
    return { seconds };
  },
};
