// What every kind promises, on a real server: converged once it stays so, every drift heals, and an undo leaves the server as it was.
import { expect } from "vitest";
import { converge, inspect } from "../../provisioners/engine/converge.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import type { RoleReport } from "../../provisioners/engine/report.ts";
import type { Shell } from "../../provisioners/engine/shell.ts";
import { sh } from "../../provisioners/engine/shell-quote.ts";
import type { Declared } from "../../provisioners/resources/want.ts";
import { soon } from "./soon.ts";

export interface KindContract {
  /** Names the role: nothing else on the server may go by it. */
  readonly role: string;
  readonly declared: readonly Declared[];
  /** Shell text, run before the first look: what the role finds. It is there again, byte for byte, after the undo. */
  readonly before?: string;
  /** Shell text that fails where the server is not as wanted: asked independently of the look. */
  readonly right: string;
  /** What each drift is called, and shell text that makes it. */
  readonly drifts: Readonly<Record<string, string>>;
}

/** An attribute of the file system's, as access lists are: of a machine that has perl alone. */
const attribute = (call: "set" | "get", rest: string): string =>
  `perl -MPOSIX -e 'my $call = ((POSIX::uname())[4] eq "x86_64" ? { set => 188, get => 191 } : { set => 5, get => 8 })->{${call}}; ${rest}'`;
export const note = (path: string): string =>
  attribute(
    "set",
    `my ($path, $name, $value) = ("${path}", "user.note", "theirs"); syscall($call, $path, $name, $value, 6, 0) == 0 or die`,
  );
const notes = attribute(
  "get",
  `while (my $path = <STDIN>) { chomp $path; my ($name, $value) = ("user.note", " " x 6); print "$path $value\\n" if syscall($call, $path, $name, $value, 6) > 0 }`,
);

/** Everything that a kind of the system may change; what packages and tools keep for themselves (backups, caches) is left out. */
const snapshot = `
set -- /etc /home /srv /opt -xdev -not -name '*-' -not -path /etc/ld.so.cache -not -path /etc/.pwd.lock
find "$@" -printf '%p|%y|%m|%u|%g|%l\\n' | sort
find "$@" -type f | sort | ${notes}
find "$@" -type f -print0 | sort -z | xargs -0 sha256sum
dpkg-query -W -f '\${Package} \${db:Status-Abbrev} \${Version}\\n' 2>/dev/null | grep -v ' [a-z]n '
rpm -qa 2>/dev/null | sort
cat /etc/passwd /etc/group /etc/shadow
findmnt -rn -o TARGET,SOURCE,FSTYPE,OPTIONS
systemctl list-unit-files --no-pager --no-legend --type=service,mount
grep -sH . /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/ip_local_port_range /proc/sys/net/ipv4/tcp_fin_timeout`;

export async function text(shell: Shell, script: string): Promise<string> {
  const { code, stdout, stderr } = await shell.run({ text: script, masked: script });
  expect({ code, stderr: code === 0 ? "" : stderr, stdout: code === 0 ? "" : stdout.toString() }, script).toEqual({
    code: 0,
    stderr: "",
    stdout: "",
  });
  return stdout.toString();
}

export const wantsOf = (declared: readonly Declared[]): Wants => Object.fromEntries(declared.map(({ address, want }) => [address, want]));

const outcomes = ({ results }: RoleReport, ...left: readonly string[]) => results.filter(({ outcome }) => !left.includes(outcome));

async function isRight(shell: Shell, { role, right }: KindContract, wants: Wants, after: string): Promise<void> {
  const { report, seen } = await inspect(shell, role, wants);
  expect(outcomes(report, "unchanged", "not-applicable"), after).toEqual([]);
  expect(seen, after).toEqual(wants);
  // A service that was just started may not have begun its program.
  await soon(() => text(shell, `set -e\n${right}`), after).toEqual(expect.any(String));
}

export async function keepsContract(shell: Shell, contract: KindContract): Promise<void> {
  const { role, declared, before = "", drifts } = contract;
  const wants = wantsOf(declared);
  await text(shell, `set -e\n${before}`);
  const was = await text(shell, snapshot);
  expect(outcomes((await inspect(shell, role, wants)).report, "pending", "not-applicable"), "the first look finds something to do").toEqual(
    [],
  );
  expect(outcomes(await converge(shell, role, wants), "changed", "unchanged", "not-applicable")).toEqual([]);
  await isRight(shell, contract, wants, "the first converge");
  for (const [name, drift] of Object.entries(drifts)) {
    await text(shell, `set -e\n${drift}`);
    expect(outcomes((await inspect(shell, role, wants)).report, "unchanged", "not-applicable"), `the look sees ${name}`).not.toEqual([]);
    expect(outcomes(await converge(shell, role, wants), "changed", "unchanged", "not-applicable"), name).toEqual([]);
    await isRight(shell, contract, wants, name);
  }
  expect(outcomes(await converge(shell, role, {}), "changed", "unchanged")).toEqual([]);
  await soon(() => text(shell, snapshot), "after the undo").toEqual(was);
  expect((await inspect(shell, role, {})).report.results, "an undo is done once").toEqual([]);
}

/** For tests that need a command alone. */
export const run = (shell: Shell, script: string) => shell.run({ ...sh``, text: script, masked: script });
