// The program in this process against an engine that answers at once: one that fails ends, whatever still waits for what will never be.
import { createRequire } from "node:module";
import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import * as pulumi from "@pulumi/pulumi";
import language from "@pulumi/pulumi/proto/language_pb.js";
import resource from "@pulumi/pulumi/proto/resource_pb.js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { languageRuntime, type Program } from "../../pulumi/language-runtime.ts";

const require = createRequire(import.meta.url);
const { ResourceMonitorService } = require("@pulumi/pulumi/proto/resource_grpc_pb.js");
const { EngineService } = require("@pulumi/pulumi/proto/engine_grpc_pb.js");
const { LogSeverity } = require("@pulumi/pulumi/proto/engine_pb.js");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb.js");

const server = new Server();
let address = "";
let registered: string[] = [];
let logged: string[] = [];

type Respond = (error: null, answer: unknown) => void;

type Service = Readonly<Record<string, { readonly responseType: new () => unknown }>>;

/** What is not named gets an empty answer. */
const answers = (service: Service, named: UntypedServiceImplementation): UntypedServiceImplementation => ({
  ...Object.fromEntries(
    Object.entries(service).map(([name, { responseType: Answer }]) => [
      name,
      (_: unknown, respond: Respond) => respond(null, new Answer()),
    ]),
  ),
  ...named,
});

beforeAll(async () => {
  server.addService(
    ResourceMonitorService,
    answers(ResourceMonitorService, {
      registerResource({ request }: { request: InstanceType<typeof resource.RegisterResourceRequest> }, respond: Respond) {
        registered.push(request.getName());
        respond(null, new resource.RegisterResourceResponse().setUrn(`urn:${request.getName()}`).setId(request.getName()));
      },
    }),
  );
  server.addService(
    EngineService,
    answers(EngineService, {
      log({ request }: { request: { getMessage(): string; getSeverity(): number } }, respond: Respond) {
        if (request.getSeverity() === LogSeverity.ERROR) logged.push(request.getMessage());
        respond(null, new Empty());
      },
    }),
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  address = `127.0.0.1:${port}`;
});
afterAll(() => server.forceShutdown());
beforeEach(() => {
  [registered, logged] = [[], []];
});

/** @returns whether the engine is told that the program failed */
async function failed(program: Program): Promise<boolean> {
  const request = new language.RunRequest();
  request.setProject("contest-fleet");
  request.setStack("x");
  request.setMonitorAddress(address);
  request.setArgsList([address]);
  const run = languageRuntime(program).run as unknown as (call: object, respond: (error: Error | null, answer?: unknown) => void) => void;
  const answer = await new Promise<InstanceType<typeof language.RunResponse>>((resolve, reject) =>
    run({ request }, (error, response) => (error ? reject(error) : resolve(response as never))),
  );
  return answer.getBail();
}

class Thing extends pulumi.CustomResource {
  declare readonly size: pulumi.Output<number>;
  constructor(name: string, args: Record<string, unknown>) {
    super("test:index:Thing", name, { size: undefined, ...args });
  }
}

describe("a program", () => {
  test("that registers all of its resources has not failed", async () => {
    const program: Program = async () => ({ size: new Thing("b", { of: new Thing("a", {}).id }).urn });
    expect([await failed(program), logged]).toEqual([false, []]);
    expect(registered).toEqual(["contest-fleet-x", "a", "b"]);
    expect(logged).toEqual([]);
  });

  test("of which an input fails ends with its sentence, and registers what does not wait for it", async () => {
    const program: Program = async () => {
      const lost = new Thing("lost", { image: pulumi.output(Promise.reject(new pulumi.RunError("no such image"))) });
      const after = new Thing("after", { of: lost.id });
      new Thing("beside", {});
      return { urn: after.urn };
    };
    expect(await failed(program)).toBe(true);
    expect(registered).toEqual(["contest-fleet-x", "beside"]);
    expect(logged).toEqual(['error serializing property "of": error serializing property "image": no such image']);
  });

  test("that waits for what will never be ends once nothing is under way", async () => {
    const program: Program = async () => {
      const lost = new Thing("lost", { image: pulumi.output(Promise.reject(new pulumi.RunError("no such image"))) });
      new Thing("beside", {});
      await new Promise((resolve) => lost.id.apply(resolve));
      return {};
    };
    expect(await failed(program)).toBe(true);
    expect(registered).toEqual(["contest-fleet-x", "beside"]);
    expect(logged).toEqual(['error serializing property "image": no such image']);
  });
});
