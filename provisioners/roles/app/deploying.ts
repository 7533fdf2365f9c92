// What `fleet deploy` does beside the checkout. No resource comes of it: an up runs none of it.
import { z } from "zod";
import { RelativePath } from "../../../spec/scalars.ts";

export const Deploying = z
  .strictObject({
    build: z
      .string()
      .optional()
      .describe(
        "shell text that builds a commit on the computer that deploys (`fleet deploy --from`), in a copy of it, once for each architecture of the servers (`$ARCH`, `$GOARCH`: `amd64`, `arm64`)",
      ),
    files: z
      .array(RelativePath)
      .default([])
      .describe(
        "what that makes, files or folders below the repository's; they go along with the commit, of which servers get what differs",
      ),
    before: z
      .string()
      .optional()
      .describe("shell text that is run once before any server has the commit, on the first of them, in a copy of it: a migration"),
    after: z
      .string()
      .optional()
      .describe("shell text that is run once when all have it, on the first of them; where it fails, all go back"),
  })
  .describe("what `fleet deploy` does beside, with the variables of `environmentFile`");
