// What no schema of one value can say: rules between servers, members and target. They run on a fleet that may be wrong
// in other places, so that every problem comes at once.
import { contestGuards } from "./guards.ts";
import { didYouMean, type Finding, shown, withMeant } from "./messages.ts";
import { isMap, type Path } from "./path.ts";
import { GitHubId, Ipv4, UserName } from "./scalars.ts";
import { holders, rulesOf, type TargetRules } from "./targets.ts";
import { entries, type Loose, mapOr, repeated } from "./unvalidated.ts";

/** All rules, in the order of the file; of the target, where it is one. */
export function checkFleet(fleet: unknown, stack: string, targets: readonly TargetRules[], known: readonly string[]): readonly Finding[] {
  const loose = mapOr(fleet);
  const target = rulesOf(targets, fleet);
  return [
    ...checkServers(loose, target),
    ...checkMembers(loose),
    ...checkRoles(loose, targets),
    ...checkServices(loose, known),
    ...checkAdopted(loose, known),
    ...(target?.lent === false ? checkNoReach(loose, target, targets) : []),
    ...checkJumps(loose),
    ...checkAddresses(loose),
    ...(target ? checkDisks(loose, target) : []),
    ...checkFormerNames(loose, target),
    ...(target?.problems(loose, stack) ?? []),
  ];
}

/** Nothing to do is a mistake. What some targets have beside servers works without one of the team's own. */
function checkServers({ servers, target }: Loose, rules: TargetRules | undefined): readonly Finding[] {
  const none = servers === undefined || (isMap(servers) && Object.keys(servers).length === 0);
  return none && !rules?.worksAlone?.(mapOr(target))
    ? [{ path: ["servers"], reason: "expected at least one server, got none; add one" }]
    : [];
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
function checkRoles(fleet: Loose, targets: readonly TargetRules[]): readonly Finding[] {
  return holders(fleet, targets).flatMap(({ path, holder: { roles } }) => {
    const list = Array.isArray(roles) ? roles : [];
    const again = [...list.entries()].filter(([index, role]) => list.indexOf(role) < index);
    return again.map(([index, role]) => ({
      path: [...path, "roles", index],
      reason: `expected each role once, got ${shown(role)} again; remove it`,
    }));
  });
}

const roleNames = (roles: unknown): readonly string[] =>
  Array.isArray(roles) ? roles.filter((role): role is string => typeof role === "string") : [];

/** Role base is who switches them. */
const checkServices = (fleet: Loose, known: readonly string[]): readonly Finding[] =>
  entries(fleet.servers).flatMap(([name, { services, roles }]) =>
    services === undefined || withMeant(roleNames(roles), known).includes("base")
      ? []
      : [
          {
            path: ["servers", name, "services"],
            key: true,
            reason: "expected the role `base` on a server with `services`, got none; add it",
          },
        ],
  );

/** Base has the fleet's own users and keys: it writes, or the server is out of reach. */
const checkAdopted = (fleet: Loose, known: readonly string[]): readonly Finding[] =>
  entries(fleet.servers).flatMap(([name, { adopted, roles }]) => {
    const has = withMeant(roleNames(roles), known).filter((role) => role !== "base");
    return [...(Array.isArray(adopted) ? adopted : []).entries()].flatMap(([index, role]) =>
      has.includes(role)
        ? []
        : [
            {
              path: ["servers", name, "adopted", index],
              reason: `expected one of the server's roles but \`base\`, got ${shown(role)}; remove it`,
            },
          ],
    );
  });

const reachKeys = ["address", "port", "user", "password", "privateKey", "sudoPassword", "hostKey", "jump"];

/** Servers that were handed out say how to reach them, as their target's own rules want it; others must not. */
function checkNoReach({ servers }: Loose, { kind }: TargetRules, targets: readonly TargetRules[]): readonly Finding[] {
  const [lent] = targets.filter((each) => each.lent);
  const instead = lent ? ` or take target \`${lent.kind}\`` : "";
  return entries(servers).flatMap(([name, server]) =>
    reachKeys
      .filter((key) => key in server)
      .map((key) => ({
        path: ["servers", name, key],
        key: true,
        reason: `expected no \`${key}\` with target \`${kind}\`, which makes its servers; remove it${instead}`,
      })),
  );
}

function checkDisks({ servers, target }: Loose, rules: TargetRules): readonly Finding[] {
  const without = rules.withoutDisks(mapOr(target));
  if (!without) return [];
  return entries(servers)
    .filter(([, server]) => "disks" in server)
    .map(([name]) => ({
      path: ["servers", name, "disks"],
      key: true,
      reason: `expected no \`disks\` with ${without.got}; ${without.next}`,
    }));
}

/** A former name is nobody's by now. What the fleet makes itself keeps its names for life. */
function checkFormerNames(fleet: Loose, target: TargetRules | undefined): readonly Finding[] {
  const findings: Finding[] = [];
  if (fleet.was !== undefined && fleet.was === fleet.team)
    findings.push({ path: ["was"], reason: `expected the team's former name, got ${shown(fleet.was)}, which it has now; remove it` });
  if (fleet.was !== undefined && target?.keepsTeamName)
    findings.push({
      path: ["was"],
      key: true,
      reason: `expected no \`was\` with target \`${target.kind}\`, where names stay for life; take the old name back`,
    });
  const servers = mapOr(fleet.servers);
  const former = entries(fleet.servers).filter(([, server]) => "was" in server);
  for (const [name, { was }] of former) {
    const path = ["servers", name, "was"];
    if (target?.lent === false)
      findings.push({
        path,
        key: true,
        reason: `expected no \`was\` with target \`${target.kind}\`, whose machines keep their names; remove it`,
      });
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

/** Private addresses: each once. */
function checkAddresses(fleet: Loose): readonly Finding[] {
  const given = privateAddresses(fleet).map(({ server, value, path }) => ({ value, where: `\`${server}\``, path }));
  return repeated(given, "a private address");
}

/** Those that are addresses. */
export const privateAddresses = ({ servers }: Loose): readonly { readonly server: string; readonly value: string; readonly path: Path }[] =>
  entries(servers).flatMap(([server, { privateAddress: value }]) =>
    typeof value === "string" && Ipv4.safeParse(value).success ? [{ server, value, path: ["servers", server, "privateAddress"] }] : [],
  );

/** A name that must be one of `names`. */
export function checkName(value: unknown, path: Path, what: string, names: readonly string[]): readonly Finding[] {
  if (typeof value !== "string" || names.includes(value)) return [];
  const list =
    names.length > 0 && names.length <= 24
      ? `; there ${names.length === 1 ? "is" : "are"} ${names.map((name) => `\`${name}\``).join(", ")}`
      : "";
  return [{ path, reason: `expected ${what}, got ${shown(value)}${didYouMean(value, names, list)}` }];
}
