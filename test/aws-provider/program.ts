// A sample of the AWS components, as a test wishes it. Nothing runs on its servers: for that SSH would be needed.
import * as pulumi from "@pulumi/pulumi";
import { Database } from "../../components/targets/aws/database.ts";
import { instanceType } from "../../components/targets/aws/facts/types.ts";
import type { Network } from "../../components/targets/aws/network.ts";
import { Pipeline } from "../../components/targets/aws/pipeline.ts";
import { asked, fleet, ownership } from "../support/aws-samples.ts";

export interface Wish {
  /** Settings of the target, beside the region. */
  readonly target: object;
  readonly servers: readonly string[];
  /** @default no pipeline */
  readonly pipeline?: { readonly jobSeconds: number; readonly workerType: string; readonly event: boolean };
  /** @default no database */
  readonly database?: { readonly storageGB: number };
}

const { target, servers, pipeline, database } = new pulumi.Config().requireObject<Wish>("wish");
const image = "/own/image";
const { network } = fleet("team-a", asked({ image, ...target }, servers))();

function work({ jobSeconds, workerType, event }: NonNullable<Wish["pipeline"]>, { subnetIds, securityGroupId }: Network): Pipeline {
  const hours = { from: "2099-12-01T01:00:00Z", until: "2099-12-01T09:00:00Z", min: 2, max: 4 };
  const login = { admin: "fleet-admin", authorizedKey: "ssh-ed25519 AAAA fleet" };
  const place = { region: "ap-northeast-1", types: [instanceType(workerType)] as const, image, subnetIds, securityGroupId };
  const pool = { ...place, ...login, size: { min: 1, max: 4 }, ...(event && { event: hours }), plan: "#!/bin/sh\nset -eu\nhostname\n" };
  return new Pipeline("images", { ownership, jobSeconds, latency: 120, suffix: ".jpg", expireDays: 14, pool });
}

function store({ storageGB }: NonNullable<Wish["database"]>, { vpcId, subnetIds, securityGroupId }: Network): Database {
  const place = { vpcId, subnetIds, securityGroupId };
  return new Database("db", { ownership, engine: "postgres", storageGB, finalSnapshot: false, ...place });
}

const images = pipeline && work(pipeline, network);
const db = database && store(database, network);

export const vpcId = network.vpcId;
export const securityGroupId = network.securityGroupId;
export const inputBucket = images?.inputBucket;
export const queueUrl = images?.queueUrl;
export const secretArn = db?.secretArn;
