// Roles that may describe what runs on a server, each with the parameters that say so. Whether one fits, the plan against the server decides.
import type { Guards } from "../../spec/guards.ts";
import { AbsolutePath, GitRef, GitUrl, Identifier, ServiceName, UserName } from "../../spec/scalars.ts";
import { type CodeFolder, type Listener, listenersOf, type ServerFacts, type Unit } from "./facts.ts";
import { isTeams, switchOf } from "./services.ts";

export interface Candidate {
  readonly role: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** That the role keeps up: no switch need say so. */
  readonly units: readonly string[];
}

/** In the order of a chain: what others need comes first. */
export function candidatesOn(facts: ServerFacts, guards: Guards): readonly Candidate[] {
  const on = facts.units.filter((unit) => isTeams(unit, guards) && switchOf(unit) === "on");
  return [database(facts, on), redis(facts, on), memcached(facts, on), application(facts, on), web(on)].filter(
    (each) => each !== undefined,
  );
}

const named = (units: readonly Unit[], ...names: readonly string[]): Unit | undefined => units.find(({ name }) => names.includes(name));

const portsOf = (facts: ServerFacts, unit: Unit): readonly Listener[] =>
  listenersOf(facts, unit).filter(({ protocol }) => protocol === "tcp");

function database({ mysql }: ServerFacts, on: readonly Unit[]): Candidate | undefined {
  const unit = named(on, "mariadb.service", "mysql.service");
  if (!unit || !mysql) return undefined;
  const databases = mysql.databases.filter(({ name }) => Identifier.safeParse(name).success);
  const port = Number(mysql.variables.port ?? 3306);
  return {
    role: "mysql",
    units: [unit.name],
    params: {
      ...(port !== 3306 && { port }),
      ...(databases.length > 0 && {
        databases: Object.fromEntries(databases.map(({ name, charset, collation }) => [name, { charset, collation }])),
      }),
    },
  };
}

function redis(facts: ServerFacts, on: readonly Unit[]): Candidate | undefined {
  const unit = named(on, "redis-server.service");
  if (!unit) return undefined;
  const port = portsOf(facts, unit)[0]?.port;
  return port === undefined ? undefined : { role: "redis", units: [unit.name], params: port === 6379 ? {} : { port } };
}

function memcached(facts: ServerFacts, on: readonly Unit[]): Candidate | undefined {
  const unit = named(on, "memcached.service");
  const port = unit && portsOf(facts, unit)[0]?.port;
  if (!unit || port === undefined) return undefined;
  return { role: "memcached", units: [unit.name], params: port === 11211 ? {} : { listen: { addresses: ["127.0.0.1"], port } } };
}

/** nginx has a status page of the role's own where the role writes its files. */
function web(on: readonly Unit[]): Candidate | undefined {
  const unit = named(on, "nginx.service");
  return unit && { role: "nginx", units: [unit.name], params: { main: { statusPort: false } } };
}

/** The units that somebody wrote for a user of the server. */
function application(facts: ServerFacts, on: readonly Unit[]): Candidate | undefined {
  const units = on.filter((unit) => isApplication(unit));
  if (units.length === 0) return undefined;
  const ports = [...new Set(units.flatMap((unit) => portsOf(facts, unit).map(({ port }) => port)))].sort((a, b) => a - b);
  const environment = [...new Set(units.flatMap(({ environmentFiles }) => environmentFiles))];
  const git = units.map(({ workingDirectory }) => checkout(facts.code, workingDirectory)).find(Boolean);
  return {
    role: "app",
    units: units.map(({ name }) => name),
    params: {
      ...(git && { git }),
      ...(environment.length === 1 && AbsolutePath.safeParse(environment[0]).success && { environmentFile: environment[0] }),
      services: Object.fromEntries(units.map((unit) => [unit.name.replace(/\.service$/, ""), serviceOf(unit, facts.files)])),
      ...(ports.length > 0 && { ports }),
    },
  };
}

const isApplication = ({ name, path, user, command, type }: Unit): boolean =>
  path.startsWith("/etc/systemd/system/") &&
  type !== "oneshot" &&
  name.endsWith(".service") &&
  user !== "root" &&
  UserName.safeParse(user).success &&
  AbsolutePath.safeParse(command[0]).success &&
  ServiceName.safeParse(name.replace(/\.service$/, "")).success;

const serviceOf = (unit: Unit, files: ServerFacts["files"]) => ({
  user: unit.user,
  workingDirectory: AbsolutePath.safeParse(unit.workingDirectory).success ? unit.workingDirectory : `/home/${unit.user}`,
  command: wordsOf(unit, files),
});

/** systemd tells the words without their quotes, the file has them. A drop-in may say something else: then the words are what there is. */
export function wordsOf({ path, command }: Unit, files: ServerFacts["files"]): readonly string[] {
  const text = files.find((file) => file.path === path)?.bytes?.toString("utf8") ?? "";
  const line = /^ExecStart\s*=\s*[-@:+!]*(.*)$/m.exec(text)?.[1] ?? "";
  const words = Array.from(
    line.matchAll(/(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+))(?=\s|$)/g),
    ([, double, single, plain]) => double ?? single ?? plain ?? "",
  );
  return words.join(" ") === command.join(" ") ? words : command;
}

function checkout(code: readonly CodeFolder[], folder: string): Readonly<Record<string, unknown>> | undefined {
  const git = code.find(({ path }) => path === folder)?.git;
  if (!git) return undefined;
  const { remote, branch, top } = git;
  const fits = [GitUrl.safeParse(remote), GitRef.safeParse(branch), AbsolutePath.safeParse(top)].every(({ success }) => success);
  return fits && branch !== "HEAD" ? { repository: remote, ref: branch, path: top } : undefined;
}
