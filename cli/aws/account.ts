// What an account grants and uses, for the quota preflight.

import { DescribeAddressesCommand, EC2Client, paginateDescribeInstanceTypeOfferings, paginateDescribeVpcs } from "@aws-sdk/client-ec2";
import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import type { Offer } from "../../components/targets/aws/offers.ts";
import { type Account, addressQuota, need, vpcQuota, type Wanted } from "../../components/targets/aws/quota.ts";
import { type Access, clientOf } from "../../provisioners/aws/access.ts";
import { instancesBy } from "./instances.ts";
import { all } from "./tagged-resource.ts";

/** The service under which AWS keeps each quota. */
const serviceOf = (code: string): string => (code === vpcQuota.code ? "vpc" : "ec2");

async function grants(access: Access, codes: readonly string[]): Promise<Record<string, number>> {
  const client = new ServiceQuotasClient(clientOf(access));
  const asked = await Promise.all(
    codes.map(async (QuotaCode): Promise<[string, number][]> => {
      try {
        const { Quota } = await client.send(new GetServiceQuotaCommand({ ServiceCode: serviceOf(QuotaCode), QuotaCode }));
        return Quota?.Value === undefined ? [] : [[QuotaCode, Quota.Value]];
      } catch (error) {
        // Not granted to the operator, or unknown: quota.ts says so in a sentence of its own.
        if (/AccessDenied|NoSuchResource|NotFound/.test((error as Error).name)) return [];
        throw error;
      }
    }),
  );
  return Object.fromEntries(asked.flat());
}

/** Instances that count, as quota.ts counts them. */
async function running(client: EC2Client): Promise<Wanted[]> {
  const found = await instancesBy(client, [], ["pending", "running"]);
  return found.map(({ InstanceType = "", InstanceLifecycle }) => ({
    type: InstanceType,
    spot: InstanceLifecycle === "spot",
    elasticAddress: false,
  }));
}

async function vpcs(client: EC2Client): Promise<number> {
  return (await all(paginateDescribeVpcs({ client }, {}), (page) => page.Vpcs)).length;
}

/** Where the region has these types. */
export async function offersOf(access: Access, types: readonly string[]): Promise<readonly Offer[]> {
  const client = new EC2Client(clientOf(access));
  const Filters = [{ Name: "instance-type", Values: [...new Set(types)] }];
  const found = await all(
    paginateDescribeInstanceTypeOfferings({ client }, { LocationType: "availability-zone-id", Filters }),
    (page) => page.InstanceTypeOfferings,
  );
  return found.map(({ InstanceType: type = "", Location: zone = "" }) => ({ type, zone }));
}

/** Only the quotas that count for what is wanted are asked for. */
export async function accountFor(access: Access, wanted: readonly Wanted[], ownVpcs: number): Promise<Account> {
  const client = new EC2Client(clientOf(access));
  const codes = Object.keys(need(wanted, ownVpcs));
  const [granted, instances, vpcCount, { Addresses = [] }] = await Promise.all([
    grants(access, codes),
    running(client),
    vpcs(client),
    client.send(new DescribeAddressesCommand({})),
  ]);
  const used = { ...need(instances, vpcCount), [addressQuota.code]: Addresses.length };
  return { granted, used };
}
