// Commands of a stack's own, run once when its servers are right: an announcement, a first request, a ticket to close at the end.
import { z } from "zod";
import { EnvName, ServerRef } from "./scalars.ts";

const Text = z.string().min(1).max(16_384);

export const Hook = z
  .strictObject({
    on: ServerRef.optional().describe("server that it runs on, as the fleet's admin; default this computer, in the checkout"),
    run: Text.describe("shell text, run under `sh -eu` when the servers are right, and again when it changes"),
    undo: Text.optional().describe(
      "shell text for when the hook, or the stack, goes away; not run on a server that goes too. Default nothing",
    ),
    environment: z
      .record(EnvName, z.string())
      .default({})
      .describe("variables for both, beside FLEET_STACK, FLEET_TEAM and FLEET_SERVERS; values may be Pulumi secrets"),
  })
  .describe("a command of the stack's own");
export type Hook = z.infer<typeof Hook>;
