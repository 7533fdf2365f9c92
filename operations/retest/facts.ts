// One look at a server before its reboot, and what was found in rows by name.
import { randomBytes } from "node:crypto";
import { HostError, type RunOptions, type Shell } from "../../provisioners/engine/shell.ts";
import { type SectionName, sections } from "./sections.ts";

export type Row = readonly string[];
export type Unit = Readonly<Record<string, string>>;

/** Rows of each section, as they were told; units by their properties. */
export interface RetestFacts extends Readonly<Record<Exclude<SectionName, "units">, readonly Row[]>> {
  readonly units: readonly Unit[];
}

/** Milliseconds. */
const deadline = 60_000;

const header =
  "LC_ALL=C HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_COLORS=0 SYSTEMD_PAGER=\nexport LC_ALL HOME PATH SYSTEMD_COLORS SYSTEMD_PAGER\ncd /";

/** Changes nothing. Throws HostError. */
export async function lookBefore(shell: Shell, options: RunOptions = {}): Promise<RetestFacts> {
  const nonce = randomBytes(9).toString("hex");
  const parts = Object.entries(sections).map(([name, text]) => `printf '\\n%s ${name}\\n' ${nonce}\n(\n${text}\n) 2>/dev/null </dev/null`);
  const script = { text: `${header}\n${parts.join("\n")}\n:`, masked: "look before the reboot" };
  const { code, stdout, stderr } = await shell.run(script, { deadline, ...options });
  if (code !== 0) throw new HostError(shell.host, "lost", `the look ended with exit code ${code}: ${stderr.slice(0, 500)}`);
  return factsIn(stdout.toString("utf8"), nonce);
}

/** Pure. A section that said nothing has no rows. */
export function factsIn(stdout: string, nonce: string): RetestFacts {
  const parts = stdout.split(`\n${nonce} `).slice(1);
  const said = new Map(parts.map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)]));
  const rows = Object.keys(sections).map((name) => [name, name === "units" ? unitsIn(said.get(name) ?? "") : rowsIn(said.get(name) ?? "")]);
  return Object.fromEntries(rows) as RetestFacts;
}

/** What a terminal would obey is none of its words. */
export const rowsIn = (text: string): readonly Row[] =>
  text
    .replaceAll(/[^\P{Cc}\t\n]/gu, "?")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.split("\t"));

/** `systemctl show` of several: blocks with empty lines between. */
export const unitsIn = (text: string): readonly Unit[] =>
  text
    .split(/\n\s*\n/)
    .map((block) => Object.fromEntries([...block.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])) as Unit)
    .filter(({ Id }) => Id !== undefined);

/** Nothing of anything: what a test plants its fault in. */
export const noFacts: RetestFacts = factsIn("", "none");
