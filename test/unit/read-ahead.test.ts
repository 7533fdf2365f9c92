// A look while the engine starts: its answer counts once, for the very same question, and says then what it has to say.
import * as grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listen, ProviderServer } from "../../provisioners/provider/protocol.ts";
import { ReadAhead } from "../../provisioners/provider/read-ahead.ts";
import type { Call, Resource } from "../../provisioners/provider/resource.ts";
import { fromStruct, toStruct } from "../../provisioners/provider/struct.ts";
import { type Properties, secret } from "../../provisioners/provider/wire.ts";
import { opened } from "../../pulumi/checkpoint.ts";
import { encrypted, freshSalt } from "../../pulumi/passphrase.ts";

const urn = (type: string) => `urn:pulumi:test::contest-fleet::fleet:index:TeamFleet$${type}::it`;
const reads: string[] = [];
const of = (refreshBeforeUpdate: boolean): Resource<Properties, Properties> => ({
  refreshBeforeUpdate,
  diff: () => ({}),
  create: async (inputs) => ({ id: "it", outputs: inputs }),
  async read(id, old, call) {
    reads.push(`${id} ${String(old.outputs.size)}`);
    if (old.outputs.size === "off") throw new Error("no route");
    call.log("warning", `its password is ${String(old.inputs.password)}`);
    return { inputs: old.inputs, outputs: { ...old.outputs, seen: reads.length } };
  },
  update: async (_id, _olds, news) => news,
  delete: async () => {},
});

let provider: ProviderServer;
let server: Awaited<ReturnType<typeof listen>>;
// biome-ignore lint/suspicious/noExplicitAny: the generated client has a method a call, all of one shape
let client: any;
beforeEach(async () => {
  reads.length = 0;
  provider = new ProviderServer({ version: "1", resources: async () => ({ "test:index:Read": of(true), "test:index:Kept": of(false) }) });
  server = await listen(provider);
  client = new providerGrpc.ResourceProviderClient(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
});
afterEach(() => {
  client.close();
  provider.end();
  server.close();
});

const inputs = { size: "small", password: secret("hunter2-hunter2")! };
const kept = (size: string, type = "test:index:Read") => ({ urn: urn(type), id: "it", inputs, outputs: { ...inputs, size } });
/** As the engine asks. */
const read = ({ urn: of, id, inputs: given, outputs }: ReturnType<typeof kept>) =>
  new Promise<Record<string, unknown>>((resolve, reject) => {
    const request = new pb.ReadRequest().setUrn(of).setId(id).setInputs(toStruct(given)).setProperties(toStruct(outputs));
    client.read(request, (error: Error | null, response: pb.ReadResponse) =>
      error ? reject(error) : resolve(fromStruct(response.getProperties()!) as Record<string, unknown>),
    );
  });

test("the engine's question finds its answer, secrets in their envelopes; the next one is looked at anew", async () => {
  await provider.readAhead([kept("small")]);
  expect(reads).toEqual(["it small"]);
  expect(await read(kept("small"))).toEqual({ ...inputs, size: "small", seen: 1 });
  expect(reads).toHaveLength(1);
  expect(await read(kept("small"))).toMatchObject({ seen: 2 });
});

test.for([
  ["another state", kept("large"), "it large"],
  ["another id", { ...kept("small"), id: "that" }, "that small"],
  ["other inputs", { ...kept("small"), inputs: { ...inputs, size: "large" } }, "it small"],
] as const)("%s is another question", async ([, question, looked]) => {
  await provider.readAhead([kept("small")]);
  expect(await read(question)).toMatchObject({ seen: 2 });
  expect(reads).toEqual(["it small", looked]);
});

test("what fails ahead fails for the engine as it would have, and disturbs nobody before", async () => {
  await provider.readAhead([kept("off")]);
  await expect(read(kept("off"))).rejects.toThrow("no route");
  expect(reads).toEqual(["it off"]);
});

test("what the engine reads by itself alone is not looked at", async () => {
  await provider.readAhead([kept("small", "test:index:Kept")]);
  expect(reads).toEqual([]);
});

test("what it has to say is said to the call that asks", async () => {
  const said: string[] = [];
  const call = (into: string[]): Call => ({
    ...{ urn: urn("test:index:Read"), name: "it", signal: new AbortController().signal, redact: (text: string) => text },
    log: (severity, message) => void into.push(`${severity}: ${message}`),
  });
  const ahead = new ReadAhead();
  const old = { inputs: { password: "x" }, outputs: { size: "small" } };
  const early: string[] = [];
  ahead.begin(of(true), kept("small"), old, call(early));
  expect(early).toEqual([]);
  expect(await ahead.take(kept("small").urn, "it", structuredClone(old), call(said))).toMatchObject({ outputs: { size: "small" } });
  expect([early, said]).toEqual([[], ["warning: its password is x"]]);
});

test("a state's secrets are put into the engine's envelopes", async () => {
  const { key } = await freshSalt("x");
  const mark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
  const state = { a: [{ ...mark, ciphertext: encrypted(key, '"hidden"') }], b: 1 };
  expect(opened(state, key, (plain) => secret(plain as string))).toEqual({ a: [secret("hidden")], b: 1 });
  expect(opened(state, key)).toEqual({ a: ["hidden"], b: 1 });
});
