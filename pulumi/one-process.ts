// One process for command, program and provider: the engine that we start attaches to ours instead of starting two more
// (docs/adr/0040-one-process.md). A `pulumi` typed by hand starts its own.
import { createRequire } from "node:module";
import type { ServiceDefinition } from "@grpc/grpc-js";
import type { Kept } from "../provisioners/provider/read-ahead.ts";
import type { Program } from "./language-runtime.ts";

export interface OneProcess {
  /** For the engine: where the program runs. */
  readonly args: readonly string[];
  /** For the engine: where the provider is. */
  readonly env: Readonly<Record<string, string>>;
  /** Looks at what the state has of servers, while the engine starts. */
  readAhead(kept: readonly Kept[]): Promise<void>;
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);

/** @param program what the engine runs; a `destroy` runs nothing */
export async function oneProcess(program: Program | undefined): Promise<OneProcess> {
  require("../components/lean.cjs");
  const { besideEngine } = await import("../provisioners/provider/beside.ts");
  const provider = await besideEngine();
  const language = program ? await languageServer(program) : undefined;
  return {
    args: language ? [`--client=127.0.0.1:${language.port}`] : [],
    env: { PULUMI_DEBUG_PROVIDERS: `fleet:${provider.port}` },
    readAhead: (kept) => provider.readAhead(kept),
    close: async () => {
      language?.close();
      await provider.close();
    },
  };
}

async function languageServer(program: Program): Promise<{ readonly port: number; close(): void }> {
  const [{ Server }, { bound, messageSizes }, { languageRuntime }] = await Promise.all([
    import("@grpc/grpc-js"),
    import("../provisioners/provider/protocol.ts"),
    import("./language-runtime.ts"),
  ]);
  const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb.js") as { LanguageRuntimeService: ServiceDefinition };
  const server = new Server(messageSizes);
  server.addService(LanguageRuntimeService, languageRuntime(program));
  return { port: await bound(server), close: () => server.forceShutdown() };
}
