// The answers of a look as facts. Pure; what a server says may be anything, so nothing here trusts a line to be there.
import type { Disk, Link, Listener, Process, ServerFacts, System, Unit } from "./facts.ts";
import type { Answers } from "./look.ts";
import { filesIn, shippedIn } from "./parse-files.ts";
import { codeIn, mysqlIn, postgresIn, redisIn } from "./parse-programs.ts";

export const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line.trim() !== "");
const fields = (line: string): readonly string[] => line.split("\t");
const number = (text: string | undefined): number => Number.parseInt(text ?? "", 10) || 0;

export function factsOf(name: string, answers: Answers): ServerFacts {
  const units = unitsIn(answers.units);
  const packages = linesOf(answers.packages).map(fields);
  const named = (kind: string) => packages.flatMap(([is, what = ""]) => (is === kind ? [what] : []));
  return {
    name,
    system: systemIn(answers.system),
    addresses: linesOf(answers.addresses).flatMap((line) => /inet ([0-9.]+)/.exec(line)?.[1] ?? []),
    disks: disksIn(answers.disks),
    units,
    listeners: listenersIn(answers.sockets),
    links: linksIn(answers.connections),
    processes: processesIn(answers.processes, answers.groups),
    shipped: shippedIn(answers.conffiles),
    files: filesIn(answers.files),
    nginx: answers.nginx,
    certificates: linesOf(answers.certificates).map((line) => ({
      path: fields(line)[0] ?? "",
      ends: Date.parse(fields(line)[1] ?? "") / 1000,
    })),
    mysql: mysqlIn(answers.mysql),
    postgres: postgresIn(answers.postgres),
    redis: redisIn(answers.redis),
    code: codeIn(answers.code),
    cron: linesOf(answers.cron).map((line) => ({ user: fields(line)[0] ?? "", line: fields(line).slice(1).join(" ") })),
    people: linesOf(answers.people).map((line) => {
      const [who = "", home = "", shell = ""] = fields(line);
      return { name: who, home, shell };
    }),
    rootWithoutPassword: [...new Set(linesOf(answers.sudo).map((line) => line.trim().split(/\s+/)[0] ?? ""))],
    organiser: linesOf(answers.organiser),
    held: named("held"),
    broken: named("broken"),
    rebootNeeded: named("reboot").length > 0,
    fleetIsHere: linesOf(answers.fleet).length > 0,
  };
}

function systemIn(text: string): System {
  const [
    distribution = "",
    version = "",
    kernel = "",
    machine = "",
    cores,
    memory,
    hostname = "",
    up,
    clock,
    zone = "",
    swaps,
    synchronised,
  ] = text.split("\n");
  return {
    ...{ distribution, version, kernel, hostname },
    architecture: { x86_64: "amd64", aarch64: "arm64" }[machine] ?? machine,
    cores: number(cores),
    memoryMiB: Math.floor(number(memory) / 1024),
    upSeconds: number(up),
    clock: number(clock),
    timezone: zone.replace(/^.*\/zoneinfo\//, "") || "UTC",
    swaps: number(swaps),
    synchronised: synchronised === "yes",
  };
}

function disksIn(text: string): readonly Disk[] {
  const [space = "", inodes = ""] = text.split("inodes\n");
  const rows = (part: string) =>
    linesOf(part)
      .slice(1)
      .map((line) => line.split(/\s+/));
  const used = new Map(rows(inodes).map((row) => [row[6], number(row[5])]));
  return rows(space).map(([device = "", type = "", size, , free, percent, mount = ""]) => ({
    ...{ device, type, mount },
    sizeKiB: number(size),
    freeKiB: number(free),
    usedPercent: number(percent),
    inodesPercent: used.get(mount),
  }));
}

/** `systemctl show`: a block of `Key=value` a unit. */
function unitsIn(text: string): readonly Unit[] {
  const blocks = text
    .split("\n\n")
    .map((block) => linesOf(block).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const));
  const units = blocks
    .map((block) =>
      unitOf(
        new Map(block),
        block.filter(([key]) => key === "EnvironmentFiles").map(([, value]) => value),
      ),
    )
    .filter(({ name }) => name !== "");
  // A unit answers once to each of its names.
  return [...new Map(units.map((unit) => [unit.name, unit])).values()];
}

