// All rules, and what they say of a server.
import { type Finding, findingsOf } from "../../doctor/finding.ts";
import type { RetestFacts } from "../facts.ts";
import type { SectionName } from "../sections.ts";
import { fileRules } from "./files.ts";
import type { Rule } from "./rule.ts";
import { unitRules } from "./units.ts";
import { valueRules } from "./values.ts";

export const rules: readonly Rule[] = [...unitRules, ...fileRules, ...valueRules];

/** Of them, those that hold what runs against what its files say; `sections`: what they need to know. */
export const fileDifferences = {
  rules: rules.filter(({ name }) =>
    ["mysql-settings", "sysctl", "redis-settings", "configurations", "limits", "unit-files"].includes(name),
  ),
  sections: ["system", "units", "mysql", "sysctl", "redis", "configurations", "limits"],
} as const satisfies { readonly rules: readonly Rule[]; readonly sections: readonly SectionName[] };

/** Pure. What lives only at run time on this server, failures first. */
export function faultsOn(server: string, facts: RetestFacts): readonly Finding[] {
  const { failure, warning } = findingsOf(server);
  const all = rules.flatMap(({ name, find }) =>
    find(facts).map(({ state, text, mend }) => (state === "failure" ? failure : warning)(name, text, mend === undefined ? {} : { mend })),
  );
  return [...all.filter(({ state }) => state === "failure"), ...all.filter(({ state }) => state === "warning")];
}
