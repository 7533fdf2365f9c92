// The environment of an application, for `EnvironmentFile=` and for people who source it.
import { z } from "zod";
import { EnvName } from "../../spec/scalars.ts";
import { conf, ownedBy } from "../conf.ts";
import { quoteEnv } from "./quote.ts";

export const AppEnvironment = z.record(EnvName, z.union([z.string().regex(/^[^\u0000]*$/, "expected text without NUL"), z.number()]));
export type AppEnvironment = z.infer<typeof AppEnvironment>;

/** `KEY="value"` lines in the order given. Holds secrets: mode 0640 or less. */
export const envFile = (environment: AppEnvironment): string => conf`
  # ${ownedBy("app", "templates/app/env-file.ts")}
  ${Object.entries(environment).map(([key, value]) => `${key}=${quoteEnv(String(value))}`)}
`;
