// Pulumi's provider protocol, the whole of it that we need, as plain typed calls. The ready-made server of the SDK drops detailed diffs,
// preview calls, timeouts, partial failures' inputs, streamed logs and refresh-before-update: this thin layer keeps them.
import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import status from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { isUserFacing } from "../../spec/problem.ts";
import { speller } from "../engine/spelling.ts";
import { redactor } from "../ssh/redact.ts";
import { type Kept, ReadAhead } from "./read-ahead.ts";
import { type Call, type DiffKind, PartlyDone, type Resource, type Resources, type Severity } from "./resource.ts";
import { fromStruct, toStruct } from "./struct.ts";
import { type Answered, type Received, service } from "./struct-messages.ts";
import { type Json, markSecrets, type Opened, open, type Properties } from "./wire.ts";

export interface ProviderOptions {
  readonly version: string;
  /** Called once, after the engine was told where we are. */
  readonly resources: () => Promise<Resources>;
  /** The package that it speaks for. @default fleet */
  readonly name?: string;
  /** Answers to look-ups, by token. @default none */
  readonly lookups?: Readonly<Record<string, (args: Properties) => Promise<object>>>;
  /** Takes the provider's own settings. @default they are ignored */
  readonly configure?: (settings: Properties) => void;
}

// biome-ignore lint/suspicious/noExplicitAny: the generated types of the requests differ, what we take of them does not
type Request = any;
// biome-ignore lint/suspicious/noExplicitAny: likewise the responses
type Respond = (error: any, response?: any) => void;

const diffKinds: Readonly<Record<DiffKind, number>> = {
  add: 0,
  "add-replace": 1,
  delete: 2,
  "delete-replace": 3,
  update: 4,
  "update-replace": 5,
};
const severities: Readonly<Record<Severity, number>> = { debug: 0, info: 1, warning: 2, error: 3 };

/** One provider process: serves until the engine closes it. */
export class ProviderServer {
  readonly #options: ProviderOptions;
  readonly #abort = new AbortController();
  readonly #ahead = new ReadAhead();
  #engine: engineGrpc.EngineClient | undefined;
  #resources: Promise<Resources> | undefined;

  constructor(options: ProviderOptions, engineAddress?: string) {
    this.#options = options;
    if (engineAddress) this.#attach(engineAddress);
  }

