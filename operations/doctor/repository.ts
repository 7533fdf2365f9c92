// Whether a server can fetch the team's code: asked as the owner of its checkout, with the key that a deploy has.
import type { Shell } from "../../provisioners/engine/shell.ts";
import { placeOn } from "../deploy/places.ts";
import { reachScript, unreached } from "../deploy/reach.ts";
import type { FleetServer } from "../fleet-up.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** None where the server has no checkout. */
export async function repositoryFinding(
  server: FleetServer,
  shell: Shell,
  signal: AbortSignal,
  stack: string,
): Promise<readonly Finding[]> {
  const place = placeOn(server);
  if (!place) return [];
  const { ok, failure } = findingsOf(server.name);
  const { code, stdout } = await shell.run(reachScript(place.git), { signal, onAbort: "end", deadline: 40_000 });
  if (code === 0) return [ok("repository", `${place.git.repository} answers`)];
  const { why, next } = unreached(stdout.toString("utf8"), place.git, { stack, server: server.name });
  return [failure("repository", `${place.git.repository}: ${why}`, { advice: next })];
}
