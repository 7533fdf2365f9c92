import type { FleetPlan } from "../../provisioners/expand.ts";
import { type AwsStack, awsStack } from "../aws/stacks.ts";
import type { TargetOperations } from "./contract.ts";

const stackOf = (plan: FleetPlan): AwsStack => awsStack(plan.stack, plan)!;

export const aws: TargetOperations = {
  report: async (plan) => await (await import("../aws/contest.ts")).contestReport(stackOf(plan)),
  prices: async (plan) => (await import("../aws/server-prices.ts")).serverPrices(stackOf(plan)),
  spent: async (plan) => await (await import("../aws/teardown.ts")).spentText(stackOf(plan)),
  destroy: async (plan, destroy) => await (await import("../aws/destroy.ts")).destroyed(plan, destroy),
  async proven(plan) {
    const [{ sweptClean }, { sweptCode, sweptText }] = await Promise.all([import("../aws/teardown.ts"), import("../aws/sweep.ts")]);
    const swept = await sweptClean(stackOf(plan));
    console.log(sweptText(swept));
    return sweptCode(swept);
  },
};
