// Whose ssh key a server must know before it can fetch the team's code.

export interface GitHost {
  readonly host: string;
  readonly port: number;
}

/** Pure. Where a repository is reached by ssh; undefined over https, and for one on the server itself. */
export function gitHostOf(repository: string): GitHost | undefined {
  const url = /^ssh:\/\/(?:[^@/]*@)?([^:/]+)(?::(\d+))?\//.exec(repository);
  if (url) return { host: url[1]!, port: Number(url[2] ?? 22) };
  const short = /^[^@/:]+@([^:/]+):/.exec(repository);
  return short ? { host: short[1]!, port: 22 } : undefined;
}

/** As GitHub, GitLab and Bitbucket publish them, for the names of their port 443 too: a deploy never has to say yes to one of these. */
const published: Readonly<Record<string, string>> = {
  "github.com ssh.github.com": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
  "gitlab.com altssh.gitlab.com": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf",
  "bitbucket.org altssh.bitbucket.org": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO",
};

/** Pure. By which ssh_known_hosts has it. */
export const knownAs = ({ host, port }: GitHost): string => (port === 22 ? host : `[${host}]:${port}`);

/** Pure. Lines of ssh_known_hosts for those of the hosts whose key is published, and that `lines` does not name already. */
export function publishedLines(hosts: readonly GitHost[], lines: readonly string[]): readonly string[] {
  const named = new Set(lines.flatMap((line) => (line.split(/\s+/)[0] ?? "").split(",")));
  const keyOf = (host: string) => Object.entries(published).find(([names]) => names.split(" ").includes(host))?.[1];
  const all = hosts.flatMap((each): readonly string[] => {
    const key = keyOf(each.host);
    return key === undefined || named.has(knownAs(each)) ? [] : [`${knownAs(each)} ${key}`];
  });
  return [...new Set(all)];
}
