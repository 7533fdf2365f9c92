// Puts late values into a role's wants: only the properties that hold a mark become outputs, so a preview shows all the others.
import * as pulumi from "@pulumi/pulumi";
import { fill, type Late, latesIn } from "../provisioners/late.ts";
import type { Wants } from "../provisioners/order.ts";

export type LateValue = (of: Late) => pulumi.Input<string>;

type Value = unknown;

export function bind(wants: Wants, lateValue: LateValue): Record<string, pulumi.Input<object>> {
  return bound(wants, lateValue) as Record<string, pulumi.Input<object>>;
}

function bound(value: Value, lateValue: LateValue): Value {
  if (typeof value === "string") return boundText(value, lateValue);
  if (Array.isArray(value)) return value.map((each) => bound(each, lateValue));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, bound(each, lateValue)]));
}

function boundText(text: string, lateValue: LateValue): pulumi.Input<string> {
  const marks = latesIn(text);
  if (marks.length === 0) return text;
  const name = ({ kind, of }: Late) => `${kind}:${of}`;
  return pulumi
    .all(Object.fromEntries(marks.map((mark) => [name(mark), lateValue(mark)])))
    .apply((values) => fill(text, (mark) => values[name(mark)] ?? ""));
}
