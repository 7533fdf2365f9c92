// The protocol layer, driven as the engine drives it: detailed diffs, previews, secrets, half-done resources, refresh before update.
import * as grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import status from "@pulumi/pulumi/proto/status_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unspelled } from "../../provisioners/engine/spelling.ts";
import { listen, ProviderServer } from "../../provisioners/provider/protocol.ts";
import { PartlyDone, type Resource } from "../../provisioners/provider/resource.ts";
import { fromStruct, toStruct } from "../../provisioners/provider/struct.ts";
import { open, type Properties, secret } from "../../provisioners/provider/wire.ts";

const urn = "urn:pulumi:test::contest-fleet::fleet:index:TeamFleet$test:index:Thing::thing";
const calls: string[] = [];

const thing: Resource<Properties, Properties> = {
  refreshBeforeUpdate: true,
  check: ({ size }) => (size === "huge" ? [{ property: "size", reason: "expected small or large, got `huge`" }] : []),
  diff: ({ outputs }, news) => (outputs.size === news.size ? {} : { size: "update" }),
  async create(inputs, call, preview) {
    calls.push(`create ${preview} ${call.name} ${call.timeout}`);
    if (inputs.size === "late") call.signal.throwIfAborted();
    if (inputs.user !== undefined)
      throw new PartlyDone("thing: failed", { id: "thing", outputs: inputs, reasons: [`file[/home/${String(inputs.user)}/x]: no`] });
    if (inputs.size === "broken")
      throw new PartlyDone("thing: 1 of 2 failed", { id: "thing", outputs: { ...inputs, made: true }, reasons: ["file[/x]: no"] });
    return { id: "thing", outputs: { ...inputs, text: `password ${String(inputs.password)}` } };
  },
  read: async (_id, old) =>
    old.outputs.gone ? undefined : { inputs: { ...old.inputs, size: "seen" }, outputs: { ...old.outputs, size: "seen" } },
  update: async (_id, _olds, news) => news,
  delete: async () => {},
};

// biome-ignore lint/suspicious/noExplicitAny: the generated client has a method a call, all of one shape
let client: any;
let server: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  server = await listen(new ProviderServer({ version: "1", resources: async () => ({ "test:index:Thing": thing }) }));
  client = new providerGrpc.ResourceProviderClient(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
});
afterAll(() => {
  client.close();
  server.close();
});

// biome-ignore lint/suspicious/noExplicitAny: responses differ by call
const ask = (method: string, request: object): Promise<any> =>
  new Promise((resolve, reject) =>
    client[method](request, (error: Error | null, response: unknown) => (error ? reject(error) : resolve(response))),
  );

describe("the provider", () => {
  test("says that it takes secrets and previews", async () => {
    const configured = await ask("configure", new pb.ConfigureRequest());
    expect([configured.getAcceptsecrets(), configured.getSupportspreview()]).toEqual([true, true]);
  });

  test("checks, and hands the inputs back unopened", async () => {
    const request = new pb.CheckRequest().setUrn(urn).setNews(toStruct({ size: "huge", password: secret("hunter2-hunter2") }));
    const checked = await ask("check", request);
    expect(checked.getFailuresList().map((each: { getReason(): string }) => each.getReason())).toEqual([
      "expected small or large, got `huge`",
    ]);
    expect(fromStruct(checked.getInputs())).toEqual({ size: "huge", password: secret("hunter2-hunter2") });
  });

  test("diffs by property path", async () => {
    const request = new pb.DiffRequest()
      .setUrn(urn)
      .setId("thing")
      .setOlds(toStruct({ size: "a" }))
      .setNews(toStruct({ size: "b" }))
      .setOldInputs(toStruct({ size: "a" }));
    const diff = await ask("diff", request);
    expect(diff.getHasdetaileddiff()).toBe(true);
    expect([...diff.getDetaileddiffMap().keys()]).toEqual(["size"]);
    expect(diff.getChanges()).toBe(pb.DiffResponse.DiffChanges.DIFF_SOME);
  });

  test("hides an output made from a secret, and asks to be read before each update", async () => {
    const request = new pb.CreateRequest()
      .setUrn(urn)
      .setTimeout(90)
      .setProperties(toStruct({ size: "a", password: secret("hunter2-hunter2") }));
    const created = await ask("create", request);
    const properties = fromStruct(created.getProperties());
    expect(properties).toEqual({ size: "a", password: secret("hunter2-hunter2"), text: secret("password hunter2-hunter2") });
    expect(created.getRefreshBeforeUpdate()).toBe(true);
    expect(calls.at(-1)).toBe("create false thing 90000");
  });

  test("keeps the state of what is half done, its inputs unopened", async () => {
    const request = new pb.CreateRequest().setUrn(urn).setProperties(toStruct({ size: "broken", password: secret("hunter2-hunter2") }));
    const error = (await ask("create", request).catch((each: unknown) => each)) as grpc.ServiceError;
    expect(error.details).toBe("thing: 1 of 2 failed");
    const [packed] = error.metadata.get("grpc-status-details-bin");
    const detail = status.Status.deserializeBinary(packed as Buffer).getDetailsList()[0]!;
    const failed = pb.ErrorResourceInitFailed.deserializeBinary(detail.getValue_asU8());
    expect([failed.getId(), failed.getReasonsList()]).toEqual(["thing", ["file[/x]: no"]]);
    expect(fromStruct(failed.getInputs())).toEqual({ size: "broken", password: secret("hunter2-hunter2") });
    expect(open(fromStruct(failed.getProperties())).value).toMatchObject({ made: true });
  });

  test("spells a password that is a user's name so that the engine leaves it alone, and it reads as it did", async () => {
    const request = new pb.CreateRequest().setUrn(urn).setProperties(toStruct({ user: "isucon", password: secret("isucon") }));
    const error = (await ask("create", request).catch((each: unknown) => each)) as grpc.ServiceError;
    const [packed] = error.metadata.get("grpc-status-details-bin");
    const detail = status.Status.deserializeBinary(packed as Buffer).getDetailsList()[0]!;
    const [reason = ""] = pb.ErrorResourceInitFailed.deserializeBinary(detail.getValue_asU8()).getReasonsList();
    expect(reason).not.toContain("isucon");
    expect(unspelled(reason)).toBe("file[/home/isucon/x]: no");
  });

  test("reads what is there, or that it is gone", async () => {
    const request = (outputs: object) =>
      new pb.ReadRequest()
        .setUrn(urn)
        .setId("thing")
        .setProperties(toStruct(outputs))
        .setInputs(toStruct({ size: "a" }));
    const there = await ask("read", request({ size: "a" }));
    expect([there.getId(), fromStruct(there.getInputs()), fromStruct(there.getProperties())]).toEqual([
      "thing",
      { size: "seen" },
      { size: "seen" },
    ]);
    expect((await ask("read", request({ gone: true }))).getId()).toBe("");
  });

  test("names a type that it does not have", async () => {
    const request = new pb.CheckRequest().setUrn(urn.replace("Thing::", "Other::")).setNews(toStruct({}));
    await expect(ask("check", request)).rejects.toThrow("unknown resource type `test:index:Other`");
  });

  // The last: nothing is done after it.
  test("says of what an interruption ended that it was cancelled, without a stack", async () => {
    await ask("cancel", new empty.Empty());
    const request = new pb.CreateRequest().setUrn(urn).setProperties(toStruct({ size: "late" }));
    const error = (await ask("create", request).catch((each: unknown) => each)) as grpc.ServiceError;
    expect(error.details).toBe("cancelled; the next run goes on from here");
  });
});
