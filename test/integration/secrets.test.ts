// A secret is where it is needed, and nowhere else: not in an argument list, a log, a diff, a state or a file that others can read.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, inside, Trial } from "../support/fleet.ts";
import { handOut } from "../support/handed-out.ts";
import { ownNetwork, ownProject } from "../support/own.ts";
import { filesWith, formsOf, watchArguments } from "../support/watch.ts";

/** Whatever quoting does to the rest of a password, this stays of it. */
const canary = `Canary${process.pid}Zq7`;
/** Characters that shells, SQL and configuration files take for their own. */
const odd = `'"\\$(id)\`%s#;&=`;
const secretOf = (place: string): string => `${canary}-${place}${odd}`;
const forms = formsOf(canary);

const network = ownNetwork();
const trial = new Trial("secrets", {
  target: "inventory",
  servers: { isu1: { address: `${network}.11`, user: "isucon", roles: ["base", "mysql", "redis", "app"] } },
  params: {
    base: { packages: [] },
    mysql: { databases: { shop: {} }, users: { shop: { hosts: ["localhost"], grants: { shop: ["ALL"] } } } },
    redis: {},
    app: { environment: { PLAIN: "seen" } },
  },
});
const places = {
  "servers.isu1.password": secretOf("login"),
  "params.mysql.users.shop.password": secretOf("mysql"),
  "params.redis.password": secretOf("redis"),
  "params.app.environment.SECRET": secretOf("app"),
} as const;

const said = new Map<string, Answer>();
const ask = async (script: string): Promise<string> => (await inside(trial.stack, "isu1", script)).said;

/** Runs a command, keeps what it said, and fails on a canary in an argument list meanwhile. */
async function watched(what: string, work: () => Promise<Answer>, code = 0): Promise<Answer> {
  const watch = watchArguments(forms);
  const answer = await work();
  expect(watch.stop(), `argument lists during ${what}`).toEqual([]);
  expect(watch.seen()).toBeGreaterThan(20);
  expect(answer.code, answer.said).toBe(code);
  said.set(what, answer);
  return answer;
}

beforeAll(async () => {
  const user = { name: "isucon", password: places["servers.isu1.password"], sudo: "password" } as const;
  await handOut(trial, network, [{ name: "isu1", host: 11, user }]);
  const watch = watchArguments(forms);
  for (const [path, value] of Object.entries(places)) await trial.secret(path, value);
  expect(watch.stop()).toEqual([]);
});

afterAll(() => trial.remove());

test("the watch sees a secret that is in an argument list", async () => {
  const watch = watchArguments(forms);
  await ask(`sleep 0.1 & sh -c 'sleep 0.9; : ${canary}'`);
  expect(watch.stop().join("\n")).toContain(canary);
});

test("every secret is where it is needed, to the letter", async () => {
  await watched("the first preview", () => trial.pulumi(["preview", "--diff"]));
  await watched("up", () => trial.up());
  const client = `[client]\nuser=shop\npassword='${places["params.mysql.users.shop.password"].replace(/[\\']/g, "\\$&")}'\n`;
  expect(
    await ask(
      `umask 077; cat > /root/shop.cnf <<'END'\n${client}END\nmariadb --defaults-file=/root/shop.cnf -N -e 'SELECT 42'; rm /root/shop.cnf`,
    ),
  ).toBe("42\n");
  const redis = `read -r REDISCLI_AUTH <<'END'\n${places["params.redis.password"]}\nEND\nexport REDISCLI_AUTH; redis-cli --no-auth-warning ping`;
  expect(await ask(redis)).toBe("PONG\n");
  expect(await ask(". /home/isucon/env.sh; printf '%s' \"$SECRET\"")).toBe(places["params.app.environment.SECRET"]);
});

