// Whether a server reaches the team's repository, as the owner of its checkout; where it does not, what a person types.

import type { Command } from "../../provisioners/engine/shell-quote.ts";
import { asOwner, type GitWant } from "../../provisioners/resources/git.ts";
import { typed } from "../../spec/typed.ts";
import { gitHostOf } from "../../templates/base/git-hosts.ts";

/** Ends with 0 where it answers; says why it does not. */
export const reachScript = (git: GitWant): Command =>
  asOwner(git, `said=$(timeout 20 git ls-remote -q -- "$1" HEAD 2>&1) || { printf '%s\\n' "\${said:-no answer within 20 s}"; exit 1; }`, [
    git.repository,
  ]);

export interface Unreached {
  readonly why: string;
  readonly next: string;
}

const hostKey = /host key verification failed|host key is known|remote host identification/i;
const refused = /permission denied|access denied|not found|could not be found|authentication failed|could not read username/i;

/** Pure. Of what ssh and git say: the line that tells, and the way out. */
export function unreached(said: string, { repository }: Pick<GitWant, "repository">, at: { stack: string; server: string }): Unreached {
  const lines = said.split("\n").map((line) => line.trim());
  const telling = (pattern: RegExp) => lines.find((line) => pattern.test(line));
  const onServer = `${typed()} run -s ${at.stack} ${at.server}`;
  const place = gitHostOf(repository);
  const key = telling(hostKey);
  if (key !== undefined && place) {
    const port = place.port === 22 ? "" : `-p ${place.port} `;
    return {
      why: `the host key of ${place.host} is not among those that it knows (${key})`,
      next: `${onServer} -- ssh-keyscan -t ed25519 ${port}${place.host}; where that is the key, its line in params.base.knownHosts, and ${typed()} up ${at.stack}`,
    };
  }
  const denied = telling(refused);
  if (denied !== undefined && place)
    return {
      why: denied,
      next: `${onServer} --sudo -- ssh-keygen -y -f /root/.ssh/fleet_mesh; give that to the repository as a deploy key`,
    };
  if (denied !== undefined) return { why: denied, next: "an ssh URL (git@…) in app.git.repository, which the team's deploy key opens" };
  const why = telling(/^(?:ssh|fatal|error)\b/i) ?? lines.filter(Boolean).at(-1) ?? "no answer";
  return { why, next: `try again, or from a clone here: ${typed()} deploy --from .` };
}
