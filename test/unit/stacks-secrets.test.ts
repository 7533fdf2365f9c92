import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePath, pathText, valueAt } from "../../spec/path.ts";
import { UserError } from "../../spec/problem.ts";
import { hideSecrets, lookupSecret, nextStep, secretAt, secretRef, secretRefsIn } from "../../spec/secrets.ts";

const step = fc.oneof(fc.nat(20), fc.string({ minLength: 1 }), fc.constantFrom("net.core.x", 'a"b', "a[0]", "⟦x⟧", "isu-1", "日本"));

describe("property paths", () => {
  test("read as Pulumi writes them", () => {
    expect(pathText(["servers", "isu1", "roles", 0])).toBe("servers.isu1.roles[0]");
    expect(pathText(["params", "base", "sysctl", "vm.swappiness"])).toBe('params.base.sysctl["vm.swappiness"]');
    expect(() => parsePath("a[")).toThrow(SyntaxError);
  });

  test("come back as they went", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), (path) => {
        expect(parsePath(pathText(path))).toEqual(path);
      }),
    );
  });

  test("never hold the placeholder's own brackets", () => {
    fc.assert(fc.property(fc.array(step), (path) => !/[⟦⟧]/.test(pathText(path))));
  });

  test("look at own keys alone", () => {
    expect(valueAt({ a: [{ b: 1 }] }, ["a", 0, "b"])).toBe(1);
    expect(valueAt({}, ["constructor", "name"])).toBeUndefined();
  });
});

describe("placeholders", () => {
  test("stand for `{secure: …}` alone, at its own path", () => {
    const hidden = hideSecrets({ password: { secure: "v1:a:b" }, list: [{ secure: "v1:c:d" }], other: { secure: "v1:a:b", more: 1 } });
    expect(hidden).toEqual({ password: "⟦secret:password⟧", list: ["⟦secret:list[0]⟧"], other: { secure: "v1:a:b", more: 1 } });
  });

  test("are found each once, and stand for what is at their path", () => {
    const text = `u:${secretRef("servers.isu1.password")}@h/${secretRef('params.app.env["A.B"]')}?${secretRef("servers.isu1.password")}`;
    const fleet = { servers: { isu1: { password: "$&⟦secret:x⟧" } }, params: { app: { env: { "A.B": "two" } } } };
    expect(secretRefsIn(text)).toEqual(["servers.isu1.password", 'params.app.env["A.B"]']);
    expect(secretRefsIn(text).map((path) => lookupSecret(fleet, path))).toEqual(["$&⟦secret:x⟧", "two"]);
    const references = Array.from(text.matchAll(/⟦secret:([^⟧]*)⟧/g), ([, reference = ""]) => secretAt(fleet, reference, "x"));
    expect(references).toEqual(["$&⟦secret:x⟧", "two", "$&⟦secret:x⟧"]);
  });

  test("survive JSON, whatever their path", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), (path) => {
        const reference = secretRef(pathText(path));
        expect(JSON.stringify(reference)).toBe(`"${reference}"`);
        expect(secretRefsIn(JSON.stringify([reference, { [reference]: 1 }]))).toEqual([pathText(path)]);
      }),
    );
  });

  test("without a value say what to type", () => {
    const call = () => secretAt({ servers: {} }, "servers.isu1.password", "team-a");
    expect(call).toThrow(UserError);
    expect(call).toThrow(
      "secret `servers.isu1.password`: expected a value, got nothing; next: pulumi config set --secret --path 'contest-fleet:fleet.servers.isu1.password' -s team-a",
    );
  });

  test("a next step survives the shell whatever the key is called", () => {
    expect(nextStep(pathText(["params", "app", "env", "it's"]), "team-a")).toBe(
      "next: pulumi config set --secret --path 'contest-fleet:fleet.params.app.env.it'\\''s' -s team-a",
    );
  });
});
