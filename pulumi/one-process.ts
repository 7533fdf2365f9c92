// One process for command, program and provider: the engine that we start attaches to ours instead of starting two more
// (docs/adr/0040-one-process.md). A `pulumi` typed by hand starts its own.
import { createRequire } from "node:module";
import type { ServiceDefinition } from "@grpc/grpc-js";

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
  const [{ Server }, { bound, messageSizes }, { languageRuntime }] = await Promise.all([
    import("@grpc/grpc-js"),
    import("../provisioners/provider/protocol.ts"),
    import("./language-runtime.ts"),
  ]);
  const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb.js") as { LanguageRuntimeService: ServiceDefinition };
  const server = new Server(messageSizes);
  server.addService(
    LanguageRuntimeService,
    languageRuntime(async () => await (await import("../index.ts")).default()),
  );
  return { port: await bound(server), close: () => server.forceShutdown() };
}
