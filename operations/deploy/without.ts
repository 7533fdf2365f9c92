// What a deploy does without: servers that do not answer. The others get the commit; these are named, and catch up with the next up.
import type { HostError } from "../../provisioners/engine/shell.ts";
import type { Done, Told } from "./deploy.ts";
import type { Place } from "./places.ts";

/** Throws the first one's error where nobody is left. */
export function answering(places: readonly Place[], silent: ReadonlyMap<string, HostError>): readonly Place[] {
  const left = places.filter(({ server }) => !silent.has(server.name));
  const [first] = places;
  if (left.length === 0) throw silent.get(first!.server.name)!;
  return left;
}

/** Pure. What is said of whom; a server that no deploy goes to concerns nobody. */
export const leftBehind = (places: readonly Place[], silent: ReadonlyMap<string, HostError>): readonly (readonly [string, string])[] =>
  places.flatMap(({ server: { name } }) => {
    const error = silent.get(name);
    return error === undefined ? [] : [[name, `${error.sentence}; the others go on without it`] as const];
  });

const right: ReadonlySet<Told["result"]> = new Set(["deployed", "unchanged"]);

/** Pure. With a row for each that does not answer, in the places' order. It is to run what all others run now; where these differ, nothing is said. */
export function withSilent(done: Done, places: readonly Place[], silent: ReadonlyMap<string, HostError>): Done {
  const told = new Map(done.servers.map((each) => [each.server, each]));
  const all = places.map(({ server: { name } }): Told => {
    const error = silent.get(name);
    return told.get(name) ?? { server: name, result: "unreachable", seconds: 0, reason: error?.sentence ?? "" };
  });
  const [ref] = Object.values(done.refs);
  const agreed = ref !== undefined && done.servers.every(({ result }) => right.has(result));
  const later = agreed ? all.filter(({ result }) => result === "unreachable").map(({ server }) => [server, ref] as const) : [];
  return { ...done, servers: all, refs: { ...done.refs, ...Object.fromEntries(later) } };
}
