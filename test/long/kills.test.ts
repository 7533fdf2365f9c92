// kill -9 of a whole run (fleet, engine, language host, provider) at random moments, on servers that somebody else set up: the next up ends as
// an undisturbed one does. FLEET_KILLS says how many for each kind of server, FLEET_SEED from which seed on, FLEET_RELEASE on which Debian. One more is killed at a change of sshd:
// what of it nobody confirmed goes back meanwhile, and sshd with it.

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryIn } from "../../provisioners/engine/journal.ts";
import { type Draft, options } from "../support/contest/menu.ts";
import { ContestServer, type Kind, login } from "../support/contest/server.ts";
import { randomOf } from "../support/contest/steps.ts";
import { type Answer, type Running, Trial } from "../support/fleet.ts";
import { ownNetwork } from "../support/own.ts";

const count = Number(process.env.FLEET_KILLS ?? "1");
const first = Number(process.env.FLEET_SEED ?? "1");

/** Of each kind something, and a way in that is changed. */
const chosen = [
  ...["nginx tuned", "nginx site", "nginx certificate", "mysql tuned", "memcached", "app environment", "app own service"],
  ...["app their service", "packages", "member", "sysctl", "sshd", "cron", "groups", "limits"],
];
const overlay = {
  "/etc/nginx/conf.d/team.conf": "map_hash_max_size 2048;\n",
  "/etc/mysql/mariadb.conf.d/99-isucon.cnf": "[mysqld]\nmax_allowed_packet = 64M\n",
  "/etc/systemd/system/notes-python.service.d/team.conf": "[Service]\nEnvironment=TEAM=1\n",
  "/etc/sysctl.d/99-team.conf": "net.ipv4.tcp_fin_timeout = 19\n",
};

/** What the server remembers, whatever the order in which it came, and in which the engine handed it over. */
function remembered(journal: string): readonly string[] {
  const { originals, wanted, owner, damaged } = memoryIn(Buffer.from(journal));
  // What only looks has nothing to take back: whether it found something wrong depends on the moment.
  const taken = [...originals].filter(([, { address }]) => !/^(?:live|check)\[/.test(address));
  const lines = [
    ...taken.map(([thing, { want, have, ...of }]) => [thing, of, want, have]),
    ...[...wanted].flatMap(([who, things]) => [...things].map((thing) => [who, thing])),
  ];
  return [...lines.map((line) => canonical(line)).sort(), canonical([owner?.stack, damaged])];
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each) =>
    each !== null && typeof each === "object" && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each as object).sort(([a], [b]) => (a < b ? -1 : 1)))
      : (each as unknown),
  );

async function said(run: Running, word: string): Promise<void> {
  let over = false;
  void run.done.then(() => {
    over = true;
  });
  while (!over && !run.said().includes(word)) await sleep(20);
}

/** A fleet forgotten makes its keys and certificates anew, and another id. */
const ofThisFleet = /^content \S*(?:authorized_keys|fleet_mesh|ssh_known_hosts|\/var\/lib\/fleet\/\S*|\/tls\/\S*|\/ssl\/\S*) /;
const withoutKeys = String.raw`cd /
for file in root/.ssh/authorized_keys home/*/.ssh/authorized_keys etc/ssh/ssh_known_hosts; do
  sed -E "s/AAAA[A-Za-z0-9+\/=]{40,}/KEY/g; s#^#$file #" "$file"
done
find / -xdev \( -name '.*.fleet-*' -o -path '/var/lib/fleet/*/pending*' -o -path '/var/lib/fleet/*/rollback*' -o -path '/var/lib/fleet/*.new' \)`;

/** The odd one has the next release, unless FLEET_RELEASE says which one all have. */
const release = process.env.FLEET_RELEASE as Kind["release"];
describe.each([
  ["contest", { odd: false, release: release ?? "bookworm" }],
  ["odd", { odd: true, release: release ?? "trixie" }],
] as const)("%s", (flavour, kind) => {
  const network = ownNetwork();
  const trial = new Trial(`kills-${flavour}`, {
    target: "inventory",
    servers: { isu1: { address: `${network}.11`, user: login.name, roles: ["base"] } },
    params: { base: { packages: [] } },
  });
  const server = new ContestServer(trial.stack, network, kind);
  let [whole, milliseconds]: [readonly string[], number] = [[], 0];

  async function ending(): Promise<readonly string[]> {
    await server.settled();
    const sums = (await server.sums()).filter((line) => !ofThisFleet.test(line));
    const memory = remembered(await server.told("cat /var/lib/fleet/journal"));
    return [...sums, ...memory, ...(await server.told(withoutKeys)).split("\n")];
  }

  /** `at`: a share of an undisturbed one's time, or a word of what it says. One that was quicker than the one before is killed sooner. */
  async function killed(at: number | string): Promise<Answer> {
    for (;;) {
      await afresh();
      const run = trial.start("up", ["--yes"]);
      const moment = typeof at === "string" ? said(run, at) : sleep(at * milliseconds);
      await Promise.race([run.done, moment.then(() => run.kill())]);
      const answer = await run.done;
      if (answer.code === -1) return answer;
      expect(answer.code, answer.said).toBe(0);
      milliseconds = Math.min(milliseconds * 0.95, answer.milliseconds);
    }
  }

  async function rightUp(): Promise<number> {
    const up = await trial.run("up", ["--yes"]);
    expect(up.code, up.said).toBe(0);
    const verified = await trial.run("verify");
    expect(verified.code, verified.said).toBe(0);
    return up.milliseconds;
  }

  async function afresh(): Promise<void> {
    trial.forget();
    await server.reset();
  }

  beforeAll(async () => {
    trial.edit((fleet) => {
      const [isu1] = Object.values(fleet.servers as object);
      for (const name of chosen) options[name]!.apply({ fleet, server: isu1 } as unknown as Draft);
    });
    for (const [path, content] of Object.entries(overlay)) trial.overlay("isu1", path, content);
    await Promise.all([server.make(), trial.secret("servers.isu1.password", login.password)]);
    await afresh();
    milliseconds = await rightUp();
    whole = await ending();
  });
  afterAll(() => trial.remove());

  const seeds = Array.from({ length: count }, (_, index) => first + index);
  const moments: readonly (readonly [string, number | string])[] = [
    ["the change of sshd", "service[ssh.service]"],
    ...seeds.map((seed) => [`the moment of seed ${seed}`, randomOf(seed)()] as const),
  ];
  for (const [name, at] of moments)
    test(`killed at ${name}`, async () => {
      const answer = await killed(at);
      const last = answer.said.trimEnd().split("\n").at(-1);
      console.log(`${flavour}, ${name}: killed after ${Math.round(answer.milliseconds)} ms, at: ${last}`);
      await rightUp();
      expect(await ending()).toEqual(whole);
    });
});
