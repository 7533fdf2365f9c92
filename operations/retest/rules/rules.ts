// All rules, and what they say of a server.
import { type Finding, findingsOf } from "../../doctor/finding.ts";
import type { RetestFacts } from "../facts.ts";
import { fileRules } from "./files.ts";
import type { Rule } from "./rule.ts";
import { unitRules } from "./units.ts";
import { valueRules } from "./values.ts";

export const rules: readonly Rule[] = [...unitRules, ...fileRules, ...valueRules];

/** Pure. What lives only at run time on this server, failures first. */
export function faultsOn(server: string, facts: RetestFacts): readonly Finding[] {
  const { failure, warning } = findingsOf(server);
  const all = rules.flatMap(({ name, find }) =>
    find(facts).map(({ state, text, mend }) => (state === "failure" ? failure : warning)(name, text, mend === undefined ? {} : { mend })),
  );
  return [...all.filter(({ state }) => state === "failure"), ...all.filter(({ state }) => state === "warning")];
}
