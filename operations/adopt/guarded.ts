// What an organiser left on a server, and no team may touch: recognised by what contests call such things.
import { type Guards, isGuardedPath } from "../../spec/guards.ts";
import { UserName } from "../../spec/scalars.ts";
import type { ServerFacts } from "./facts.ts";

const checks = /(?:^|[-_.])(?:envcheck|env-check(?:er)?|isucon-env-checker|environment-check)(?:[-_.]|$)/i;
const organisers = /^(?:isuadmin|isucon-admin|contest-?admin|organi[sz]er)$/;

/** Over all servers: what one of them has to guard, a team leaves alone on each. */
export function guardsIn(servers: readonly ServerFacts[]): Guards {
  const units = servers.flatMap((server) => server.units.filter(({ name }) => checks.test(name)));
  const users = servers.flatMap(({ people }) => people.filter(({ name }) => organisers.test(name) && UserName.safeParse(name).success));
  const found = servers
    .flatMap(({ files }) => files.map(({ path }) => path))
    .filter((path) => checks.test(path) && !path.includes(".wants/"));
  const paths = [...units.flatMap(({ path }) => (path.startsWith("/etc/") ? [path] : [])), ...users.map(({ home }) => home), ...found];
  const places = servers.flatMap(({ organiser }) => organiser);
  const unique = (all: readonly string[]) => [...new Set(all.filter((each) => each !== ""))].sort();
  return {
    paths: unique([...paths, ...places]),
    users: unique(users.map(({ name }) => name)),
    units: unique(units.map(({ name }) => name)),
  };
}

export const isGuardedUnit = ({ units, paths }: Guards, { name, path }: { readonly name: string; readonly path: string }): boolean =>
  units.includes(name) || isGuardedPath({ paths, users: [], units: [] }, path);