const unitOf = (of: ReadonlyMap<string, string>, environment: readonly string[]): Unit => ({
  name: of.get("Id") ?? "",
  type: of.get("Type") ?? "",
  load: of.get("LoadState") ?? "",
  active: of.get("ActiveState") ?? "",
  enabled: of.get("UnitFileState") ?? "",
  path: of.get("FragmentPath") ?? "",
  user: of.get("User") ?? "",
  group: of.get("Group") ?? "",
  workingDirectory: (of.get("WorkingDirectory") ?? "").replace(/^!/, ""),
  environmentFiles: environment.map((each) => each.replace(/ \(ignore_errors=.*$/, "")).filter((each) => each !== ""),
  command: commandIn(of.get("ExecStart") ?? ""),
  pid: number(of.get("MainPID")),
  cgroup: of.get("ControlGroup") ?? "",
  requires: (of.get("Requires") ?? "").split(" ").filter(Boolean),
  restarts: number(of.get("NRestarts")),
  needsReload: of.get("NeedDaemonReload") === "yes",
});

/** `{ path=/usr/bin/x ; argv[]=/usr/bin/x a b ; ignore_errors=no ; … }` */
const commandIn = (text: string): readonly string[] => (/argv\[\]=(.*?) ; ignore_errors=/.exec(text)?.[1] ?? "").split(" ").filter(Boolean);

const programIn = (text: string) => {
  const [, program = "", pid] = /\(\("([^"]*)",pid=([0-9]+)/.exec(text) ?? [];
  return { program, pid: number(pid) };
};

/** `127.0.0.1:80`, `[::]:80`, `*:80`, `127.0.0.53%lo:53`. */
function endIn(text: string): { readonly address: string; readonly port: number } {
  const at = text.lastIndexOf(":");
  const address = text
    .slice(0, at)
    .replace(/^\[|\]$/g, "")
    .replace(/%.*$/, "")
    .replace(/^::ffff:/, "");
  return { address: address === "0.0.0.0" || address === "::" ? "*" : address, port: number(text.slice(at + 1)) };
}

function listenersIn(text: string): readonly Listener[] {
  const all = linesOf(text).map((line) => {
    const [kind = "", , , , local = ""] = line.split(/\s+/);
    return { protocol: kind === "udp" ? ("udp" as const) : ("tcp" as const), ...endIn(local), ...programIn(line) };
  });
  // One for both IP versions.
  return [...new Map(all.map((each) => [`${each.protocol} ${each.address} ${each.port}`, each])).values()].sort((a, b) => a.port - b.port);
}

const linksIn = (text: string): readonly Link[] =>
  linesOf(text).map((line) => {
    const [, , local = "", peer = ""] = line.trim().split(/\s+/);
    const there = endIn(peer);
    return { ...endIn(local), peer: there.address, peerPort: there.port, ...programIn(line) };
  });

function processesIn(text: string, groups: string): readonly Process[] {
  const unitOfPid = new Map(
    linesOf(groups).map((line) => {
      const [, pid, path = ""] = /^\/proc\/([0-9]+)\/cgroup:0::(.*)$/.exec(line) ?? [];
      const parts = path.split("/");
      return [number(pid), parts.findLast((each) => each.endsWith(".service")) ?? parts.findLast((each) => each.endsWith(".scope")) ?? ""];
    }),
  );
  return linesOf(text).flatMap((line) => {
    const [, pid, user = "", resident, command = ""] = /^\s*([0-9]+)\s+(\S+)\s+([0-9]+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined
      ? []
      : [{ pid: number(pid), user, residentKiB: number(resident), command, unit: unitOfPid.get(number(pid)) ?? "" }];
  });
}
