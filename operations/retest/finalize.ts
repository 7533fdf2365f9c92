// What belongs off in the run that counts is off, and what belongs on stays on (stays.ts): logs of queries, a measured run's own log and samplers, agents that watch. What was switched off can be
// switched on again: how is kept on the server, a line before each step.
import { type Command, lines, quote, raw } from "../../provisioners/engine/shell-quote.ts";
import { finalClient as client, finalFolder, finalLogBack, finalUndo, keepFinal } from "../measure/run/final.ts";
import { putBack } from "../measure/run/scripts.ts";

export { undoFinal as undoing } from "../measure/run/final.ts";

import type { RetestFacts } from "./facts.ts";
import { firstOf, of } from "./rules/rule.ts";
import { keepingSteps, settingsFile } from "./stays.ts";

export interface Step {
  readonly text: string;
  /** Shell text of one server's root shell. */
  readonly run: string;
  /** One line, or what writes it; none where it was never meant to stay. */
  readonly undo?: string | Command;
}

const agents =
  /^(netdata|pprotein|pprotein-agent|atop|telegraf|collectd|node_exporter|prometheus-node-exporter|datadog-agent|newrelic-infra|mackerel-agent)\.service$/;
const isOn = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? "");

const again = (unit: string, enabled: string | undefined, active: string | undefined): string =>
  `; if known ${unit}; then ${enabled === "enabled" ? `unit_enable ${unit}` : ":"}; ${active === "active" ? `systemctl start ${unit}` : ":"}; fi`;

/** Pure. In the order in which they are taken. */
export function stepsOn(facts: RetestFacts): readonly Step[] {
  const { mysql, measuring, units } = facts;
  const named = (word: string) => new Map(of(mysql, word).map(([name, value]) => [name ?? "", value ?? ""]));
  const [live, files] = [named("live"), named("file")];
  const logs = [
    ["slow_query_log", "slow log"],
    ["general_log", "general log"],
  ] as const;
  const written = logs.filter(([name]) => isOn(files.get(name)));
  const left = ["sampler", "nginx"].filter((word) => firstOf(measuring, word) !== "");
  return [
    ...(left.length > 0 ? [{ text: "end what a measured run left: its log and its samplers", run: putBack.text }] : []),
    ...logs
      .filter(([name]) => isOn(live.get(name)))
      .map(([name, log]) => ({
        text: `switch the database's ${log} off`,
        run: `sql 'set global ${name} = 0'`,
        undo: finalLogBack(name),
      })),
    ...(written.length > 0
      ? [
          {
            text: `keep the ${written.map(([, log]) => log).join(" and the ")} off after a reboot, by a file of its own (zzz-fleet-final.cnf)`,
            ...settingsFile(
              "zzz-fleet-final.cnf",
              written.map(([name]) => `${name} = 0`),
            ),
          },
        ]
      : []),
    ...units
      .filter(({ Id = "", ActiveState, UnitFileState }) => agents.test(Id) && (ActiveState === "active" || UnitFileState === "enabled"))
      .map(({ Id = "", ActiveState, UnitFileState }) => ({
        text: `stop and disable ${Id}`,
        run: `unit_disable ${Id}; systemctl stop ${Id}`,
        undo: raw(
          `printf "%s '%s'%s\\n" 'unit_relink ${Id}' "$(unit_link ${Id})" ${quote(again(Id, UnitFileState, ActiveState))} >>${finalFolder}/undo`,
        ),
      })),
    ...keepingSteps(
      facts,
      units.flatMap(({ Id }) => (Id !== undefined && agents.test(Id) ? [Id] : [])),
    ),
  ];
}

/** Ends with the first step that fails; what was done before it can be undone. */
export const taking = (steps: readonly Step[]): Command =>
  lines([
    raw("set -e\numask 022"),
    keepFinal,
    raw(client),
    ...steps.flatMap(({ run, undo }) => [
      ...(undo === undefined ? [] : [typeof undo === "string" ? finalUndo(undo) : undo]),
      raw(`{\n${run}\n}`),
    ]),
  ]);
