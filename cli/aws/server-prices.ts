// What each server of a stack on AWS is and costs an hour, from the checked-in prices.
import { costLines } from "../../components/targets/aws/cost.ts";
import { costed } from "../../components/targets/aws/shape.ts";
import type { ServerPrice } from "../targets/contract.ts";
import type { AwsStack } from "./stacks.ts";

/** With its disks and its address. A server whose type has no known price has none. */
export function serverPrices({ plan, target, shape }: AwsStack): Readonly<Record<string, ServerPrice>> {
  const servers = costed(shape).filter((each) => "type" in each);
  return Object.fromEntries(
    servers.map((server) => {
      const prices = costLines(plan.spec.team, target.region, [server]).map(({ perHour }) => perHour);
      const known = prices.every((each) => each !== null);
      return [server.name, { type: server.type, ...(known && { perHour: prices.reduce<number>((sum, each) => sum + (each ?? 0), 0) }) }];
    }),
  );
}
