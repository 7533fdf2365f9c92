// What the engine's events say of a look that found nothing, and of the facts that it saw.
import { expect, test } from "vitest";
import { foreseenIn } from "../../cli/first-look.ts";
import type { EngineDigest } from "../../cli/preview/engine.ts";
import { digestOf, factsIn, failureOf, nothingFound } from "../../cli/preview/events.ts";

const urn = "urn:pulumi:t::contest-fleet::fleet:index:TeamFleet$fleet:index:Host::t-isu1";
const state = (nginxUser: string) => ({ type: "fleet:index:Host", outputs: { facts: { nginxUser } } });
const steps = [
  { op: "refresh", urn, oldState: state("remembered"), newState: state("remembered") },
  { op: "same", urn, oldState: state("seen"), newState: { type: "fleet:index:Host", outputs: {} } },
];
const said = (severity: string) => [{ severity, message: "x" }];

test("nothing found: every step the same, and nobody warned", () => {
  const found = (more: Partial<EngineDigest> = {}) => nothingFound({ steps, changeSummary: { same: 3 }, ...more });
  expect(found()).toBe(true);
  expect(found({ diagnostics: said("debug") })).toBe(true);
  expect(found({ diagnostics: said("warning") })).toBe(false);
  expect(found({ diagnostics: said("error") })).toBe(false);
  expect(found({ changeSummary: { same: 3, update: 1 } })).toBe(false);
  expect(found({ steps: [...steps, { op: "update", urn }] })).toBe(false);
});

test("facts are those of the look, not of the state", () => {
  expect(factsIn({ steps })).toEqual({ [urn]: { nginxUser: "seen" } });
});

test("of a change it is read what its role foresees, and of nothing else what came of it", () => {
  const role = { urn: urn.replace(/Host::.*/, "Role::t-isu1-app"), type: "fleet:index:Role" };
  const changes = { "git[/srv/app]": ["refuse: the folder holds 3 entries without git"], "service[x.service]": ["restart"] };
  const foreseen = { there: { "directory[/srv]": { path: "/srv" } }, changes, follows: ["service[x.service]"] };
  const event = (kind: string, more: object, sequence: number) =>
    JSON.stringify({ sequence, timestamp: 1, [kind]: { metadata: { op: "update", ...role, ...more } } });
  const before = { inputs: { role: "app" }, outputs: { role: "remembered" } };
  const after = { inputs: { role: "another" }, outputs: { role: "another", foreseen } };
  const { steps } = digestOf(
    [event("resourcePreEvent", { old: before, new: before }, 1), event("resOutputsEvent", { old: before, new: after }, 2)].join("\n"),
  );
  expect(steps.map(({ newState }) => newState)).toEqual([{ inputs: { role: "app" }, outputs: { role: "remembered", foreseen } }]);
  expect(steps.map(foreseenIn)).toEqual([foreseen]);
});

test("a preview that failed says why, without the engine's own frame around it", () => {
  const of = (...messages: string[]) =>
    ({ diagnostics: messages.map((message) => ({ severity: "error", message })) }) as unknown as EngineDigest;
  expect(failureOf(of("Preview failed: members: expected keys, got none\n", "preview failed"), "")).toBe(
    "members: expected keys, got none",
  );
  expect(failureOf(of("preview failed"), "")).toBe("preview failed");
});
