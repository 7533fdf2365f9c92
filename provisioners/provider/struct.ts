// Plain objects to Protobuf's Struct and back.
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Properties } from "./wire.ts";

/** Struct refuses `undefined`, so what is undefined is left out. */
export function toStruct(properties: object): struct.Struct {
  return struct.Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)));
}

export const fromStruct = (value: struct.Struct | undefined): Properties => (value?.toJavaScript() ?? {}) as Properties;
