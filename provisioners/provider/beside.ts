// The provider inside the process that starts the engine: the engine attaches to it instead of starting one.
import type { Context } from "./context.ts";
import { listen, ProviderServer } from "./protocol.ts";

export const version = "0.1.0";

/** The engine waits for the port, not for the resources: they load while it goes on. */
export const resourcesWith = (context: () => Promise<Context>) => async () => {
  const [{ resourcesOf }, shared] = await Promise.all([import("./resources.ts"), context()]);
  return resourcesOf(shared);
};

export async function besideEngine(): Promise<{ readonly port: number; readAhead: ProviderServer["readAhead"]; close(): Promise<void> }> {
  const { Context } = await import("./context.ts");
  const context = new Context();
  const provider = new ProviderServer({ version, resources: resourcesWith(async () => context) });
  const server = await listen(provider);
  return {
    port: server.port,
    readAhead: (all) => provider.readAhead(all),
    // Connections last: with them go the locks, and what a server still does stops at its next step.
    close: async () => {
      provider.end();
      server.close();
      await context.close();
    },
  };
}
