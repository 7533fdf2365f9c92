// Differences as the engine wants to hear them, and secrets on their way through the provider.
import { describe, expect, test } from "vitest";
import { difference, same } from "../../provisioners/provider/difference.ts";
import { fromStruct, toStruct } from "../../provisioners/provider/struct.ts";
import { isUnknown, markSecrets, open, secret, unknown } from "../../provisioners/provider/wire.ts";

describe("difference", () => {
  test("goes down maps to the property, by Pulumi's path syntax", () => {
    const old = { "file[/etc/a]": { content: "a", mode: "0644" }, "file[/etc/b]": { content: "b" } };
    const now = { "file[/etc/a]": { content: "a2", mode: "0644" }, "file[/etc/c]": { content: "c" } };
    expect(difference("resources", old, now)).toEqual({
      'resources["file[/etc/a]"].content': "update",
      'resources["file[/etc/b]"]': "delete",
      'resources["file[/etc/c]"]': "add",
    });
  });

  test("is empty for equal values, whatever the order of keys", () => {
    expect(difference("x", { a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 })).toEqual({});
    expect(same({ a: undefined }, {})).toBe(true);
    expect(same([1, 2], [2, 1])).toBe(false);
  });
});

describe("the wire", () => {
  const wire = { late: { "secret:p": secret("hunter2-hunter2")! }, host: "isu1", list: [secret("x")!] };

  test("opens envelopes and knows what was in them", () => {
    const opened = open(wire);
    expect(opened.value).toEqual({ late: { "secret:p": "hunter2-hunter2" }, host: "isu1", list: ["x"] });
    expect(opened.secrets).toEqual(["hunter2-hunter2", "x"]);
    expect(opened.hasUnknown).toBe(false);
  });

  test("survives the trip through a Struct", () => {
    expect(fromStruct(toStruct({ ...wire, gone: undefined }))).toEqual(wire);
  });

  test("says what is not known yet", () => {
    expect(isUnknown({ a: [unknown] })).toBe(true);
    expect(isUnknown({ a: ["known"] })).toBe(false);
  });

  test("puts back into envelopes what came in one, and every text that holds a secret", () => {
    const marked = markSecrets({ late: { "secret:p": "new" }, host: "isu1", note: "password hunter2-hunter2" }, wire, ["hunter2-hunter2"]);
    expect(marked).toEqual({ late: { "secret:p": secret("new") }, host: "isu1", note: secret("password hunter2-hunter2") });
  });
});
