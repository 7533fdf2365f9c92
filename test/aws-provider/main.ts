// A test double of Pulumi's AWS provider: the types that the fleet's components use, over the API of an emulator. It knows as much of
// each type as the components say; users have the real one.
import { serve } from "../../provisioners/provider/protocol.ts";
import { settings } from "./clients.ts";
import { lookups } from "./lookups.ts";

await serve(
  {
    name: "aws",
    version: "7.48.0",
    resources: () => import("./types.ts").then(({ resources }) => resources),
    lookups,
    configure: ({ region, assumeRoles, allowedAccountIds }) => {
      if (typeof region === "string") settings.region = region;
      // The engine hands on what is no string as JSON.
      const listed = (value: unknown) => (typeof value === "string" ? JSON.parse(value) : (value ?? []));
      [settings.role] = listed(assumeRoles);
      settings.allowed = listed(allowedAccountIds);
    },
  },
  process.argv.slice(2).find((argument) => /^[0-9.]+:\d+$/.test(argument)),
);
