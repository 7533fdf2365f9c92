// The provider process: serves the table of resources over Pulumi's protocol.
import { resourcesWith, version } from "./beside.ts";
import { serve } from "./protocol.ts";

/** Milliseconds between two looks whether the engine is still there. */
const heartbeat = 500;

// An engine that is killed says no goodbye. Going on without it would change servers that the next run already works on; our
// connections end with us, and what runs on a server stops at its next step.
const engine = process.ppid;
setInterval(() => {
  if (process.ppid !== engine) process.exit(1);
}, heartbeat).unref();

const resources = resourcesWith(async () => new (await import("./context.ts")).Context());

const engineAddress = process.argv.slice(2).find((argument) => /^[0-9.]+:\d+$/.test(argument));
await serve({ version, resources }, engineAddress);
