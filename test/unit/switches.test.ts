// Every preset and switch of every role is tried on a machine (test/integration/switches.test.ts): a new one that is not fails here.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { roles } from "../../provisioners/roles/roles.ts";
import { switchCase } from "../support/switch-cases.ts";
import { settingsOf, taken, variants } from "../support/switches.ts";

describe.each(roles.map(({ name, params }) => [name, params] as const))("%s", (name, params) => {
  const found = switchCase(name);
  const all = settingsOf(params);

  test("each setting of each switch is taken by one of the variants, and has shell text that finds it live", () => {
    const covered = new Set(found ? variants(params, found.params).flatMap((variant) => taken(params, variant)) : []);
    expect(
      all.filter((setting) => !covered.has(setting)),
      `test/cases/switches/${name}.json: params that reach these`,
    ).toEqual([]);
    expect(Object.keys(found?.live ?? {}).sort(), `test/cases/switches/${name}.json: live`).toEqual(all);
  });
});

test("switches are found in lists, maps, optional parts and unions, and turned against their neighbours", () => {
  const schema = z.strictObject({
    mode: z.enum(["a", "b", "c"]).default("a"),
    port: z.union([z.int(), z.literal(false)]).default(80),
    free: z.record(z.string(), z.union([z.string(), z.boolean()])).default({}),
    parts: z.array(z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("x"), on: z.boolean() })])).default([]),
    named: z.record(z.string(), z.strictObject({ deep: z.boolean().default(false) })).optional(),
  });
  expect(settingsOf(schema)).toEqual([
    ...["mode=a", "mode=b", "mode=c", "named.*.deep=false", "named.*.deep=true"],
    ...["parts[][kind=x].kind=x", "parts[][kind=x].on=false", "parts[][kind=x].on=true", "port=false"],
  ]);
  const made = variants(schema, {
    parts: [
      { kind: "x", on: true },
      { kind: "x", on: true },
    ],
    named: { one: {} },
    free: { k: true },
  });
  expect(made).toEqual([
    {
      mode: "a",
      port: false,
      free: { k: true },
      parts: [
        { kind: "x", on: true },
        { kind: "x", on: false },
      ],
      named: { one: { deep: true } },
    },
    {
      mode: "b",
      port: 80,
      free: { k: true },
      parts: [
        { kind: "x", on: false },
        { kind: "x", on: true },
      ],
      named: { one: { deep: false } },
    },
    {
      mode: "c",
      port: false,
      free: { k: true },
      parts: [
        { kind: "x", on: true },
        { kind: "x", on: false },
      ],
      named: { one: { deep: true } },
    },
  ]);
  expect(taken(schema, { named: {} })).toEqual(["mode=a"]);
});
