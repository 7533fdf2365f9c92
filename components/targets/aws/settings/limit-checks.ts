// What AWS refuses of a target when half of it stands already: each is known before.
import type { Finding } from "../../../../spec/messages.ts";
import type { Path } from "../../../../spec/path.ts";
import { entries, type Loose, mapOr } from "../../../../spec/unvalidated.ts";

export const checkLimits = (fleet: Loose, target: Loose): readonly Finding[] => [
  ...checkDoors(target),
  ...checkPlacement(fleet, target),
  ...checkDatabaseNames(fleet, target),
  ...checkTags(target),
  ...checkAccount(target),
];

const accountIn = (arn: unknown): string | undefined => /^arn:[^:]+:iam::(\d{12}):/.exec(String(arn))?.[1];

/** A role of another account than the one that is named, and what only makes sense beside a role. */
function checkAccount({ accountId, assumeRole, externalId }: Loose): readonly Finding[] {
  const account = accountIn(assumeRole);
  if (externalId !== undefined && assumeRole === undefined)
    return [{ path: ["target", "externalId"], reason: "expected `assumeRole` beside it, got none; remove it, or name the role" }];
  if (account === undefined || accountId === undefined || account === accountId) return [];
  const reason = `expected a role of the account ${accountId}, got one of ${account}; put one of the two right`;
  return [{ path: ["target", "assumeRole"], reason }];
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

interface Opening {
  readonly key: string;
  readonly path: Path;
}

function openings(target: Loose): readonly Opening[] {
  const own = { sshFrom: 22, httpFrom: 80, httpsFrom: 443 } as const;
  const https = target.httpsFrom ?? ["0.0.0.0/0"];
  const named = Object.entries(own).flatMap(([name, port]) =>
    list(name === "httpsFrom" ? https : target[name]).map((cidr, at) => ({
      key: `tcp ${port}-${port} ${cidr}`,
      path: ["target", name, at],
    })),
  );
  const doors = list(target.open).flatMap((door, at) => {
    const { port, to = port, protocol = "tcp", from } = mapOr(door);
    return list(from).map((cidr, of) => ({
      key: `${protocol} ${port}-${to} ${cidr}`,
      path: ["target", "open", at, "from", of],
    }));
  });
  return [...named, ...doors];
}

/** "The same permission must not appear multiple times", says EC2 of a security group whose VPC it has made. */
function checkDoors(target: Loose): readonly Finding[] {
  const all = openings(target);
  return all.flatMap(({ key, path }, at) => {
    const first = all.findIndex((other) => other.key === key);
    const where = all[first]?.path.slice(1, 2).join(".");
    return first === at
      ? []
      : [{ path, reason: `expected each network once for a port, got it again; \`${where}\` has it already: remove one` }];
  });
}

/** Those run on credits, and EC2 has none of them in a cluster. */
const burstable = /^t[0-9]+[a-z]*\./;
const mostSpread = 7;

function checkPlacement({ servers }: Loose, target: Loose): readonly Finding[] {
  const own = mapOr(target.servers);
  const names = entries(servers).map(([name]) => name);
  if (target.placement === "spread" && names.length > mostSpread)
    return [
      {
        path: ["target", "placement"],
        reason: `expected at most ${mostSpread} servers in a zone with \`spread\`, got ${names.length}; take \`partition\``,
      },
    ];
  if (target.placement !== "cluster") return [];
  const types = new Map(names.map((name) => [String(mapOr(own[name]).instanceType ?? target.instanceType ?? "c5.large"), name]));
  return [...types.keys()]
    .filter((type) => burstable.test(type))
    .map((type) => ({
      path: ["target", "placement"],
      reason: `expected types that EC2 takes in a cluster, got \`${type}\`; take \`c5.large\`, or another placement`,
    }));
}

/** RDS takes 63 characters and no double dash: the team's name, `-aws-`, the database's own, a dash, and eight that make it unique. */
const longest = 63 - 9;

function checkDatabaseNames({ team }: Loose, { databases }: Loose): readonly Finding[] {
  if (typeof team !== "string") return [];
  const names = entries(databases).map(([name]) => name);
  const reason = `expected a team's name without double dashes beside databases, which RDS refuses, got \`${team}\``;
  const room = longest - `${team}-aws-`.length;
  return [
    ...(names.length > 0 && team.includes("--") ? [{ path: ["team"], reason }] : []),
    ...names
      .filter((name) => name.length === room + 1)
      .map((name) => ({
        path: ["target", "databases", name],
        key: true as const,
        reason: `expected at most ${room} characters beside the team's name, got ${name.length}; AWS takes no longer names`,
      })),
  ];
}

/** Fifty a thing, of which eight are the fleet's own. */
const mostTags = 42;

function checkTags({ tags }: Loose): readonly Finding[] {
  const count = Object.keys(mapOr(tags)).length;
  return count > mostTags
    ? [{ path: ["target", "tags"], reason: `expected at most ${mostTags} tags beside the fleet's own, got ${count}` }]
    : [];
}
