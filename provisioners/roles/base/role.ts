// What every server of a team has: names, people and their keys, a mesh of ssh between the servers, limits and kernel settings.
import { z } from "zod";
import { parsePath } from "../../../spec/path.ts";
import { Line, Locale, Timezone, UserName } from "../../../spec/scalars.ts";
import { gitHostOf, publishedLines } from "../../../templates/base/git-hosts.ts";
import { hostsBlock } from "../../../templates/base/hosts.ts";
import { Limits, sessionLimits } from "../../../templates/base/limits.ts";
import { Sshd, sshdDropIn } from "../../../templates/base/sshd.ts";
import { sudoers } from "../../../templates/base/sudoers.ts";
import { modulesConf, modulesFor, SysctlParams, sysctlEntries } from "../../../templates/sysctl/entries.ts";
import { late } from "../../engine/placeholders.ts";
import { storeKey } from "../../engine/prelude.ts";
import { quote } from "../../engine/shell-quote.ts";
import { type Declared, want } from "../../resources/want.ts";
import { type Account, accountNamed, defineRole, type RoleContext } from "../role.ts";
import { groupParams, groups, groupsOf } from "./groups.ts";
import { cronJobs, cronParams } from "./jobs.ts";
import { software, softwareParams } from "./software.ts";
import { storage, storageParams } from "./storage.ts";
import { baseTerritory, sshdUnit } from "./territory.ts";
import { volumes } from "./volumes.ts";

const Params = z
  .strictObject({
    appUser: UserName.default("isucon").describe("user that applications run as"),
    hostname: z.boolean().default(true).describe("name the server as the stack file does; `false` leaves the name that it has"),
    hosts: z.boolean().default(true).describe("the team's servers in /etc/hosts; `false` leaves that file alone"),
    timezone: z
      .union([z.literal(false), Timezone])
      .default("UTC")
      .describe("time zone; contests have UTC; `false` leaves the one it has"),
    locale: z
      .union([z.literal(false), Locale])
      .default("C.UTF-8")
      .describe("locale of logins; `false` leaves the one it has"),
    ...softwareParams,
    groups: groupParams,
    sysctl: SysctlParams.omit({ reservedPorts: true }).prefault({}).describe("kernel settings: a preset, and overrides by name"),
    ...storageParams,
    cron: cronParams,
    limits: z
      .union([z.literal(false), Limits])
      .prefault({})
      .describe("limits of people's sessions; `false` leaves them"),
    sshd: Sshd.optional().describe("hardens sshd; without it sshd stays as it is"),
    deployHosts: z
      .array(Line)
      .default(["github.com"])
      .describe("hosts that the mesh key opens as a deploy key, beside those of the stack's `app.git.repository`"),
    knownHosts: z
      .array(Line)
      .default([])
      .describe("further lines of ssh_known_hosts; those of GitHub, GitLab and Bitbucket are there where the key opens them"),
  })
  .superRefine(({ sysctl }, context) => {
    for (const { path, reason } of sysctlEntries({ ...sysctl, reservedPorts: [] }).problems) {
      context.addIssue({
        code: "custom",
        path: ["sysctl", ...(path.startsWith("preset.") ? ["preset"] : parsePath(path))],
        message: reason,
      });
    }
  });
type Params = z.infer<typeof Params>;
type Context = RoleContext<Params>;

export const base = defineRole<Params>({
  name: "base",
  summary: "names, people and their keys, ssh between the servers, limits, kernel settings, and volumes of EC2",
  params: Params,
  territory: baseTerritory,
  account: ({ appUser }) => appUser,
  resources: (context) => [
    ...names(context),
    ...groups(context.params.groups, context.params.appUser, context.team),
    ...people(context),
    ...mesh(context),
    ...system(context),
    ...kernel(context),
    ...storage(context),
    ...cronJobs(context.params.cron, context.facts),
    ...volumes(context.self),
    ...switched(context.self),
  ],
});

