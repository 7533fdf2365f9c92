// One look at a server before its reboot, and what was found in rows by name.
import type { RunOptions, Shell } from "../../provisioners/engine/shell.ts";
import { type Answers, answersIn, askSections } from "../ask-sections.ts";
import { type SectionName, sections } from "./sections.ts";

export type Row = readonly string[];
export type Unit = Readonly<Record<string, string>>;

/** Rows of each section, as they were told; units by their properties. */
export interface RetestFacts extends Readonly<Record<Exclude<SectionName, "units">, readonly Row[]>> {
  readonly units: readonly Unit[];
}

/** Changes nothing. Throws HostError. */
export const lookBefore = async (shell: Shell, options?: RunOptions): Promise<RetestFacts> =>
  factsOf(await askSections(shell, sections, "look before the reboot", options));

/** Some sections alone; the others have found nothing. Changes nothing. Throws HostError. */
export async function lookAt(shell: Shell, names: readonly SectionName[], options?: RunOptions): Promise<RetestFacts> {
  const some = Object.fromEntries(names.map((name) => [name, sections[name]])) as Readonly<Record<SectionName, string>>;
  return { ...noFacts, ...factsOf(await askSections(shell, some, "what runs, and what its files say", options)) };
}

/** Pure. */
export const factsIn = (stdout: string, nonce: string): RetestFacts => factsOf(answersIn(stdout, nonce, sections));

/** A section that said nothing has no rows. */
function factsOf(answers: Answers<SectionName>): RetestFacts {
  const rows = Object.entries(answers).map(([name, said]) => [name, name === "units" ? unitsIn(said) : rowsIn(said)]);
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
