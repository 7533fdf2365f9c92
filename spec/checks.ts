// What no schema of one value can say: rules between servers, members and target. They run on a fleet that may be wrong
// in other places, so that every problem comes at once.
import { isIP } from "node:net";
import { checkWork, hasWork } from "./aws/checks.ts";
import { contestGuards } from "./guards.ts";
import { didYouMean, type Finding, shown } from "./messages.ts";
import { isMap, type Path, pathText } from "./path.ts";
import { Cidr, cidrRange, GitHubId, HostName, Ipv4, ipv4Number, UserName } from "./scalars.ts";
import { nextStep } from "./secrets.ts";
import { entries, holders, type Loose, mapOr, repeated } from "./unvalidated.ts";

/** The kind of the target, written short or long; `undefined` where it is not written. */
export function targetKind(fleet: unknown): unknown {
  const { target } = mapOr(fleet);
  return isMap(target) ? target.kind : target;
}

/** All rules, in the order of the file. */
export function checkFleet(fleet: unknown, stack: string): readonly Finding[] {
  const loose = mapOr(fleet);
  return [
    ...checkServers(loose),
    ...checkMembers(loose),
    ...checkRoles(loose),
    ...checkServices(loose),
    ...checkReach(loose, stack),
    ...checkJumps(loose),
    ...checkAddresses(loose),
    ...checkDisks(loose),
    ...checkFormerNames(loose),
    ...checkWork(loose),
  ];
}

/** Nothing to do is a mistake. Pools, pipelines and databases work without a server of the team's own. */
function checkServers({ servers, target }: Loose): readonly Finding[] {
  const none = servers === undefined || (isMap(servers) && Object.keys(servers).length === 0);
  return none && !hasWork(target) ? [{ path: ["servers"], reason: "expected at least one server, got none; add one" }] : [];
}

/** Accounts that Debian, Ubuntu and the packages of roles bring: a person of that name would get their files, or they the person's rights. */
const systemAccounts = [
  ...["daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data", "backup", "list"],
  ...["irc", "gnats", "nobody", "sshd", "messagebus", "syslog", "uuidd", "tcpdump", "landscape", "pollinate", "polkitd", "ntp"],
  ...["mysql", "redis", "memcache", "nginx", "postgres", "haproxy", "varnish", "vcache", "dnsmasq", "postfix", "statd", "avahi"],
  ...["sudo", "adm", "users", "staff", "shadow", "utmp", "video", "audio", "disk", "docker", "operator", "src", "tty", "kmem"],
];

function checkMembers({ members, admin, guard }: Loose): readonly Finding[] {
  const list = Array.isArray(members) ? members.map(mapOr) : [];
  const { users: own, contest } = mapOr(guard);
  const known =
    typeof contest === "string" && Object.hasOwn(contestGuards, contest) ? contestGuards[contest as keyof typeof contestGuards].users : [];
  const guarded = [...(Array.isArray(own) ? own.filter((user) => typeof user === "string") : []), ...known];
  const taken = [
    { value: "root", where: "the superuser", path: [] },
    ...systemAccounts.map((value) => ({ value, where: "an account of the system", path: [] })),
    { value: typeof admin === "string" ? admin : "fleet-admin", where: "`admin`", path: [] },
    ...guarded.map((value) => ({ value, where: "`guard`", path: [] })),
  ];
  const findings: Finding[] = [];
  const users = list.flatMap(({ github, name, keys }, index) => {
    const path = ["members", index];
    if (github === undefined && !(Array.isArray(keys) && keys.length > 0)) {
      findings.push({ path, reason: "expected `github`, `keys` or both, got neither; say where the member's keys come from" });
    }
    if (github === undefined && name === undefined)
      findings.push({ path, reason: "expected `github` or `name`, got neither; give the member a `name`" });
    if (typeof name === "string") return [{ value: name, where: `\`members[${index}]\``, path: [...path, "name"] }];
    if (typeof github !== "string" || !GitHubId.safeParse(github).success) return [];
    if (UserName.safeParse(github.toLowerCase()).success)
      return [{ value: github.toLowerCase(), where: `\`members[${index}]\``, path: [...path, "github"] }];
    findings.push({
      path: [...path, "github"],
      reason: `expected a GitHub id that is also a user name, got \`${github}\`; give the member a \`name\``,
    });
    return [];
  });
  return [...findings, ...repeated([...taken, ...users], "a user name")];
}