test("changes of a secret, made in the stack file or by hand on the server, are shown without it", async () => {
  await trial.secret("params.redis.password", secretOf("changed"));
  await trial.secret("params.app.environment.SECRET", secretOf("changed"));
  await ask(`sed -i 's/^requirepass.*/requirepass ${canary}-by-hand/' /etc/redis/redis.conf`);
  const diff = await watched("a preview of a change", () => trial.pulumi(["preview", "--diff"]));
  expect(diff.said).toContain("redis.conf");
  await watched("verify", () => trial.run("verify", ["--all"]), 7);
  await watched("verify as JSON", () => trial.run("verify", ["--all", "--format", "json"]), 7);
  await watched("a preview as JSON", () => trial.run("preview", ["--json"]));
  await watched("refresh", () => trial.pulumi(["refresh", "--yes", "--diff"]));
  await watched("the second up", () => trial.up());
  await watched("the state, exported", () => trial.pulumi(["stack", "export"]));
  await watched("the outputs", () => trial.pulumi(["stack", "output"]));
  await watched("the environment", () => trial.run("env"));
});

test("nothing that was said, kept or logged holds one", async () => {
  for (const [what, answer] of said) for (const form of forms) expect(answer.said, what).not.toContain(form);
  const kept = readdirSync(join(ownProject, ".fleet"), { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const files = kept.map(({ parentPath, name }) => join(parentPath, name));
  expect(trial.stateFiles().length).toBeGreaterThan(2);
  expect(filesWith([...files, trial.file], forms)).toEqual([]);
});

test("on the server nobody but its owners can read one, and no log holds one", async () => {
  const pattern = forms.map((form) => `-e '${form}'`).join(" ");
  const folders = "/etc /home /opt /root /run /srv /tmp /usr/local /var";
  expect(await ask(`setpriv --reuid=65534 --regid=65534 --clear-groups grep -rslaF ${pattern} ${folders} || [ $? -le 2 ]`)).toBe("");
  expect(
    await ask(`grep -rslaF ${pattern} /var/log || [ $? = 1 ]; journalctl --no-pager -o export | grep -aF ${pattern} || [ $? = 1 ]`),
  ).toBe("");
  // What was searched for is there to be found.
  const found = (await ask(`grep -rslaF ${pattern} /etc /home`)).trim().split("\n").sort();
  expect(found).toEqual(["/etc/redis/redis.conf", "/home/isucon/env.sh"]);
});

describe("with its state gone, the servers say themselves what was done to them", () => {
  const neighbour = new Trial("beside", {
    team: "beside",
    target: "inventory",
    servers: { web1: { address: `${network}.11`, user: "isucon", roles: ["base"] } },
  });
  afterAll(() => neighbour.remove());

  test("a down of another stack leaves a server as it is, by the name of the stack that has it", async () => {
    await neighbour.secret("servers.web1.password", places["servers.isu1.password"]);
    const { code, said: words } = await neighbour.run("down", ["--yes"]);
    expect([code, words]).toEqual([1, expect.stringContaining(`web1: left as it is: it belongs to stack \`${trial.stack}\` of `)]);
    expect(await ask("test -e /home/isucon/env.sh && test -e /var/lib/fleet/journal && echo there")).toBe("there\n");
  });

  test("a down gives everything back, says what, and no secret with it", async () => {
    for (const file of trial.stateFiles().filter((path) => path.endsWith(`/${trial.stack}.json`))) rmSync(file);
    const { stdout } = await watched("a down without a state", () => trial.run("down", ["--yes"]));
    expect(stdout).toContain("isu1: block[/home/isucon/env.sh:app]: take the block out\n");
    expect(stdout).toMatch(/^isu1: mysql-database\[shop\]: can't be undone: its data may be wanted/m);
    expect(stdout).toMatch(/^isu1: \d+ resources put back from its own memory, 1 kept$/m);
    for (const form of forms) expect(said.get("a down without a state")!.said).not.toContain(form);
    expect(await ask("ls /etc/sudoers.d/zz-fleet /home/isucon/env.sh /etc/redis 2>&1 | grep -c 'No such file' || :")).toBe("3\n");
    expect(trial.stateFiles().filter((path) => !path.endsWith(".attrs"))).toEqual([]);
  });

  test("and a second one finds that what was kept is gone with its server, and leaves no memory", async () => {
    const { code, stdout } = await trial.run("down", ["--yes"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^isu1: 0 resources put back from its own memory$/m)]);
    expect(await ask("test -e /var/lib/fleet || echo gone")).toBe("gone\n");
  });
});
