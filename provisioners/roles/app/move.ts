// How an application comes to another server: its folder as it stands where no repository brings it, its units and environment file, and what
// these name. Nothing stops for it: it runs on both until whoever balances has gone over.
import { type Command, lines, quote, raw } from "../../engine/shell-quote.ts";
import { isBelow } from "../../resources/address-path.ts";
import type { Move, TextFile } from "../move.ts";

/** One of its services, as far as a move is concerned. */
interface Program {
  readonly user: string;
  readonly workingDirectory?: string | undefined;
  readonly command: readonly string[];
}

export interface MovedApp {
  readonly ports: readonly number[];
  readonly services: Readonly<Record<string, Program>>;
  readonly git?: { readonly path: string; readonly repository: string } | undefined;
  readonly archive?: { readonly path: string } | undefined;
  readonly environmentFile?: string | undefined;
  readonly supervisor: readonly unknown[];
}

const unitsFolder = "/etc/systemd/system";

/** Files that a unit reads its environment from. */
const environmentFiles = (text: string): readonly string[] =>
  [...text.matchAll(/^[ \t]*EnvironmentFile[ \t]*=[ \t]*-?(\/\S+)/gm)].map(([, path]) => path!);

function beside(services: readonly string[], own: string | undefined, files: readonly TextFile[]): readonly string[] {
  const units = services.flatMap((name) => [`${unitsFolder}/${name}.service`, `${unitsFolder}/${name}.service.d`]);
  const read = files.filter(({ path }) => units.some((unit) => isBelow(path, unit))).flatMap(({ text }) => environmentFiles(text));
  return [...new Set([...units, ...(own === undefined ? [] : [own]), ...read])];
}

const loopback = "(?:127\\.0\\.0\\.1|localhost|\\[::1\\])";

/** It is reached from elsewhere now, and on its own server by loopback as ever: at every address. */
function listen(ports: readonly number[], { path, text }: TextFile): string {
  const isUnit = path.startsWith(`${unitsFolder}/`);
  if (!isUnit && !/env[^/]*$/i.test(path) && !/^\/etc\/(?:default|sysconfig)\//.test(path)) return text;
  const port = `(?=:(?:${ports.join("|")})(?!\\d))`;
  return text
    .replace(
      new RegExp(
        `^([ \\t]*(?:export[ \\t]+|Environment=[ \\t]*["']?)?\\w*(?:LISTEN|BIND)\\w*[ \\t]*=[ \\t]*["']?)${loopback}(?:(?!:\\d)|${port})`,
        "gim",
      ),
      "$10.0.0.0",
    )
    .replace(/^([ \t]*ExecStart[ \t]*=.*)$/gm, (line) =>
      line
        .replace(new RegExp(`((?:\\s|=)(?:tcp://)?)${loopback}${port}`, "g"), "$10.0.0.0")
        .replace(new RegExp(`(\\s--?(?:b|o|host|bind|listen|address|addr)[= ])${loopback}(?![\\w.])`, "g"), "$10.0.0.0"),
    );
}

/** What is no code of anybody's: the distribution brings it, or it is made anew. */
const systems = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib64",
  "/etc",
  "/run",
  "/var/run",
  "/var/lib",
  "/var/log",
  "/tmp",
  "/dev",
  "/proc",
  "/sys",
];

/** Shell text: `of PATH HOME` prints the topmost folder of it that is the application's own. */
const topmost = `of() {
  case $1 in
    ${systems.flatMap((each) => [each, `${each}/*`]).join(" | ")} | / | "$2" | "$2"/.ssh | "$2"/.ssh/*) return 0 ;;
    "$2"/*) rest=\${1#"$2"/}; at=$2/\${rest%%/*} ;;
    /opt/*/* | /srv/*/*) rest=\${1#/*/}; at=\${1%"/$rest"}/\${rest%%/*} ;;
    *) at=$1 ;;
  esac
  [ -e "$at" ] || return 0
  printf '%s\\n' "$at"
  [ ! -L "$at" ] || of "$(readlink -f -- "$at")" "$2"
}`;

/** Words that may be paths; a shell's own text is none. */
const pathsIn = ({ command }: Program): readonly string[] => command.filter((word) => /^[\w./@+-]+$/.test(word));

function found({ services, git, archive }: MovedApp): Command {
  const brought = [git?.path, archive?.path].filter((path) => path !== undefined);
  const each = Object.values(services).map(
    (service) => `home=$(getent passwd ${quote(service.user)} | cut -d: -f6)
work=${quote(service.workingDirectory ?? "/")}
of "$work" "\${home:-/nowhere}"
for word in ${pathsIn(service).map(quote).join(" ")}; do
  case $word in
    /*) [ ! -e "$word" ] || of "$word" "\${home:-/nowhere}" ;;
    *) [ "$work" = / ] || [ ! -e "$work/$word" ] || of "$work/\${word#./}" "\${home:-/nowhere}" ;;
  esac
done`,
  );
  const skip =
    brought.length === 0
      ? "cat"
      : `awk ${quote(`{ ${brought.map((path) => `if (index($0 "/", ${JSON.stringify(`${path}/`)}) == 1) next; `).join("")}print }`)}`;
  return raw(`${topmost}\n{\n${each.join("\n")}\n} | LC_ALL=C sort -u | ${skip}`);
}

/** @param paths what comes: a program below it need not be there before */
function missing({ services, git, archive }: MovedApp, paths: readonly string[]): Command {
  const brought = [git?.path, archive?.path, ...paths].filter((path) => path !== undefined);
  const users = [...new Set(Object.values(services).map(({ user }) => user))];
  const programs = [...new Set(Object.values(services).flatMap(({ command }) => command.slice(0, 1)))].filter(
    (program) => program.startsWith("/") && !brought.some((path) => isBelow(program, path)),
  );
  return lines([
    ...users.map((user) =>
      raw(`id -u ${quote(user)} > /dev/null 2>&1 || echo ${quote(`user ${user}; next: params.base.appUser, or make it by hand`)}`),
    ),
    ...programs.map((program) =>
      raw(`[ -x ${quote(program)} ] || echo ${quote(`${program}; next: the package that has it into params.base.packages, ./fleet up`)}`),
    ),
    ...(git?.repository.startsWith("/")
      ? [
          raw(
            `[ -e ${quote(git.repository)} ] || echo ${quote(`the repository ${git.repository}; next: a URL that each server reaches, as params.app.git.repository`)}`,
          ),
        ]
      : []),
    raw(":"),
  ]);
}

export const appMove = (params: MovedApp): Move => {
  const names = Object.keys(params.services);
  return {
    clients: { ports: params.ports, words: [], schemes: [] },
    units: names.map((name) => `${name}.service`),
    many: true,
    connects: true,
    beside: (files) => beside(names, params.environmentFile, files),
    listen: (file) => (params.ports.length === 0 ? file.text : listen(params.ports, file)),
    tree: { find: found(params), missing: (paths) => missing(params, paths) },
    ...(params.git
      ? {}
      : {
          note: "its folder comes as it stands: what its program writes there from now on does not, and sessions that it keeps in memory begin anew",
        }),
    refuse: () => {
      if (params.supervisor.length > 0 || names.length === 0)
        return "expected services of systemd (params.app.services), got none, or programs of supervisord; next: write the role at the other server in the stack file, then ./fleet up";
      if (params.ports.length === 0)
        return "expected the port that it listens on, got none: nobody knows what names it; next: params.app.ports: [ 8080 ], ./fleet up, then the same";
      return undefined;
    },
  };
};