/** A role acts once on a server. */
function checkRoles(fleet: Loose): readonly Finding[] {
  return holders(fleet).flatMap(({ path, holder: { roles } }) => {
    const list = Array.isArray(roles) ? roles : [];
    const again = [...list.entries()].filter(([index, role]) => list.indexOf(role) < index);
    return again.map(([index, role]) => ({
      path: [...path, "roles", index],
      reason: `expected each role once, got ${shown(role)} again; remove it`,
    }));
  });
}

/** Role base is who switches them. */
const checkServices = (fleet: Loose): readonly Finding[] =>
  entries(fleet.servers).flatMap(([name, { services, roles }]) =>
    services === undefined || (Array.isArray(roles) && roles.includes("base"))
      ? []
      : [
          {
            path: ["servers", name, "services"],
            key: true,
            reason: "expected the role `base` on a server with `services`, got none; add it",
          },
        ],
  );

const reachKeys = ["address", "port", "user", "password", "privateKey", "sudoPassword", "hostKey", "jump"];

/** Servers that were handed out say how to reach them; others must not. */
function checkReach(fleet: Loose, stack: string): readonly Finding[] {
  const kind = targetKind(fleet);
  if (kind === "inventory") return entries(fleet.servers).flatMap(([name, server]) => missingReach(server, ["servers", name], stack));
  if (kind !== "practice" && kind !== "aws") return [];
  return entries(fleet.servers).flatMap(([name, server]) =>
    reachKeys
      .filter((key) => key in server)
      .map((key) => ({
        path: ["servers", name, key],
        key: true,
        reason: `expected no \`${key}\` with target \`${kind}\`, which makes its servers; remove it or take target \`inventory\``,
      })),
  );
}

function missingReach(server: Loose, path: Path, stack: string): readonly Finding[] {
  const missing = ["address", "user"].filter((key) => !(key in server));
  const findings: Finding[] = missing.map((key) => ({
    path,
    reason: `expected \`${key}\` with target \`inventory\`, got nothing; add it`,
  }));
  if ("password" in server || "privateKey" in server) return findings;
  const next = nextStep(pathText([...path, "password"]), stack);
  return [...findings, { path, reason: `expected \`password\` or \`privateKey\` with target \`inventory\`, got neither; ${next}` }];
}

/** Only a virtual machine has disks of its own. */
function checkDisks(fleet: Loose): readonly Finding[] {
  const { driver = "nspawn" } = mapOr(fleet.target);
  const kind = targetKind(fleet);
  if ((kind === "practice" && driver !== "nspawn") || typeof kind !== "string") return [];
  const [got, next] = kind === "practice" ? ["driver `nspawn`", "set `driver: qemu` in `target`"] : [`target \`${kind}\``, "remove it"];
  return entries(fleet.servers)
    .filter(([, server]) => "disks" in server)
    .map(([name]) => ({ path: ["servers", name, "disks"], key: true, reason: `expected no \`disks\` with ${got}; ${next}` }));
}

