// Pulumi's language protocol for a program in this process. The SDK's own server for that, the Automation API's, tells the engine that the
// program is done before it says that a resource failed: with --continue-on-error the engine then deletes what the program could not register,
// all that depends on the failed one. Here a program that failed is not done, as where Pulumi's own runner ends with an exit code.
import { AsyncLocalStorage } from "node:async_hooks";
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { RunError } from "@pulumi/pulumi/errors.js";
import * as log from "@pulumi/pulumi/log/index.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import * as config from "@pulumi/pulumi/runtime/config.js";
import * as settings from "@pulumi/pulumi/runtime/settings.js";
import * as stack from "@pulumi/pulumi/runtime/stack.js";
import * as state from "@pulumi/pulumi/runtime/state.js";
import { OpenCalls } from "./open-calls.ts";

/** Not among the documented types: how the SDK's own server makes a run's own store, and waits for what is under way. */
const { withLocalStorage } = state as unknown as { withLocalStorage<T>(work: () => Promise<T>): Promise<T> };
const { waitForRPCs } = settings as unknown as { waitForRPCs(): Promise<void> };

export type Program = () => Promise<Record<string, unknown>>;
type Respond = (error: Error | null, response?: unknown) => void;
type RunCall = { readonly request: InstanceType<typeof language.RunRequest> };

export const languageRuntime = (program: Program): UntypedServiceImplementation => ({
  getRequiredPlugins: (_call: unknown, respond: Respond) => respond(null, new language.GetRequiredPluginsResponse()),
  getPluginInfo: (_call: unknown, respond: Respond) => respond(null, new plugin.PluginInfo().setVersion("1.0.0")),
  run: ({ request }: RunCall, respond: Respond) =>
    void withLocalStorage(async () => await run(request, program)).then(
      (failed) => respond(null, new language.RunResponse().setBail(failed)),
      (error: Error) => respond(error),
    ),
});

/** @returns whether the program failed; why was told already */
async function run(request: RunCall["request"], program: Program): Promise<boolean> {
  prepare(request);
  const failures = new Failures();
  const calls = new OpenCalls([settings.getMonitor(), settings.getEngine()]);
  process.on("uncaughtException", failures.hear).on("unhandledRejection", failures.hear);
  try {
    const ended = await calls.race(
      toItsEnd(program, failures).then(() => true),
      () => failures.count > 0,
    );
    const failed = failures.count > 0 || log.hasErrors();
    if (ended) await settings.disconnect(!failed);
    else settings.disconnectSync();
    return failed;
  } finally {
    process.off("uncaughtException", failures.hear).off("unhandledRejection", failures.hear);
  }
}

async function toItsEnd(program: Program, failures: Failures): Promise<void> {
  await stack.runInPulumiStack(program).catch(failures.hear);
  // What was rejected while the last answers came in is heard of in the next turn.
  for (let known = -1; known !== failures.count; ) {
    known = failures.count;
    await waitForRPCs();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function prepare(request: RunCall["request"]): void {
  const [engine = ""] = request.getArgsList();
  settings.resetOptions(
    request.getProject(),
    request.getStack(),
    request.getParallel(),
    engine,
    request.getMonitorAddress(),
    request.getDryrun(),
    request.getOrganization(),
  );
  config.setAllConfig(Object.fromEntries(request.getConfigMap().entries()), request.getConfigsecretkeysList());
}

/** Of each promise that failed because one resource did, the runtime tells once more: one sentence an error. */
class Failures {
  readonly #told = new Set<unknown>();
  /** Whoever hears of it may be outside of the run. */
  readonly #within = AsyncLocalStorage.snapshot();

  get count(): number {
    return this.#told.size;
  }

  readonly hear = (error: unknown): void => {
    if (this.#told.has(error)) return;
    this.#told.add(error);
    const text = RunError.isInstance(error) ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#within(() => void log.error(text));
  };
}
