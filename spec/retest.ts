// What a rehearsed restart writes through the application, and reads back when all servers are up again.
import { z } from "zod";
import { Port, ServerRef } from "./scalars.ts";

const path = z
  .string()
  .max(2000)
  .regex(/^\/[^\s]*$/, { error: "expected a path that begins with /" });
const Line = z
  .string()
  .max(8000)
  .regex(/^[^\0\r\n]*$/, { error: "expected one line" });

export const MarkerSpec = z
  .strictObject({
    server: ServerRef.optional().describe("who is asked, by itself; default the first server with nginx, else the first"),
    port: Port.default(80).describe("default 80"),
    method: z.enum(["POST", "PUT", "PATCH"]).default("POST").describe("default POST"),
    post: path.describe("where the note is written; `{mark}` stands for a word that no other has"),
    body: z.string().max(16_384).default("{mark}").describe("what is written; default the mark alone"),
    headers: z
      .record(z.string().regex(/^[A-Za-z0-9-]+$/, { error: "expected the name of a header" }), Line)
      .default({})
      .describe("headers of all requests, such as `content-type: application/json` or a cookie"),
    id: z
      .string()
      .max(1000)
      .refine(
        (text) => {
          try {
            return new RegExp(`${text}|`).exec("")!.length > 1;
          } catch {
            return false;
          }
        },
        { error: 'expected a regular expression with a group, such as `"id": *([0-9]+)`' },
      )
      .optional()
      .describe("a regular expression with a group that finds, in the answer, what `{id}` stands for in the other paths"),
    read: path.describe("where it is read back; `{mark}` and `{id}` stand in it"),
    expect: z.string().min(1).max(8000).default("{mark}").describe("text that the answer then holds; default the mark"),
    remove: path.optional().describe("a DELETE there takes it away again; without it, it stays in the application"),
  })
  .describe("a note that is written through the application before the reboot, and must be there after it");
export type MarkerSpec = z.infer<typeof MarkerSpec>;

export const RetestSpec = z.strictObject({ marker: MarkerSpec.optional() });
export type RetestSpec = z.infer<typeof RetestSpec>;