/** Off before on: what listens on a port leaves it to what comes in its place. */
const switched = ({ services = {} }: Context["self"]): Declared[] => {
  const all = Object.entries(services).map(([unit, state]) => ({ unit, on: state === "on", masked: state === "masked" }));
  const off = all.filter(({ on }) => !on).map(({ unit, masked }) => want.service({ unit, enabled: false, running: false, masked }));
  const after = off.map(({ address }) => address);
  return [...off, ...all.filter(({ on }) => on).map(({ unit }) => want.service({ unit, masked: false, after }))];
};

function names({ self, team, facts, params }: Context): Declared[] {
  const entries = team.servers.map(({ name, privateAddress }) => ({ name, address: privateAddress }));
  const hosts = params.hosts ? [want.block({ path: "/etc/hosts", name: "team", content: hostsBlock(entries) })] : [];
  if (self.pooled) return entries.length > 0 ? hosts : [];
  if (!params.hostname) return hosts;
  const file = want.file({ path: "/etc/hostname", content: `${self.name}\n` });
  const kept = `/var/lib/fleet/base/originals/${storeKey(file.address)}`;
  const cloud = want.file({
    path: "/etc/cloud/cloud.cfg.d/99-fleet.cfg",
    content: "# Managed by fleet (role base).\npreserve_hostname: true\nmanage_etc_hosts: false\n",
  });
  return [
    file,
    want.command({
      name: "hostname",
      run: `hostname ${self.name}`,
      unless: `[ "$(hostname)" = ${self.name} ]`,
      undo: `hostname "$(cat ${kept} 2> /dev/null || cat /etc/hostname)"`,
      // A server that was called right at first may be renamed later.
      undoAlways: true,
      after: [file.address],
    }),
    ...hosts,
    ...(facts.cloudInit ? [cloud] : []),
  ];
}

function people(context: Context): Declared[] {
  const { team, params } = context;
  const rights = team.members.filter(({ sudo }) => sudo).map(({ name }) => ({ who: name }));
  return [
    ...team.members.flatMap(({ name }) => [
      want.user({ name, groups: groupsOf(params.groups, name) }),
      ...keys(accountNamed(context, name), [late("authorized-keys", name)]),
    ]),
    want.package({ name: "sudo" }),
    want.file({
      path: "/etc/sudoers.d/zz-fleet",
      content: sudoers([...rights, { who: params.appUser }]),
      mode: "0440",
      validate: "visudo -cf %s",
    }),
  ];
}

/** A block, so that keys which somebody else put there stay. */
function keys({ name, home, group }: Account, lines: readonly string[]): Declared[] {
  const folder = want.directory({ path: `${home}/.ssh`, mode: "0700", owner: name, group });
  const block = want.block({
    path: `${home}/.ssh/authorized_keys`,
    name: "team",
    content: `${lines.join("\n")}\n`,
    mode: "0600",
    owner: name,
    group,
    after: [folder.address],
  });
  return [folder, block];
}

/** root and the application's user move between the servers, and pull code, with one key of the team's. A pooled server only lets them in. */
function mesh(context: Context): Declared[] {
  const { self, team, params } = context;
  const [app, root] = [accountNamed(context, params.appUser), accountNamed(context, "root")];
  const hosts = team.servers.map(({ name }) => name);
  const known = team.servers.map(({ name, privateAddress }) => `${name},${privateAddress} ${late("host-key", name)}`);
  const everybody = team.members.map(({ name }) => late("authorized-keys", name));
  const code = team.servers.flatMap(({ repositories = [] }) => repositories.flatMap((each) => gitHostOf(each) ?? []));
  const opened = [...params.deployHosts.map((host) => ({ host, port: 22 })), ...code];
  const keyed = [...new Set(opened.map(({ host }) => host))];
  // Where /etc/hosts is left alone, nothing else knows the names.
  const places = params.hosts ? [] : team.servers.map(({ name, privateAddress }) => `Host ${name}\n  HostName ${privateAddress}\n`);
  const config = [
    `# Managed by fleet (role base).\nHost ${[...hosts, ...keyed].join(" ")}\n  IdentityFile ~/.ssh/fleet_mesh\n`,
    ...places,
  ].join("");
  const key = ({ name, home, group }: Account) =>
    want.file({
      path: `${home}/.ssh/fleet_mesh`,
      content: late("mesh-private-key"),
      mode: "0600",
      owner: name,
      group,
      sensitive: true,
    });
  const doors = [
    want.user({ name: params.appUser, groups: groupsOf(params.groups, params.appUser) }),
    ...keys(app, [late("mesh-public-key"), ...everybody]),
    ...keys(root, [late("mesh-public-key")]),
  ];
  if (self.pooled) return doors;
  return [
    ...doors,
    key(app),
    key(root),
    want.block({
      path: "/etc/ssh/ssh_known_hosts",
      name: "team",
      content: `${[...known, ...params.knownHosts, ...publishedLines(opened, params.knownHosts)].join("\n")}\n`,
    }),
    want.file({ path: "/etc/ssh/ssh_config.d/50-fleet.conf", content: config }),
  ];
}

