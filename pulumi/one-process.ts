// One process for command, program and provider: the engine that we start attaches to ours instead of starting two more
// (docs/adr/0040-one-process.md). A `pulumi` typed by hand starts its own.
import { createRequire } from "node:module";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";

/** What of Pulumi's SDK serves its language protocol. Not in its types: it is how the Automation API runs a program in place. */
interface Language {
  readonly LanguageServer: new (program: () => Promise<unknown>) => Record<"getRequiredPlugins" | "run" | "getPluginInfo", Handler>;
}
type Handler = (call: unknown, respond: unknown) => void;

export interface OneProcess {
  /** For the engine: where the program runs. */
  readonly args: readonly string[];
  /** For the engine: where the provider is. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);

/** @param program whether the engine runs it; a `destroy` does not */
export async function oneProcess(program: boolean): Promise<OneProcess> {
  require("../components/lean.cjs");
  const { besideEngine } = await import("../provisioners/provider/beside.ts");
  const provider = await besideEngine();
  const language = program ? await languageServer() : undefined;
  return {
    args: language ? [`--client=127.0.0.1:${language.port}`] : [],
    env: { PULUMI_DEBUG_PROVIDERS: `fleet:${provider.port}` },
    close: async () => {
      language?.close();
      await provider.close();
    },
  };
}

async function languageServer(): Promise<{ readonly port: number; close(): void }> {
  const [{ Server }, { bound, messageSizes }] = await Promise.all([
    import("@grpc/grpc-js"),
    import("../provisioners/provider/protocol.ts"),
  ]);
  const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb.js") as { LanguageRuntimeService: ServiceDefinition };
  const { LanguageServer } = require("@pulumi/pulumi/automation/server.js") as Language;
  const runs = new LanguageServer(async () => await (await import("../index.ts")).default());
  const service = Object.fromEntries(
    (["getRequiredPlugins", "run", "getPluginInfo"] as const).map((name) => [
      name,
      (call: unknown, respond: unknown) => runs[name](call, respond),
    ]),
  );
  const server = new Server(messageSizes);
  server.addService(LanguageRuntimeService, service as UntypedServiceImplementation);
  return { port: await bound(server), close: () => server.forceShutdown() };
}
