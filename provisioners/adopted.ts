// A role whose server was adopted with it: what is installed and written there is somebody's own, and what runs is the role's.
import type { Address } from "./resources/kind.ts";
import type { Declared } from "./resources/want.ts";

/** A checkout, an archive and their build are nobody's before the team names them. */
const kept = /^(?:(?:service|check|mysql-database|mysql-user|mysql-grant|git|archive)\[|command\[app-build\])/;
const references = ["after", "on", "restartOn", "reloadOn"] as const;

/** Services, checks, the team's code and what is in a database; the team's files that are laid over the server are heard of as ever. */
export function asAdopted(all: readonly Declared[]): readonly Declared[] {
  const left = all.filter(({ address }) => kept.test(address));
  const there = new Set(left.map(({ address }) => address));
  return left.map((declared) => {
    const want = declared.want as Partial<Record<(typeof references)[number], readonly Address[]>>;
    const own = references.flatMap((name) => (want[name] ? [[name, want[name].filter((address) => there.has(address))] as const] : []));
    return { ...declared, want: { ...declared.want, ...Object.fromEntries(own) } };
  });
}
