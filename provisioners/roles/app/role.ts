// An application: its code, its environment, the folder of its sockets, and the units or supervisord programs that keep it up.
import { z } from "zod";
import { UserError } from "../../../spec/problem.ts";
import { AbsolutePath, GitRef, GitUrl, PackageName, Port, ServiceName, Sha256, Url, UserName } from "../../../spec/scalars.ts";
import { AppEnvironment, envFile } from "../../../templates/app/env-file.ts";
import { SupervisorProgram, supervisorProgram } from "../../../templates/app/supervisor.ts";
import { Timer } from "../../../templates/app/timer.ts";
import { RuntimeDirectory, tmpfiles } from "../../../templates/app/tmpfiles.ts";
import { AppUnit, appUnit } from "../../../templates/app/unit.ts";
import { restartReadersOf } from "../../resources/environment-readers.ts";
import { timer } from "../../resources/timer.ts";
import { type Declared, want } from "../../resources/want.ts";
import { appAccount, defineRole, type RoleContext, reachedAt, type Territory } from "../role.ts";
import { Deploying } from "./deploying.ts";
import { appMove } from "./move.ts";

const Git = z.strictObject({
  repository: z.union([GitUrl, AbsolutePath]).describe("URL of the repository, or its path on the server"),
  ref: GitRef.default("main").describe("branch, tag or commit"),
  follows: GitRef.optional().describe(
    "branch or tag that `fleet deploy` without one brings while `ref` is a commit; a rollback writes it, and a deploy of a commit",
  ),
  path: AbsolutePath.describe("folder on the server"),
  owner: UserName.optional().describe("owner of the files. Default: the user of applications (`base.appUser`)."),
  force: z.boolean().default(false).describe("throw edits and commits of the server's own away; else they are an error"),
  adopt: z
    .boolean()
    .default(false)
    .describe("make a folder that holds files without git the checkout, and keep them; else they are an error"),
});
const Archive = z.strictObject({
  url: Url.describe("where each server fetches it"),
  sha256: Sha256.describe("SHA-256 of the archive"),
  path: AbsolutePath.describe("folder on the server"),
  owner: UserName.optional().describe("owner of the files. Default: the user of applications (`base.appUser`)."),
});

const Service = AppUnit.omit({ environmentFile: true });

const Params = z.strictObject({
  git: Git.optional().describe("code as a checkout, with its submodules"),
  archive: Archive.optional().describe("code as a tar archive"),
  packages: z.array(PackageName).default([]).describe("packages of the distribution: the application itself, or what it runs on"),
  build: z.string().optional().describe("shell text that builds the code after a change of the checkout, as its owner"),
  deploy: Deploying.optional(),
  environment: AppEnvironment.default({}).describe("variables of all its services, at `environmentFile`"),
  environmentFile: AbsolutePath.optional().describe(
    "environment file; lines of its own that are there stay. Default: `env.sh` in the home of the user of applications, where contests have it.",
  ),
  runtimeDirectories: z.array(RuntimeDirectory).default([]).describe("folders for unix sockets, made anew at each boot"),
  services: z.record(ServiceName, Service).default({}).describe("systemd services by name, without `.service`"),
  timers: z
    .array(Timer.omit({ environmentFile: true }))
    .default([])
    .describe("commands at set times"),
  supervisor: z.array(SupervisorProgram).default([]).describe("programs that supervisord keeps up instead"),
  ports: z.array(Port).default([]).describe("ports that it listens on; each is checked"),
  health: z
    .strictObject({
      url: Url.describe("page as the server itself reaches it"),
      status: z.int().default(200).describe("HTTP status that it must answer with"),
      contains: z.string().optional().describe("text that must stand in it"),
    })
    .optional()
    .describe("page that must answer"),
});
type Params = z.infer<typeof Params>;

export const app = defineRole<Params>({
  name: "app",
  summary: "an application from git, an archive or a package, kept up by systemd or supervisord",
  params: Params,
  territory: placesOf,
  services: ({ services, ports }) => [
    ...Object.keys(services).map((name) => ({ unit: `${name}.service`, ports: {} })),
    { unit: undefined, ports: Object.fromEntries(ports.map((port, at) => [`ports[${at}]`, port])) },
  ],
  provides: ({ ports }) => Object.fromEntries(ports.map((port) => [`app-${port}`, { protocol: "http", port }])),
  repositories: ({ git }) => (git ? [git.repository] : []),
  memory: "rest",
  move: appMove,
  resources(context) {
    const params = settled(context);
    if (params.supervisor.length > 0 && context.facts.packageManager === "dnf")
      throw new UserError(
        "params.app.supervisor: expected a distribution that has supervisord, got one with dnf; next: `services` instead",
      );
    const code = codeOf(params);
    const surroundings = surroundingsOf(params);
    const restartOn = [...code, ...surroundings].map(({ address }) => address);
    return [
      ...params.packages.map((name) => want.package({ name })),
      ...code,
      ...surroundings,
      ...servicesOf(params, restartOn),
      ...readersOf(params, surroundings),
      ...checksOf(params, context),
    ];
  },
});

/** What a deploy follows is none of the server's. */
const checkoutOf = ({ follows: _, ...git }: z.infer<typeof Git>): Declared => want.git(git);

/** Where its code lies, and where its services work. */
function placesOf({ git, archive, services }: Params): Territory[] {
  const code = [...(git ? [checkoutOf(git)] : []), ...(archive ? [want.archive({ ...archive })] : [])];
  const folders = [git?.path, archive?.path, ...Object.values(services).map(({ workingDirectory }) => workingDirectory)];
  const paths = [...new Set(folders.filter((path) => path !== undefined))];
  return paths.length > 0 ? [{ name: "app", paths, everyService: true, hears: "restart", after: code.map(({ address }) => address) }] : [];
}

