// What is read of the engine's events where the states in them are not wanted.
import { expect, test } from "vitest";
import { eventIn, stepHeadOf } from "../../pulumi/event-log.ts";

const state = { type: "fleet:index:Role", inputs: { text: `{"op":"create"}` } };
const lineOf = (kind: string, metadata: object): string => JSON.stringify({ sequence: 7, timestamp: 1795980586, [kind]: { metadata } });
const metadata = { op: "refresh", urn: 'urn:pulumi:a::b::fleet:index:Role::x"\\é', type: "fleet:index:Role", old: state, new: state };

test("the head of a step is what the whole of it says", () => {
  for (const kind of ["resourcePreEvent", "resOutputsEvent"]) {
    const { op, urn, type } = metadata;
    expect(stepHeadOf(lineOf(kind, metadata))).toEqual({ kind, op, urn, type });
    expect(eventIn(lineOf(kind, metadata), () => true)).toEqual({ [kind]: { metadata: { op, urn, type } } });
    expect(eventIn(lineOf(kind, metadata), (head) => head.op === "update")).toEqual(JSON.parse(lineOf(kind, metadata)));
  }
});

test("what is no step, or is written in another order, is read as a whole", () => {
  const { op, ...rest } = metadata;
  for (const line of [lineOf("resOpFailedEvent", metadata), lineOf("resourcePreEvent", { ...rest, op }), '{"summaryEvent":{}}']) {
    expect(stepHeadOf(line)).toBeUndefined();
    expect(eventIn(line, () => true)).toEqual(JSON.parse(line));
  }
});
