// fleet:index:InstancePower: an instance that is on. Pulumi's own resource of an instance does not care whether it runs: one that somebody
// stopped over night stays stopped, and has lost its address. A look names it, an up starts it.

import type { Instance } from "@aws-sdk/client-ec2";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { type Access, clientOf } from "../aws/access.ts";
import type { Resource } from "./resource.ts";
import { unknown } from "./wire.ts";

export interface InstancePowerInputs extends Access {
  readonly instance: string;
}

export interface InstancePowerOutputs extends InstancePowerInputs {
  /** As EC2 names it: `running`, `stopped`, … */
  readonly state: string;
  /** The public address that it got when it was started here; empty where it has another since, or was never started here. */
  readonly address: string;
}

/** Seconds until an instance has stopped, or started; what Pulumi's own provider gives them. */
const patience = 600;

/** The SDK is loaded where there is an instance to look at. */
async function ec2(access: Access) {
  const sdk = await import("@aws-sdk/client-ec2");
  return { sdk, client: new sdk.EC2Client(clientOf(access)) };
}

/** Undefined where there is none, or none any more. */
async function look({ instance, ...access }: InstancePowerInputs): Promise<Instance | undefined> {
  const { sdk, client } = await ec2(access);
  try {
    const { Reservations } = await client.send(new sdk.DescribeInstancesCommand({ InstanceIds: [instance] }));
    const found = Reservations?.[0]?.Instances?.[0];
    return found?.State?.Name === "terminated" || found?.State?.Name === "shutting-down" ? undefined : found;
  } catch (error) {
    if ((error as Error).name === "InvalidInstanceID.NotFound") return undefined;
    throw error;
  }
}

/** One that is on its way to a halt can't be started before it is there. */
async function start(inputs: InstancePowerInputs): Promise<string> {
  const { instance } = inputs;
  const { sdk, client } = await ec2(inputs);
  const of = { InstanceIds: [instance] };
  const wait = { client, maxWaitTime: patience, minDelay: 2, maxDelay: 5 };
  if ((await look(inputs))?.State?.Name === "stopping") await sdk.waitUntilInstanceStopped(wait, of);
  await client.send(new sdk.StartInstancesCommand(of));
  await sdk.waitUntilInstanceRunning(wait, of);
  return (await look(inputs))?.PublicIpAddress ?? "";
}

const off = (state: string | undefined): boolean => state === "stopped" || state === "stopping";

async function on(inputs: InstancePowerInputs, known = ""): Promise<InstancePowerOutputs> {
  const found = await look(inputs);
  if (!found) throw new UserError(`${inputs.instance}: expected an instance, got none; next: \`${typed()} up\` again, which makes another`);
  const address = off(found.State?.Name) ? await start(inputs) : found.PublicIpAddress === known ? known : "";
  return { ...inputs, state: "running", address };
}

export const instancePowerResource: Resource<InstancePowerInputs, InstancePowerOutputs> = {
  refreshBeforeUpdate: true,
  diff: ({ inputs, outputs }, news) => ({
    ...(news.instance === inputs.instance && news.region === inputs.region ? {} : { instance: "update-replace" as const }),
    ...(off(outputs.state) && { state: "update" as const }),
  }),
  create: async (inputs, _call, preview) => ({
    id: inputs.instance,
    outputs: preview ? { ...inputs, state: "running", address: "" } : await on(inputs),
  }),
  async read(_id, old, call) {
    try {
      const found = await look(old.inputs);
      if (!found) return undefined;
      const address = found.PublicIpAddress === old.outputs.address ? old.outputs.address : "";
      return { inputs: old.inputs, outputs: { ...old.inputs, state: found.State?.Name ?? "", address } };
    } catch (error) {
      // A fork's preview has no rights: it shows what was known, and says so.
      call.log("warning", `${old.inputs.instance}: could not look whether it runs: ${(error as Error).message}`);
      return old;
    }
  },
  /** Another address comes with the start. */
  update: async (_id, olds, news, _call, preview) =>
    preview ? { ...news, state: "running", address: unknown as never } : await on(news, olds.outputs.address),
  delete: async () => {},
};
