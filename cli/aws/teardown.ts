// What taking a stack off AWS needs beside `destroy`: what it has cost, and the proof of zero.

import { setTimeout as sleep } from "node:timers/promises";
import { EC2Client } from "@aws-sdk/client-ec2";
import { billOf, costLines } from "../../components/targets/aws/cost.ts";
import { priceList } from "../../components/targets/aws/facts/types.ts";
import { costed } from "../../components/targets/aws/shape.ts";
import { type Access, clientOf } from "../../provisioners/aws/access.ts";
import { waiting } from "../progress.ts";
import { instancesBy } from "./instances.ts";
import type { AwsStack } from "./stacks.ts";
import { type Swept, sweep } from "./sweep.ts";

/** When the first of the stack's servers was started; undefined where none is there. */
async function startedAt(access: Access, stack: string): Promise<Date | undefined> {
  const found = await instancesBy(new EC2Client(clientOf(access)), [{ Name: "tag:stack", Values: [stack] }]);
  const times = found.flatMap(({ LaunchTime }) => LaunchTime ?? []);
  return times.sort((a, b) => a.getTime() - b.getTime())[0];
}

/** `team-a: about 2.74 USD since 2026-12-01 01:00 UTC (8.0 h at 0.3426 USD/h, prices of 2026-07-20)` */
export async function spentText({ plan, target, shape }: AwsStack): Promise<string> {
  const { perHour, team } = billOf(plan.spec.team, costLines(plan.spec.team, target.region, costed(shape)));
  const since = await startedAt(target, plan.stack);
  const rate = `${perHour} ${priceList.currency}/h, prices of ${priceList.date}`;
  if (!since) return `${team}: no server is running (${rate} when they are)`;
  const hours = (Date.now() - since.getTime()) / 3_600_000;
  const when = since.toISOString().slice(0, 16).replace("T", " ");
  return `${team}: about ${(hours * perHour).toFixed(2)} ${priceList.currency} since ${when} UTC (${hours.toFixed(1)} h at ${rate})`;
}

/** Looks until nothing is left or the patience ends: a terminated instance's disk goes some seconds after it. */
export async function sweptClean(
  { plan, target }: AwsStack,
  { tries, pauseSeconds }: { readonly tries: number; readonly pauseSeconds: number } = { tries: 6, pauseSeconds: 10 },
): Promise<Swept> {
  for (let left = tries - 1; ; left--) {
    const swept = await sweep(target, { stack: plan.stack });
    if (swept.left.length === 0 || left === 0) return swept;
    await waiting(
      () => `waits for ${swept.left.length} that AWS still lists`,
      () => sleep(pauseSeconds * 1000),
    );
  }
}
