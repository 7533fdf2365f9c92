// Rules between the settings of pools, pipelines and databases, and between those and the servers.

import type { Finding } from "../../../../spec/messages.ts";
import type { Path } from "../../../../spec/path.ts";
import { Cidr, cidrRange } from "../../../../spec/scalars.ts";
import { Time } from "../../../../spec/time.ts";
import { entries, type Loose, mapOr, number, repeated, type Use } from "../../../../spec/unvalidated.ts";
import { checkBalancers } from "./balancers.ts";
import { checkLimits } from "./limit-checks.ts";
import { checkServers } from "./server-checks.ts";

/** The pool of a pipeline is called so: part of the names of what is made. */
export const workersOf = (pipeline: string): string => `${pipeline}-workers`;

/** What works without a named server. */
export const hasWork = (target: unknown): boolean =>
  ["pools", "pipelines", "databases"].some((key) => Object.keys(mapOr(mapOr(target)[key])).length > 0);

interface Place {
  readonly name: string;
  readonly path: Path;
  readonly pool: Loose;
  /** Its pipeline decides how many there are. */
  readonly inPipeline: boolean;
}

const poolsIn = ({ pools, pipelines }: Loose): readonly Place[] => [
  ...entries(pools).map(([name, pool]) => ({ name, path: ["target", "pools", name], pool, inPipeline: false })),
  ...entries(pipelines).map(([name, { pool }]) => ({
    name: workersOf(name),
    path: ["target", "pipelines", name, "pool"],
    pool: mapOr(pool),
    inPipeline: true,
  })),
];

/** What has roles beside the servers. */
export const holdersIn = (target: Loose) => poolsIn(target).map(({ path, pool }) => ({ path, holder: pool }));

/** All rules, on a fleet that may be wrong in other places. */
export function checkWork(fleet: Loose): readonly Finding[] {
  const target = mapOr(fleet.target);
  return [
    ...checkSsh(target),
    ...checkDoor(fleet, target),
    ...checkNames(fleet, target),
    ...checkServers(fleet, target),
    ...checkLimits(fleet, target),
    ...poolsIn(target).flatMap((place) => checkPool(place, target)),
    ...checkZones(target),
    ...checkBalancers(fleet, target),
  ];
}

/** Whoever leaves SSH open does it by choosing the contest's rules, which want it so. */
function checkSsh({ profile = "open", sshFrom, door = "public" }: Loose): readonly Finding[] {
  if (profile !== "open") return [];
  if (door !== "public")
    return sshFrom === undefined
      ? []
      : [{ path: ["target", "sshFrom"], reason: `expected none beside \`door: ${door}\`, which closes port 22; remove it` }];
  const next = "your own address: curl https://checkip.amazonaws.com; `profile: contest` opens SSH to everybody";
  const expected = "expected the networks that may use SSH, such as `[203.0.113.7/32]`";
  if (sshFrom === undefined) return [{ path: ["target", "sshFrom"], reason: `${expected}, got none; ${next}` }];
  const open = Array.isArray(sshFrom) && sshFrom.some((network) => typeof network === "string" && network.endsWith("/0"));
  return open ? [{ path: ["target", "sshFrom"], reason: `${expected}, got all of the internet; ${next}` }] : [];
}

/** What goes through AWS goes by the rights of whoever runs this, and wants an agent or an endpoint. */
function checkDoor({ servers }: Loose, { door = "public", assumeRole, instanceProfile, servers: own }: Loose): readonly Finding[] {
  if (door === "public") return [];
  const role = "expected none beside `door`: the AWS CLI would go by your own rights; next: a profile of its own that takes the role";
  const bare = door === "session-manager" && instanceProfile === undefined;
  const without = entries(servers).filter(([name]) => bare && mapOr(mapOr(own)[name]).instanceProfile === undefined);
  return [
    ...(assumeRole === undefined ? [] : [{ path: ["target", "assumeRole"], reason: role }]),
    ...without.map(([name]) => ({
      path: ["target", "door"],
      reason: `expected an \`instanceProfile\` with AmazonSSMManagedInstanceCore for \`door: session-manager\`, got none for \`${name}\``,
    })),
  ];
}

/** Of a bucket's name, to which Pulumi adds eight characters of its own. */
const longest = 63 - 8;
const reserved = ["network"];

function checkNames({ team, servers }: Loose, target: Loose): readonly Finding[] {
  const named = (kind: string, word: string, suffix: string) =>
    entries(target[kind]).map(([name]) => ({ name, path: ["target", kind, name], where: `the ${word} \`${name}\``, suffix }));
  const own = [
    ...named("pools", "pool", "-plans"),
    ...named("pipelines", "pipeline", "-workers-plans"),
    ...named("databases", "database", ""),
  ];
  const uses: readonly Use[] = [
    ...entries(servers).map(([name]) => ({ value: name, where: `the server \`${name}\``, path: [] })),
    ...reserved.map((value) => ({ value, where: "the team's network", path: [] })),
    ...own.map(({ name: value, where, path }) => ({ value, where, path, key: true as const })),
    ...entries(target.pipelines).map(([name]) => ({
      value: workersOf(name),
      where: `the pool of \`${name}\``,
      path: ["target", "pipelines", name],
      key: true as const,
    })),
  ];
  const room = longest - `${team}-aws-`.length;
  const long = own.filter(({ name, suffix }) => typeof team === "string" && name.length + suffix.length > room);
  return [
    ...repeated(uses, "a name"),
    ...long.map(({ path, name, suffix }) => ({
      path,
      key: true,
      reason: `expected at most ${room - suffix.length} characters beside the team's name, got ${name.length}; AWS takes no longer names`,
    })),
  ];
}