/** A former name is nobody's by now. What the fleet makes itself keeps its names for life. */
function checkFormerNames(fleet: Loose): readonly Finding[] {
  const kind = targetKind(fleet);
  const findings: Finding[] = [];
  if (fleet.was !== undefined && fleet.was === fleet.team)
    findings.push({ path: ["was"], reason: `expected the team's former name, got ${shown(fleet.was)}, which it has now; remove it` });
  if (fleet.was !== undefined && kind === "aws")
    findings.push({
      path: ["was"],
      key: true,
      reason: "expected no `was` with target `aws`, where names stay for life; take the old name back",
    });
  const servers = mapOr(fleet.servers);
  const former = entries(fleet.servers).filter(([, server]) => "was" in server);
  for (const [name, { was }] of former) {
    const path = ["servers", name, "was"];
    if (kind === "practice" || kind === "aws")
      findings.push({ path, key: true, reason: `expected no \`was\` with target \`${kind}\`, whose machines keep their names; remove it` });
    else if (typeof was === "string" && was in servers)
      findings.push({ path, reason: `expected a name that no server of this stack has now, got ${shown(was)}; remove it` });
  }
  const names = former.flatMap(([name, { was }]) =>
    typeof was === "string" ? [{ value: was, where: `\`${name}\``, path: ["servers", name, "was"] }] : [],
  );
  return [...findings, ...repeated(names, "a former name")];
}

/** One hop: to another server of the stack that is reached directly, or to a host with a way in. */
function checkJumps({ servers }: Loose): readonly Finding[] {
  const all = mapOr(servers);
  return entries(servers).flatMap(([name, { jump }]): readonly Finding[] => {
    const path = ["servers", name, "jump"];
    if (jump === name) return [{ path, reason: `expected another server, got \`${name}\` itself` }];
    if (typeof jump === "string" && "jump" in mapOr(all[jump])) {
      return [{ path, reason: `expected a server that is reached directly, got \`${jump}\`, which has a \`jump\` of its own` }];
    }
    if (!isMap(jump) || "password" in jump || "privateKey" in jump) return [];
    return [{ path, reason: "expected `password` or `privateKey`, got neither; add one of them as a secret" }];
  });
}

/** Private addresses: each once, and inside the practice network where that is given. */
function checkAddresses(fleet: Loose): readonly Finding[] {
  const given = entries(fleet.servers).flatMap(([name, { privateAddress }]) =>
    typeof privateAddress === "string" && Ipv4.safeParse(privateAddress).success
      ? [{ value: privateAddress, where: `\`${name}\``, path: ["servers", name, "privateAddress"] }]
      : [],
  );
  const { subnet } = mapOr(fleet.target);
  const network = Cidr.safeParse(subnet);
  const outside = network.success ? given.filter(({ value }) => !holds(network.data, value)) : [];
  return [
    ...checkNamedAddresses(fleet),
    ...repeated(given, "a private address"),
    ...outside.map(({ value, path }) => ({ path, reason: `expected an address of a server in \`${network.data}\`, got \`${value}\`` })),
  ];
}

/** /etc/hosts takes addresses alone: a server that the others are to find by its name needs one of its own. */
function checkNamedAddresses(fleet: Loose): readonly Finding[] {
  const all = entries(fleet.servers);
  if (targetKind(fleet) !== "inventory" || all.length < 2) return [];
  return all.flatMap(([name, { address, privateAddress }]): readonly Finding[] => {
    if (typeof address !== "string" || privateAddress !== undefined || isIP(address) !== 0 || !HostName.safeParse(address).success)
      return [];
    const reason = `expected \`privateAddress\` beside \`address: ${address}\`, a name, got nothing; the other servers need its IPv4 address: add it`;
    return [{ path: ["servers", name], reason }];
  });
}

/** Without the network's own, the gateway's (the first) and the broadcast address. */
function holds(cidr: string, address: string): boolean {
  const { base, size } = cidrRange(cidr);
  const at = ipv4Number(address) - base;
  return at >= 2 && at <= size - 2;
}

/** A name that must be one of `names`. */
export function checkName(value: unknown, path: Path, what: string, names: readonly string[]): readonly Finding[] {
  if (typeof value !== "string" || names.includes(value)) return [];
  const list =
    names.length > 0 && names.length <= 24
      ? `; there ${names.length === 1 ? "is" : "are"} ${names.map((name) => `\`${name}\``).join(", ")}`
      : "";
  return [{ path, reason: `expected ${what}, got ${shown(value)}${didYouMean(value, names, list)}` }];
}
