// kill -9 of a whole run (fleet, engine, language host, provider) at every step of a converge: the next up ends where an undisturbed
// one does. FLEET_KILL_POINTS says at how many moments, spread over the run; `all` is every one.
import { afterAll, beforeAll, expect, test } from "vitest";
import { inside, type Running, Trial } from "../support/fleet.ts";
import { commandsOf, membersOf } from "../support/session.ts";
import { soon } from "../support/soon.ts";

const trial = new Trial("kill", {
  // Bare: the moments of a package's installation are among those that count.
  target: { kind: "practice", image: "plain" },
  servers: { isu1: { roles: ["base", "nginx"], cores: 1, memory: "512MiB" } },
  params: {
    base: { packages: ["ca-certificates", "curl", "jq"], sysctl: { preset: "isucon" } },
    nginx: { sites: [{ name: "team", root: "/var/www/html", routes: [{ kind: "front", path: "/" }] }] },
  },
});

/** What a run said of itself, without its times; of a package manager's words only what takes time and is the same in each run. */
function momentIn(line: string): string | undefined {
  const [, moment = ""] = /^ [+~] +fleet:index:(.*)$/.exec(line) ?? [];
  const [, , state = "", words = ""] = /^(\S+ \S+) (\S+) \([\d.]+s\) ?(.*)$/.exec(moment) ?? [];
  const ours = words === "" || /^[a-z]+(?:-[a-z]+)*\[/.test(words) || /^(?:isu1: |Unpacking |Setting up )/.test(words);
  // When the last is done the run may end before it is killed; each of the others is followed by the beginning of the next.
  return state.endsWith("ing") && ours ? moment.replace(/ \([\d.]+s\)/, "") : undefined;
}

/** Calls `heard` with each moment, once, as it comes. */
function follow({ child }: Running, heard: (moment: string) => void): void {
  const known = new Set<string>();
  let rest = "";
  child.stdout?.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const moment of lines.map(momentIn)) {
      if (moment === undefined || known.has(moment)) continue;
      known.add(moment);
      heard(moment);
    }
  });
}

/** Moments that come in one packet are one: nothing can be killed between them. */
async function undisturbed(): Promise<readonly string[]> {
  const moments: string[] = [];
  let last = 0;
  const run = trial.start("up", ["--yes", "--verbose"]);
  follow(run, (moment) => {
    if (performance.now() - last > 20) moments.push(moment);
    last = performance.now();
  });
  const { code, said } = await run.done;
  expect(code, said).toBe(0);
  return moments;
}

/** Keys are made anew in each fleet: their text is not compared. Nor are the id of the stack that has the server, and the time. */
const everything = String.raw`
cd /
find etc root home usr/local var/lib/fleet var/www -xdev ! -type d -printf '%p %y %m %u:%g %l\n' -o -printf '%p/ %m %u:%g\n' |
  grep -v -e '^etc/[a-z]*- ' | LC_ALL=C sort
find etc root home usr/local var/www -xdev -type f ! -name 'fleet_mesh' ! -name 'ssh_host_*' ! -name machine-id ! -name '*-' ! -name 'shadow*' ! -name ld.so.cache |
  LC_ALL=C sort | while IFS= read -r file; do
    printf '%s %s\n' "$(sed -E 's/AAAA[A-Za-z0-9+\/=]{40,}/KEY/g' "$file" | sha256sum | cut -c1-16)" "$file"
  done
sed -E 's/^[0-9a-f]+ (\{"owner":\{)"id":"[^"]*"(.*"since":)"[^"]*"/\1\2/' var/lib/fleet/journal | LC_ALL=C sort
dpkg -l | tail -n +6 | tr -s ' ' | cut -d ' ' -f 1-3
systemctl show nginx ssh cron -p Id -p ActiveState -p SubState -p UnitFileState
sysctl -a --pattern '^net\.(core|ipv4\.tcp)' 2>/dev/null | grep -v -e tcp_fastopen_key
curl -sS -o /dev/null -w '%{http_code}\n' http://127.0.0.1/
echo left over:
find / -xdev \( -name '.*.fleet-*' -o -path '/var/lib/fleet/*/pending*' -o -path '/var/lib/fleet/*/rollback*' -o -path '/var/lib/fleet/*.new' \)
`;