type Settled = ReturnType<typeof settled>;

/** With what follows from the user of applications, as that account is on the server. */
function settled(context: RoleContext<Params>) {
  const { git, archive, environmentFile, ...params } = context.params;
  const account = appAccount(context);
  const owned = <Place extends { readonly owner?: string | undefined }>(place: Place) => ({ ...place, owner: place.owner ?? account.name });
  return {
    ...params,
    git: git && owned(git),
    archive: archive && owned(archive),
    environmentFile: environmentFile ?? `${account.home}/env.sh`,
    account,
  };
}

/** What a package starts by itself must stay up: the enabled services of these packages neither fail nor restart again and again. */
const packagedServices = (packages: readonly string[]): Declared =>
  want.check({
    name: "app-packages",
    command: `up=$(cut -d. -f1 /proc/uptime)
for unit in $({ dpkg -L ${packages.join(" ")} || rpm -ql ${packages.join(" ")}; } 2>/dev/null | sed -n 's|^.*/lib/systemd/system/\\([^/@]*\\.service\\)$|\\1|p' | sort -u); do
  systemctl is-enabled -q $unit || continue
  ActiveState= NRestarts=0 Type= ActiveEnterTimestampMonotonic=0
  eval "$(systemctl show -p ActiveState -p NRestarts -p Type -p ActiveEnterTimestampMonotonic $unit)"
  case $ActiveState in
    failed) echo "$unit has failed"; exit 1 ;;
    activating) [ "$Type" = oneshot ] || { echo "$unit starts again and again: $NRestarts restarts"; exit 1; } ;;
    active) [ "$NRestarts" = 0 ] || [ $((up - ActiveEnterTimestampMonotonic / 1000000)) -ge 10 ] || { echo "$unit starts again and again: $NRestarts restarts"; exit 1; } ;;
  esac
done`,
    after: packages.map((name) => want.package({ name }).address),
  });

function codeOf({ git, archive, build }: Settled): Declared[] {
  const code = [...(git ? [checkoutOf(git)] : []), ...(archive ? [want.archive({ ...archive })] : [])];
  const place = git ?? archive;
  if (!place || build === undefined) return code;
  // The stamp holds what was built: another commit builds again.
  const stamp = git ? `git -C ${place.path} rev-parse HEAD` : `sha256sum < ${place.path}/.fleet-archive`;
  const run = `cd ${place.path}\n${build}\n${stamp} > .fleet-built`;
  const built = want.command({
    name: "app-build",
    run,
    unless: `cd ${place.path} && [ "$(${stamp})" = "$(cat .fleet-built)" ]`,
    user: place.owner,
    again: true,
    undo: `rm -f ${place.path}/.fleet-built`,
    after: code.map(({ address }) => address),
  });
  return [...code, built];
}

function surroundingsOf({ environment, environmentFile, runtimeDirectories, account }: Settled): Declared[] {
  const names = Object.keys(environment);
  const environmentWants =
    names.length > 0
      ? [
          // A block, since the organiser's file has variables of its own: of two lines for one variable the last counts.
          want.block({
            ...{ path: environmentFile, name: "app", content: envFile(environment) },
            ...{ mode: "0640", group: account.group, sensitive: true },
          }),
        ]
      : [];
  if (runtimeDirectories.length === 0) return environmentWants;
  const conf = want.file({ path: "/etc/tmpfiles.d/fleet-app.conf", content: tmpfiles(runtimeDirectories) });
  const folders = runtimeDirectories.map(({ path, user, group, mode }) => want.directory({ path, owner: user, group, mode }));
  return [...environmentWants, conf, ...folders];
}

/** The organiser's own services read the file as well, and have it live, and back, as those of the stack file have. */
function readersOf({ environmentFile, services }: Settled, surroundings: readonly Declared[]): Declared[] {
  const on = surroundings.filter(({ address }) => address.startsWith("block[")).map(({ address }) => address);
  if (on.length === 0) return [];
  const own = Object.keys(services).map((name) => `${name}.service`);
  return [want.handler({ name: "app-environment", run: restartReadersOf(environmentFile, own), on })];
}

function servicesOf(params: Settled, heard: Declared["address"][]): Declared[] {
  const environmentFile = Object.keys(params.environment).length > 0 ? { environmentFile: params.environmentFile } : {};
  const units = Object.entries(params.services).flatMap(([name, service]) => {
    const unit = want.unit({ name: `${name}.service`, content: appUnit({ ...service, ...environmentFile }) });
    const runs = want.service({ unit: `${name}.service`, restartOn: [...heard, unit.address] });
    return [unit, runs, want.live({ of: "systemd", file: `/etc/systemd/system/${name}.service`, after: [runs.address] })];
  });
  units.push(...params.timers.flatMap((each) => timer({ ...each, ...environmentFile })));
  if (params.supervisor.length === 0) return units;
  const programs = params.supervisor.map((program) =>
    want.file({ path: `/etc/supervisor/conf.d/${program.name}.conf`, content: supervisorProgram(program) }),
  );
  const supervisor = want.service({ unit: "supervisor.service", restartOn: [...heard, ...programs.map(({ address }) => address)] });
  return [...units, want.package({ name: "supervisor" }), ...programs, supervisor];
}

const checksOf = ({ packages, ports, health }: Settled, context: RoleContext<Params>): Declared[] => [
  ...(packages.length > 0 ? [packagedServices(packages)] : []),
  ...ports.map((port) => want.check({ name: `app-${port}`, port: { port, ...reachedAt(context, port) } })),
  ...(health ? [want.check({ name: "app", http: health })] : []),
];
