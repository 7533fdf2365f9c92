// The provider inside the process that starts the engine: the engine attaches to it instead of starting one.
import { listen, ProviderServer } from "./protocol.ts";

export const version = "0.1.0";

export async function besideEngine(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const { Context } = await import("./context.ts");
  const context = new Context();
  const resources = async () => (await import("./resources.ts")).resourcesOf(context);
  const provider = new ProviderServer({ version, resources });
  const server = await listen(provider);
  return {
    port: server.port,
    // Connections last: with them go the locks, and what a server still does stops at its next step.
    close: async () => {
      provider.end();
      server.close();
      await context.close();
    },
  };
}