function system({ params, facts }: Context): Declared[] {
  const { timezone, locale, sshd } = params;
  return [
    ...software(params, facts),
    ...(timezone === false ? [] : zone(timezone, facts)),
    ...(locale === false ? [] : localised(locale, facts)),
    ...(sshd ? hardened(sshd, facts) : []),
  ];
}

const zone = (timezone: string, { packageManager }: Context["facts"]): Declared[] => [
  want.package({ name: "tzdata" }),
  want.link({ path: "/etc/localtime", target: `/usr/share/zoneinfo/${timezone}`, existing: true }),
  ...(packageManager === "apt" ? [zoneFile(timezone)] : []),
];

/** Debian's own second place. */
const zoneFile = (timezone: string): Declared =>
  want.file({
    path: "/etc/timezone",
    content: `${timezone}\n`,
    same: `read -r zone < /etc/timezone && [ -n "$zone" ] && cmp -s -- "/usr/share/zoneinfo/$zone" ${quote(`/usr/share/zoneinfo/${timezone}`)}`,
  });

/** Since Debian 13 systemd's own place: what PAM reads is a link to it, which each boot makes again (tmpfiles.d), whatever stands there. */
function localeFile({ distribution, version, packageManager }: Context["facts"]): string {
  if (packageManager === "dnf") return "/etc/locale.conf";
  const first = distribution === "debian" ? 13 : 25.04;
  return Number.parseFloat(version) >= first ? "/etc/locale.conf" : "/etc/default/locale";
}

function localised(locale: string, facts: Context["facts"]): Declared[] {
  const generated = locale.startsWith("C.") ? [] : localeOf(locale, facts);
  return [...generated, want.file({ path: localeFile(facts), content: `LANG=${locale}\n` })];
}

/** Debian makes them on the server; of dnf's distributions each language is a package. */
function localeOf(locale: string, { packageManager }: Context["facts"]): Declared[] {
  if (packageManager === "dnf") return [want.package({ name: `glibc-langpack-${locale.split("_")[0]}` })];
  const locales = want.package({ name: "locales" });
  return [locales, localeCommand(locale, locales)];
}

const localeCommand = (locale: string, locales: Declared): Declared =>
  want.command({
    name: "locale",
    run: `localedef -i ${locale.split(".")[0]} -f UTF-8 ${locale}`,
    unless: `locale -a | grep -qix '${locale.replace("UTF-8", "utf8")}'`,
    after: [locales.address],
  });

function hardened(sshd: Sshd, facts: Context["facts"]): Declared[] {
  const file = want.file({ path: "/etc/ssh/sshd_config.d/00-fleet.conf", content: sshdDropIn(sshd) });
  const service = want.service({ unit: sshdUnit(facts), keep: true, reloadOn: [file.address], validate: "sshd -t" });
  return [file, service, want.live({ of: "sshd", file: "/etc/ssh/sshd_config.d/00-fleet.conf", after: [service.address] })];
}

function kernel({ params, self }: Context): Declared[] {
  const { entries } = sysctlEntries({ ...params.sysctl, reservedPorts: [...self.ports] });
  const modules = modulesFor(entries);
  return [
    ...(params.limits === false ? [] : [want.limits({ name: "zz-fleet", limits: sessionLimits(params.limits) })]),
    ...(modules.length > 0 ? [want.file({ path: "/etc/modules-load.d/fleet.conf", content: modulesConf(modules) })] : []),
    ...(Object.keys(entries).length > 0 ? [want.sysctl({ name: "base", settings: entries })] : []),
  ];
}