const has = (map: Loose, key: string): boolean => map[key] !== undefined;

function checkPool({ path, pool, inPipeline }: Place, target: Loose): readonly Finding[] {
  const ways = ["roles", "script", ...(inPipeline ? ["worker"] : [])];
  const given = ways.filter((way) => has(pool, way));
  const words = ways.map((way) => `\`${way}\``).join(inPipeline ? ", " : " or ");
  const got = given.length === 0 ? "none" : given.map((way) => `\`${way}\``).join(" and ");
  const image = pool.image ?? target.image;
  return [
    ...(given.length === 1 ? [] : [{ path, reason: `expected one of ${words}, got ${got}; it says what a server becomes` }]),
    ...(image === "ubuntu-22.04"
      ? [
          {
            path: [...path, "image"],
            reason: "expected an image whose curl signs whole requests (7.86), got `ubuntu-22.04`; take a newer one",
          },
        ]
      : []),
    ...(inPipeline && has(pool, "worker") && image === "al2023"
      ? [{ path: [...path, "worker"], reason: "expected an image of Debian or Ubuntu for this worker, got `al2023`; set `image`" }]
      : []),
    ...checkSizes(path, pool),
    ...(inPipeline ? [] : checkSingle(path, pool)),
  ];
}

function checkSizes(path: Path, pool: Loose): readonly Finding[] {
  const { min: least, max: most, desired } = mapOr(pool.size);
  const [min, max] = [number(least) ?? 1, number(most) ?? 4];
  const event = mapOr(pool.event);
  const [low, high] = [number(event.min), number(event.max)];
  const [from, until] = [event.from, event.until].map((time) => Date.parse(Time.safeParse(time).data ?? ""));
  const findings: Finding[] = [];
  if (min > max) findings.push({ path: [...path, "size"], reason: `expected \`max\` of at least \`min\`, got ${max} for ${min}` });
  if (typeof desired === "number" && (desired < min || desired > max))
    findings.push({ path: [...path, "size", "desired"], reason: `expected from ${min} to ${max} servers, got \`${desired}\`` });
  if (low !== undefined && high !== undefined && low > high)
    findings.push({ path: [...path, "event"], reason: `expected \`max\` of at least \`min\`, got ${high} for ${low}` });
  if (from !== undefined && until !== undefined && from >= until)
    findings.push({ path: [...path, "event", "until"], reason: `expected a time after \`from\`, got \`${event.until}\`` });
  return findings;
}

function checkSingle(path: Path, pool: Loose): readonly Finding[] {
  if (!has(pool, "single")) return [];
  const { min = 1, max = 4 } = mapOr(pool.size);
  const many = min !== 1 || max !== 1;
  const of = [...path, "single"];
  return [
    ...(many
      ? [{ path: of, reason: `expected \`size: {min: 1, max: 1}\` with it, got ${min} to ${max}; two servers can't have one address` }]
      : []),
    ...(has(pool, "event")
      ? [{ path: of, reason: "expected no `event` with it, which would make more servers; remove one of the two" }]
      : []),
  ];
}

/** Each zone has a /24 of the team's network. RDS wants two zones. */
function checkZones({ databases, balancers, vpc = "own", cidr, zones }: Loose): readonly Finding[] {
  const network = Cidr.safeParse(cidr);
  if (vpc !== "own" || !network.success) return [];
  const wanted = zonesFor({ zones: number(zones) ?? 1, databases: mapOr(databases), balancers: mapOr(balancers) });
  if (wanted === 1 || cidrRange(network.data).size >= 256 * wanted) return [];
  const whose =
    wanted === 2 && number(zones) !== 2
      ? `the two subnets of a ${Object.keys(mapOr(databases)).length > 0 ? "database" : "balancer"}, a /23 or larger`
      : `${wanted} subnets of /24, one a zone`;
  return [{ path: ["target", "cidr"], reason: `expected room for ${whose}, got \`${network.data}\`` }];
}

/** Availability zones that the network reaches over: a database or a balancer wants two, whatever the file says. */
export const zonesFor = ({
  zones,
  databases,
  balancers = {},
}: {
  readonly zones: number;
  readonly databases: object;
  readonly balancers?: object;
}): number => Math.max(zones, Object.keys(databases).length + Object.keys(balancers).length > 0 ? 2 : 1);