  #attach(address: string): unknown {
    this.#engine = new engineGrpc.EngineClient(address, grpc.credentials.createInsecure());
    return new empty.Empty();
  }

  /** Ctrl-C: what runs stops at its next safe point. The engine waits for that. */
  #cancel(): unknown {
    this.#abort.abort();
    return new empty.Empty();
  }

  /** Nobody asks any more. */
  end(): void {
    this.#abort.abort();
    this.#engine?.close();
  }

  /** Looks now at what an engine that is just starting reads first. */
  async readAhead(all: readonly Kept[]): Promise<void> {
    for (const { inputs, outputs, ...kept } of all) {
      const resource = await this.#resource(kept.urn);
      const [given, seen] = [open(inputs), open(outputs)];
      const call = this.#call({ getUrn: () => kept.urn }, given, seen);
      if (resource.refreshBeforeUpdate) this.#ahead.begin(resource, kept, { inputs: given.value, outputs: seen.value }, call);
    }
  }

  /** The table of the service: one line a call. */
  get service(): grpc.UntypedServiceImplementation {
    const unary = (work: (request: Request) => Promise<unknown> | unknown) => (call: { request: Request }, respond: Respond) =>
      void this.#answer(work, call.request, respond);
    return {
      handshake: unary((request) => this.#handshake(request)),
      attach: unary((request) => this.#attach(request.getAddress())),
      getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(this.#options.version)),
      getSchema: unary(() => new pb.GetSchemaResponse().setSchema(this.#schema())),
      checkConfig: unary((request) => ({ message: new pb.CheckResponse(), structs: { 1: request.bytes("news") } })),
      diffConfig: unary(() => new pb.DiffResponse().setChanges(pb.DiffResponse.DiffChanges.DIFF_NONE)),
      configure: unary((request) => this.#configure(request)),
      invoke: unary((request) => this.#invoke(request)),
      check: unary((request) => this.#check(request)),
      diff: unary((request) => this.#diff(request)),
      create: unary((request) => this.#create(request)),
      read: unary((request) => this.#read(request)),
      update: unary((request) => this.#update(request)),
      delete: unary((request) => this.#delete(request)),
      cancel: unary(() => this.#cancel()),
    };
  }

  #schema(): string {
    const { name = "fleet", version } = this.#options;
    return JSON.stringify({ name, version });
  }

  #configure(request: Request): unknown {
    this.#options.configure?.(open(fromStruct(request.getArgs())).value);
    return new pb.ConfigureResponse().setAcceptsecrets(true).setAcceptresources(true).setAcceptoutputs(false).setSupportspreview(true);
  }

  async #invoke(request: Request): Promise<unknown> {
    const token: string = request.getTok();
    const lookup = this.#options.lookups?.[token];
    if (!lookup) throw new Error(`unknown look-up \`${token}\``);
    return new pb.InvokeResponse().setReturn(toStruct(await lookup(open(fromStruct(request.getArgs())).value)));
  }

  async #answer(work: (request: Request) => Promise<unknown> | unknown, request: Request, respond: Respond): Promise<void> {
    try {
      respond(null, await work(request));
    } catch (error) {
      // What ends because somebody asked it to has no fault of its own, and no stack that anybody could use.
      const ended = this.#abort.signal.aborted && !(error instanceof Error && isUserFacing(error));
      respond(ended ? { code: grpc.status.CANCELLED, message: "cancelled; the next run goes on from here" } : rpcError(error));
    }
  }

  #handshake(request: Request): unknown {
    this.#resources ??= this.#options.resources();
    if (request.getEngineAddress()) this.#attach(request.getEngineAddress());
    return new pb.ProviderHandshakeResponse().setAcceptSecrets(true).setAcceptResources(true).setAcceptOutputs(false);
  }

  async #resource(urn: string): Promise<Resource<Properties, Properties>> {
    const token = (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
    this.#resources ??= this.#options.resources();
    const resources = await this.#resources;
    const resource = resources[token];
    if (!resource) throw new Error(`unknown resource type \`${token}\`; this provider has ${Object.keys(resources).join(", ")}`);
    return resource;
  }

  #call(request: Request, ...opened: readonly Opened[]): Call {
    const urn: string = request.getUrn();
    // Most calls have nothing to say, and what is to be masked costs more to find than to open.
    const redact = once(() => redactor(opened.flatMap(({ secrets }) => secrets)));
    const spell = once(() => speller(opened.flatMap(({ openWords }) => openWords)));
    const seconds: number = request.getTimeout?.() ?? 0;
    return {
      urn,
      name: urn.split("::")[3] ?? "",
      signal: this.#abort.signal,
      ...(seconds > 0 && { timeout: seconds * 1000 }),
      redact: (text) => redact()(text),
      log: (severity, message, ephemeral = false) => {
        const entry = new engine.LogRequest()
          .setUrn(urn)
          .setMessage(spell()(redact()(message)))
          .setEphemeral(ephemeral);
        entry.setSeverity(severities[severity] as engine.LogSeverity);
        this.#engine?.log(entry, () => undefined);
      },
    };
  }

  async #check(request: Received<pb.CheckRequest>): Promise<Answered> {
    const { value } = open(request.properties("news"));
    const failures = (await this.#resource(request.message.getUrn())).check?.(value) ?? [];
    const told = failures.map(({ property, reason }) => new pb.CheckFailure().setProperty(property).setReason(reason));
    return { message: new pb.CheckResponse().setFailuresList(told), structs: { 1: request.bytes("news") } };
  }

  async #diff(request: Received<pb.DiffRequest>): Promise<Answered> {
    const [inputs, outputs, news] = ["oldInputs", "olds", "news"].map((name) => open(request.properties(name)).value);
    const resource = await this.#resource(request.message.getUrn());
    const detailed = Object.entries(resource.diff({ inputs: inputs!, outputs: outputs! }, news!));
    const response = new pb.DiffResponse().setHasdetaileddiff(true);
    response.setChanges(detailed.length > 0 ? pb.DiffResponse.DiffChanges.DIFF_SOME : pb.DiffResponse.DiffChanges.DIFF_NONE);
    for (const [path, kind] of detailed) {
      const property = new pb.PropertyDiff().setInputdiff(true);
      response.getDetaileddiffMap().set(path, property.setKind(diffKinds[kind] as never));
      if (kind.endsWith("-replace")) response.addReplaces(path.split(/[.[]/)[0] ?? path);
    }
    response.setDiffsList([...new Set(detailed.map(([path]) => path.split(/[.[]/)[0] ?? path))]);
    return { message: response };
  }

  async #create(request: Received<pb.CreateRequest>): Promise<Answered> {
    const { message } = request;
    const news = open(request.properties("properties"));
    const resource = await this.#resource(message.getUrn());
    const work = () => resource.create(news.value, this.#call(message, news), message.getPreview());
    const { id, outputs } = await withWire(resource, news, work);
    const response = new pb.CreateResponse().setId(id).setRefreshBeforeUpdate(resource.refreshBeforeUpdate ?? false);
    return { message: response, structs: { 2: wireOf(resource, outputs, news) } };
  }

  async #read(request: Received<pb.ReadRequest>): Promise<Answered> {
    const { message } = request;
    const [inputs, outputs] = [open(request.properties("inputs")), open(request.properties("properties"))];
    const resource = await this.#resource(message.getUrn());
    const call = this.#call(message, inputs, outputs);
    const [id, old] = [message.getId(), { inputs: inputs.value, outputs: outputs.value }];
    const found = await (this.#ahead.take(message.getUrn(), id, old, call) ?? resource.read(id, old, call));
    if (!found) return { message: new pb.ReadResponse().setId("") };
    const response = new pb.ReadResponse().setId(message.getId()).setRefreshBeforeUpdate(resource.refreshBeforeUpdate ?? false);
    return {
      message: response,
      structs: { 2: wireOf(resource, found.outputs, outputs), 3: wireOf(resource, found.inputs, inputs) },
    };
  }

  async #update(request: Received<pb.UpdateRequest>): Promise<Answered> {
    const { message } = request;
    const [inputs, outputs, news] = ["oldInputs", "olds", "news"].map((name) => open(request.properties(name)));
    const resource = await this.#resource(message.getUrn());
    const call = this.#call(message, inputs!, outputs!, news!);
    const olds = { inputs: inputs!.value, outputs: outputs!.value };
    const result = await withWire(resource, news!, () => resource.update(message.getId(), olds, news!.value, call, message.getPreview()));
    const response = new pb.UpdateResponse().setRefreshBeforeUpdate(resource.refreshBeforeUpdate ?? false);
    return { message: response, structs: { 1: wireOf(resource, result, news!) } };
  }

  async #delete(request: Received<pb.DeleteRequest>): Promise<Answered> {
    const { message } = request;
    const [inputs, outputs] = [open(request.properties("oldInputs")), open(request.properties("properties"))];
    const call = this.#call(message, inputs, outputs);
    await (await this.#resource(message.getUrn())).delete(message.getId(), { inputs: inputs.value, outputs: outputs.value }, call);
    return { message: new empty.Empty() };
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const wireOf = (resource: Resource, outputs: Properties, { wire, secrets }: Opened): object =>
  markSecrets((resource.hide?.(outputs) ?? outputs) as Json, wire as Json, secrets) as object;

/** The error of a half-done resource carries its inputs as they came, secrets unopened, so that the state has them. */
async function withWire<T>(resource: Resource, news: Opened, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PartlyDone)
      error.struct = {
        inputs: toStruct(news.wire),
        outputs: toStruct(wireOf(resource, error.outputs as Properties, news)),
        spell: speller(news.openWords),
      };
    throw error;
  }
}

function rpcError(error: unknown): Partial<grpc.ServiceError> {
  const spell = (error instanceof PartlyDone && error.struct?.spell) || ((text: string) => text);
  const said = error instanceof Error ? (isUserFacing(error) ? error.message : (error.stack ?? error.message)) : String(error);
  const message = spell(said);
  const metadata = new grpc.Metadata();
  if (error instanceof PartlyDone) {
    const detail = new pb.ErrorResourceInitFailed().setId(error.id).setReasonsList(error.reasons.map(spell)).setRefreshBeforeUpdate(true);
    detail.setProperties(error.struct?.outputs).setInputs(error.struct?.inputs);
    const packed = new any.Any();
    packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const details = new status.Status().setCode(grpc.status.UNKNOWN).setMessage(message);
    details.addDetails(packed);
    metadata.add("grpc-status-details-bin", Buffer.from(details.serializeBinary()));
  }
  return { code: grpc.status.UNKNOWN, message, metadata };
}

/** Serves on a free port of loopback. */
export async function listen(provider: ProviderServer): Promise<{ readonly port: number; close(): void }> {
  const server = new grpc.Server(messageSizes);
  server.addService(service, provider.service);
  return { port: await bound(server), close: () => server.forceShutdown() };
}

/** Bytes: a whole overlay of a server goes through as one message. */
export const messageSizes = { "grpc.max_receive_message_length": 400 << 20, "grpc.max_send_message_length": 400 << 20 };

export const bound = (server: grpc.Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
  });

/** A process of its own: prints its port, which is how the engine finds it. */
export async function serve(options: ProviderOptions, engineAddress: string | undefined): Promise<void> {
  const { port } = await listen(new ProviderServer(options, engineAddress));
  // The engine holds our standard input as long as it lives. Without it nobody could stop us, and we would hold servers' locks for ever.
  if (engineAddress) process.stdin.on("end", () => process.exit(1)).resume();
  console.log(String(port));
}
