// Property values to bytes and back, held against the SDK's own classes: what the engine sends and takes.
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import fc from "fast-check";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { describe, expect, test } from "vitest";
import { fromStruct, toStruct } from "../../provisioners/provider/struct.ts";
import { fromStructBytes, toStructBytes } from "../../provisioners/provider/struct-bytes.ts";
import { answerBytes, received } from "../../provisioners/provider/struct-messages.ts";

/** What JSON has, with letters of one to four bytes, texts beyond a length of one byte, and beyond the first buffer. */
const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme", minLength: 120, maxLength: 200 }));
/** The SDK loses `__proto__`; a test of its own has it. */
const name = text.filter((each) => each !== "__proto__");
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, 1.5, -3, 2 ** 53),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((each) => !Object.is(each, -0)),
    text,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(name, tie("value"), { maxKeys: 5, noNullPrototype: true }),
  ),
}));
const properties = fc.dictionary(name, value, { maxKeys: 8, noNullPrototype: true });

describe("property values as bytes", () => {
  test("reads what the SDK wrote", () => {
    fc.assert(
      fc.property(properties, (each) => {
        expect(fromStructBytes(Buffer.from(toStruct(each).serializeBinary()))).toEqual(each);
      }),
    );
  });

  test("writes what the SDK reads", () => {
    fc.assert(
      fc.property(properties, (each) => {
        expect(fromStruct(struct.Struct.deserializeBinary(toStructBytes(each)))).toEqual(each);
      }),
    );
  });

  test("reads in the order that the SDK reads in, however the engine wrote it", () => {
    fc.assert(
      fc.property(properties, (each) => {
        const bytes = toStructBytes(each);
        expect(JSON.stringify(fromStructBytes(bytes))).toBe(JSON.stringify(fromStruct(struct.Struct.deserializeBinary(bytes))));
      }),
    );
    expect(Object.keys(fromStructBytes(toStructBytes({ b: 1, a: { d: 1, c: 1 } })))).toEqual(["a", "b"]);
  });

  test("leaves out what is undefined, as JSON does, and has null for what JSON has no number for", () => {
    const wire = { a: undefined, list: [undefined, 1], inf: Number.POSITIVE_INFINITY, big: "x".repeat(100_000) };
    expect(fromStructBytes(toStructBytes(wire))).toEqual({ list: [null, 1], inf: null, big: wire.big });
    expect(fromStructBytes(toStructBytes(wire))).toEqual(fromStruct(toStruct(wire)));
  });

  test("has no name that is more than a name", () => {
    const wire = JSON.parse('{"__proto__":{"a":1},"constructor":"b"}');
    const read = fromStructBytes(toStructBytes(wire));
    expect(JSON.stringify(read)).toBe('{"__proto__":{"a":1},"constructor":"b"}');
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  test("refuses a message that is cut off, and what JSON does not have", () => {
    const whole = toStructBytes({ a: "text" });
    expect(() => fromStructBytes(whole.subarray(0, whole.length - 1))).toThrow(RangeError);
    expect(() => toStructBytes({ a: 1n })).toThrow("expected a value that JSON has, got a bigint");
  });
});

describe("messages with property values", () => {
  const request = new pb.UpdateRequest().setId("a/b").setUrn("urn:x").setTimeout(3).setPreview(true);

  test("reads the values apart, and the rest by the SDK", () => {
    const bytes = Buffer.from(
      request
        .setNews(toStruct({ now: [1] }))
        .setOldInputs(toStruct({ was: "é" }))
        .serializeBinary(),
    );
    const read = received(bytes, pb.UpdateRequest, { olds: 3, news: 4, oldInputs: 8 });
    expect(["olds", "news", "oldInputs"].map((name) => read.properties(name))).toEqual([{}, { now: [1] }, { was: "é" }]);
    const { message } = read;
    expect([message.getId(), message.getUrn(), message.getTimeout(), message.getPreview()]).toEqual(["a/b", "urn:x", 3, true]);
    expect(message.hasNews()).toBe(false);
  });

  test("answers with values that the SDK reads, and hands on as it came what it does not change", () => {
    const message = new pb.ReadResponse().setId("a").setRefreshBeforeUpdate(true);
    const bytes = answerBytes({ message, structs: { 2: { out: true }, 3: toStructBytes({ in: "put" }) } });
    const answer = pb.ReadResponse.deserializeBinary(bytes);
    expect([answer.getId(), answer.getRefreshBeforeUpdate()]).toEqual(["a", true]);
    expect([fromStruct(answer.getProperties()), fromStruct(answer.getInputs())]).toEqual([{ out: true }, { in: "put" }]);
  });
});
