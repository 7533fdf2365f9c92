// kill -9 of a whole run (fleet, engine, language host, provider) at random moments, on servers that somebody else set up: the next up ends as
// an undisturbed one does. FLEET_KILLS says how many for each kind of server, FLEET_SEED from which seed on.

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Draft, options } from "../support/contest/menu.ts";
import { ContestServer, login } from "../support/contest/server.ts";
import { randomOf } from "../support/contest/steps.ts";
import { type Answer, Trial } from "../support/fleet.ts";
import { ownNetwork } from "../support/own.ts";

const count = Number(process.env.FLEET_KILLS ?? "2");
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

/** A fleet forgotten makes its keys and certificates anew, and another id. */
const ofThisFleet = /^content \S*(?:authorized_keys|fleet_mesh|ssh_known_hosts|\/var\/lib\/fleet\/\S*|\/tls\/\S*|\/ssl\/\S*) /;
const withoutKeys = String.raw`cd /
for file in root/.ssh/authorized_keys home/*/.ssh/authorized_keys etc/ssh/ssh_known_hosts; do
  sed -E "s/AAAA[A-Za-z0-9+\/=]{40,}/KEY/g; s#^#$file #" "$file"
done
sed -E 's/^[0-9a-f]+ (\{"owner":\{)"id":"[^"]*"(.*"since":)"[^"]*"/\1\2/' var/lib/fleet/journal | LC_ALL=C sort
find / -xdev \( -name '.*.fleet-*' -o -path '/var/lib/fleet/*/pending*' -o -path '/var/lib/fleet/*/rollback*' -o -path '/var/lib/fleet/*.new' \)`;

describe.each([
  ["contest", false],
  ["odd", true],
] as const)("%s", (flavour, odd) => {
  const network = ownNetwork();
  const trial = new Trial(`kills-${flavour}`, {
    target: "inventory",
    servers: { isu1: { address: `${network}.11`, user: login.name, roles: ["base"] } },
    params: { base: { packages: [] } },
  });
  const server = new ContestServer(trial.stack, network, odd);
  let [whole, milliseconds]: [readonly string[], number] = [[], 0];

  async function ending(): Promise<readonly string[]> {
    await server.settled();
    const sums = (await server.sums()).filter((line) => !ofThisFleet.test(line));
    return [...sums, ...(await server.told(withoutKeys)).split("\n")];
  }

  /** One that was quicker than the one before is killed sooner. */
  async function killedAfter(share: number): Promise<Answer> {
    for (;;) {
      await afresh();
      const run = trial.start("up", ["--yes"]);
      await Promise.race([run.done, sleep(share * milliseconds).then(() => run.kill())]);
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

  for (let seed = first; seed < first + count; seed++)
    test(`killed at the moment of seed ${seed}`, async () => {
      const share = randomOf(seed)();
      const answer = await killedAfter(share);
      const last = answer.said.trimEnd().split("\n").at(-1);
      console.log(`${flavour}, seed ${seed}: killed after ${Math.round(answer.milliseconds)} ms, at: ${last}`);
      await rightUp();
      expect(await ending()).toEqual(whole);
    });
});
