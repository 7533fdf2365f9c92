// Rules between the settings of servers on EC2: what their images can't do, and what their disks can't.

import type { Finding } from "../../../../spec/messages.ts";
import type { Path } from "../../../../spec/path.ts";
import { entries, type Loose, mapOr, number, repeated } from "../../../../spec/unvalidated.ts";

export const checkServers = (fleet: Loose, target: Loose): readonly Finding[] => [
  ...checkDisks(target),
  ...checkMounts(fleet, target),
  ...checkSpot(target),
];

/** The settings of all servers, and those of single ones, each where it stands. */
const machinesIn = (target: Loose): readonly (readonly [Path, Loose])[] => [
  [["target"], target],
  ...entries(target.servers).map(([name, own]) => [["target", "servers", name], own] as const),
];

/** What gp3 refuses: more than 500 IOPS a GB, or than a quarter MiB a second an IOPS. */
function checkDisks(target: Loose): readonly Finding[] {
  return machinesIn(target).flatMap(([path, machine]) => {
    const root = { size: machine.rootGB ?? target.rootGB ?? 20, iops: machine.rootIops, throughput: machine.rootThroughput };
    const volumes = Array.isArray(machine.volumes) ? machine.volumes.map(mapOr) : [];
    return [
      ...speedFindings({ iops: [...path, "rootIops"], throughput: [...path, "rootThroughput"] }, root),
      ...volumes.flatMap(({ sizeGB, iops, throughput }, at) => {
        const place = [...path, "volumes", at];
        return speedFindings({ iops: [...place, "iops"], throughput: [...place, "throughput"] }, { size: sizeGB, iops, throughput });
      }),
    ];
  });
}

function speedFindings(
  places: Readonly<Record<"iops" | "throughput", Path>>,
  given: Readonly<Record<"size" | "iops" | "throughput", unknown>>,
): readonly Finding[] {
  const [size = 0, iops, throughput] = [number(given.size), number(given.iops), number(given.throughput)];
  const [most, fastest] = [Math.max(3000, size * 500), Math.floor((iops ?? 3000) / 4)];
  return [
    ...(iops !== undefined && iops > most
      ? [{ path: places.iops, reason: `expected at most 500 for each of ${size} GB, got \`${iops}\`; take a larger disk` }]
      : []),
    ...(throughput !== undefined && throughput > fastest
      ? [{ path: places.throughput, reason: `expected at most a quarter of the IOPS, ${fastest}, got \`${throughput}\`; raise those too` }]
      : []),
  ];
}

/** EC2 takes spot instances away when it needs them, and so refuses to protect them. */
function checkSpot(target: Loose): readonly Finding[] {
  const both = ["terminationProtection", "spot"] as const;
  return machinesIn(target).flatMap(([path, machine]) => {
    // A server that says neither is told of at the target, once.
    const said = both.find((key) => machine[key] !== undefined);
    const reason = "expected no protection of a spot instance, which EC2 refuses; remove one of the two";
    return said && both.every((key) => (machine[key] ?? target[key]) === true) ? [{ path: [...path, said], reason }] : [];
  });
}

/** A volume is mounted by a role; two can't be at one place, nor one where the instance's own disks are. */
function checkMounts({ servers }: Loose, target: Loose): readonly Finding[] {
  const own = mapOr(target.servers);
  return entries(servers).flatMap(([name, { roles }]) => {
    const { volumes = target.volumes, store = target.store } = mapOr(own[name]);
    const path = ["target", ...(mapOr(own[name]).volumes === undefined ? [] : ["servers", name]), "volumes"];
    const all = (Array.isArray(volumes) ? volumes : []).map((each, at) => ({ at, where: mapOr(each).mountPoint }));
    const mounted = all.filter(({ where }) => typeof where === "string");
    const taken = store === undefined ? [] : [{ value: String(mapOr(store).mountPoint ?? "/data"), where: "the instance store", path }];
    const uses = mounted.map(({ at, where }) => ({ value: String(where), where: `volumes[${at}]`, path: [...path, at, "mountPoint"] }));
    const noBase = mounted.length > 0 && Array.isArray(roles) && !roles.includes("base");
    const reason = "expected the role `base` beside a `mountPoint`, which it mounts; add it";
    return [...(noBase ? [{ path: ["servers", name, "roles"], reason }] : []), ...repeated([...taken, ...uses], "a mount point")];
  });
}
