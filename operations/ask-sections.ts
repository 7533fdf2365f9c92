// One look at one server: one script, whose parts are told apart by a word that nobody on the server could know.
import { randomBytes } from "node:crypto";
import { HostError, type RunOptions, type Shell } from "../provisioners/engine/shell.ts";

/** Shell text of each part, by name. */
export type Sections<Name extends string> = Readonly<Record<Name, string>>;
export type Answers<Name extends string> = Readonly<Record<Name, string>>;

/** Milliseconds: a large database counts its tables. */
const deadline = 60_000;

/** What the login's environment says of languages, quotes and proxies must not get into the answers. */
const header =
  "LC_ALL=C HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_COLORS=0 SYSTEMD_PAGER=\nexport LC_ALL HOME PATH SYSTEMD_COLORS SYSTEMD_PAGER\nunset QUOTING_STYLE\ncd /";

/** `what` is shown in place of the script. Changes nothing, as long as the sections don't. Throws HostError. */
export async function askSections<Name extends string>(
  shell: Shell,
  sections: Sections<Name>,
  what: string,
  options: RunOptions = {},
): Promise<Answers<Name>> {
  const nonce = randomBytes(9).toString("hex");
  const parts = Object.entries(sections).map(([name, text]) => `printf '\\n%s ${name}\\n' ${nonce}\n(\n${text}\n) 2>/dev/null </dev/null`);
  const script = { text: `${header}\n${parts.join("\n")}\n:`, masked: what };
  const { code, stdout, stderr } = await shell.run(script, { deadline, ...options });
  // Cut short by its signal, it has no answer, and no failure of its own.
  if (code !== 0) options.signal?.throwIfAborted();
  if (code !== 0) throw new HostError(shell.host, "lost", `the look ended with exit code ${code}: ${stderr.slice(0, 500)}`);
  return answersIn(stdout.toString("utf8"), nonce, sections);
}

/** Pure. A part that said nothing is empty. */
export function answersIn<Name extends string>(stdout: string, nonce: string, sections: Sections<Name>): Answers<Name> {
  const parts = stdout.split(`\n${nonce} `).slice(1);
  const said = new Map(parts.map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)]));
  return Object.fromEntries(Object.keys(sections).map((name) => [name, said.get(name) ?? ""])) as Answers<Name>;
}