interface Ending {
  readonly server: readonly string[];
  readonly urns: readonly string[];
  readonly pending: readonly unknown[];
}

async function ending(): Promise<Ending> {
  const { code, stdout, said } = await inside(trial.stack, "isu1", everything);
  expect(code, said).toBe(0);
  const { resources, pending } = await trial.state();
  return { server: stdout.split("\n"), urns: resources.map(({ urn }) => urn).sort(), pending };
}

async function killedAt(moment: string): Promise<void> {
  const run = trial.start("up", ["--yes", "--verbose"]);
  const { pid } = run.child;
  if (pid === undefined) throw new Error("expected a process");
  let killing: Promise<unknown> | undefined;
  follow(run, (heard) => {
    if (heard === moment) killing ??= run.kill();
  });
  const { code, said } = await run.done;
  expect(killing, `the run never came to this moment:\n${said}`).toBeDefined();
  await killing;
  expect(code, "the run ended before it could be killed").toBe(-1);
  expect(await membersOf(pid)).toEqual([]);
}

async function goesOn(as: Ending): Promise<void> {
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  const verified = await trial.run("verify");
  expect(verified.code, verified.said).toBe(0);
  expect(await ending()).toEqual(as);
}

async function killEngine(session: number): Promise<void> {
  const engine = [...(await commandsOf(session))].find(([, command]) => /^(?:\S*\/)?pulumi up /.test(command));
  if (!engine) throw new Error("expected the engine to run");
  process.kill(engine[0], "SIGKILL");
}

const points = process.env.FLEET_KILL_POINTS ?? "8";

let moments: readonly string[] = [];
let expected: Ending = { server: [], urns: [], pending: [] };

beforeAll(async () => {
  // The first machine of a computer waits for its image: no moment of a converge.
  moments = await undisturbed();
  expected = await ending();
  expect(expected.server.at(-2)).toBe("left over:");
});
afterAll(() => trial.remove());

test("kill -9 at each step of a run: the next up ends where an undisturbed one does", async () => {
  const count = points === "all" ? moments.length : Math.min(Number(points), moments.length);
  const chosen = Array.from({ length: count }, (_, index) => moments[Math.round((index * (moments.length - 1)) / (count - 1))]!);
  expect(chosen.length).toBeGreaterThan(1);
  for (const moment of chosen) {
    console.log(`killed at: ${moment}`);
    await trial.reset();
    await killedAt(moment);
    await goesOn(expected);
  }
}, 1_800_000);

test("kill -9 of the engine alone: all of its run ends, and holds no server back", async () => {
  await trial.reset();
  const run = trial.start("up", ["--yes", "--verbose"]);
  const session = run.child.pid!;
  let killing: Promise<unknown> | undefined;
  follow(run, (moment) => {
    if (moment.includes("package[nginx]")) killing ??= killEngine(session);
  });
  const { code, said } = await run.done;
  expect(killing, said).toBeDefined();
  await killing;
  expect(code, said).not.toBe(0);
  await soon(() => membersOf(session)).toEqual([]);
  await goesOn(expected);
});

// Of the stack that the test before left complete: from here on the engine writes the state at the end alone.
test("kill -9 of a change of which the state knows nothing yet", async () => {
  const before = await trial.state();
  const sites = (more: readonly object[]) => (fleet: { params?: unknown }) => {
    const { nginx } = fleet.params as { nginx: { sites: { routes: readonly object[] }[] } };
    nginx.sites[0]!.routes = [...more, { kind: "front", path: "/" }];
  };
  trial.edit(sites([{ kind: "static", path: "/more/" }]));
  const run = trial.start("up", ["--yes", "--verbose"]);
  let killing: Promise<unknown> | undefined;
  run.child.stdout?.on("data", (text: string) => {
    if (text.includes("file[/etc/nginx/sites-available/team]: content")) killing ??= run.kill();
  });
  const { said } = await run.done;
  expect(killing, said).toBeDefined();
  await killing;
  expect(await trial.state()).toEqual(before);
  trial.edit(sites([]));
  await goesOn(expected);
});
