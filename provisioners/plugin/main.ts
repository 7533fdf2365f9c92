// The provider process: serves the table of resources over Pulumi's protocol.
import { serve } from "./protocol.ts";

const engineAddress = process.argv.slice(2).find((argument) => /^[0-9.]+:\d+$/.test(argument));
// The engine waits for the port, not for the resources: they load while it goes on.
await serve({ version: "0.1.0", resources: () => import("./resources.ts").then(({ resources }) => resources) }, engineAddress);
