// One look at one server: one script, whose parts are told apart by a word that nobody on the server could know.
import { randomBytes } from "node:crypto";
import { HostError, type RunOptions, type Shell } from "../../provisioners/engine/shell.ts";
import { type SectionName, sections } from "./sections.ts";

export type Answers = Readonly<Record<SectionName, string>>;

/** Milliseconds: a large database counts its tables. */
const deadline = 60_000;

/** Changes nothing. Throws HostError. */
export async function lookAtServer(shell: Shell, options: RunOptions = {}): Promise<Answers> {
  const nonce = randomBytes(9).toString("hex");
  const { code, stdout, stderr } = await shell.run(scriptOf(nonce), { deadline, ...options });
  if (code !== 0) throw new HostError(shell.host, "lost", `the look ended with exit code ${code}: ${stderr.slice(0, 500)}`);
  return answersIn(stdout.toString("utf8"), nonce);
}

/** What the login's environment says of languages, quotes and proxies must not get into the answers. */
const header =
  "LC_ALL=C HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_COLORS=0 SYSTEMD_PAGER=\nexport LC_ALL HOME PATH SYSTEMD_COLORS SYSTEMD_PAGER\nunset QUOTING_STYLE\ncd /";

function scriptOf(nonce: string) {
  const parts = Object.entries(sections).map(([name, text]) => `printf '\\n%s ${name}\\n' ${nonce}\n(\n${text}\n) 2>/dev/null </dev/null`);
  return { text: `${header}\n${parts.join("\n")}\n:`, masked: "look at the server" };
}

/** Pure. A part that said nothing is empty. */
export function answersIn(stdout: string, nonce: string): Answers {
  const parts = stdout.split(`\n${nonce} `).slice(1);
  const said = new Map(parts.map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)]));
  return Object.fromEntries(Object.keys(sections).map((name) => [name, said.get(name) ?? ""])) as Answers;
}
