// AWS Budgets, by its own JSON: no client of it is installed, for four calls of a test double.

import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { sts } from "./clients.ts";
import { type AwsType, gone, type Inputs } from "./type.ts";

/** The emulator reads the service from the scope of a signature, and checks none. */
const authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/budgets/aws4_request, SignedHeaders=host, Signature=none";

async function ask(action: string, body: object): Promise<Inputs> {
  const { Account: AccountId } = await sts().send(new GetCallerIdentityCommand({}));
  const answer = await fetch(process.env.AWS_ENDPOINT_URL!, {
    method: "POST",
    headers: { authorization, "content-type": "application/x-amz-json-1.1", "x-amz-target": `AWSBudgetServiceGateway.${action}` },
    body: JSON.stringify({ AccountId, ...body }),
  });
  const text = await answer.text();
  if (answer.ok) return text === "" ? {} : JSON.parse(text);
  const { __type: name = "Error", message = text } = JSON.parse(text) as Inputs;
  throw Object.assign(new Error(message), { name });
}

const make = ({ name, budgetType, timeUnit, limitAmount, limitUnit, costFilters = [], notifications }: Inputs) =>
  ask("CreateBudget", {
    Budget: {
      ...{ BudgetName: name, BudgetType: budgetType, TimeUnit: timeUnit },
      BudgetLimit: { Amount: limitAmount, Unit: limitUnit },
      CostFilters: Object.fromEntries(costFilters.map((each: Inputs) => [each.name, each.values])),
    },
    NotificationsWithSubscribers: notifications.map((each: Inputs) => ({
      Notification: {
        ...{ NotificationType: each.notificationType, ComparisonOperator: each.comparisonOperator },
        ...{ Threshold: each.threshold, ThresholdType: each.thresholdType },
      },
      Subscribers: each.subscriberEmailAddresses.map((Address: string) => ({ SubscriptionType: "EMAIL", Address })),
    })),
  });

export const budget: AwsType = {
  async create(inputs) {
    await make(inputs);
    return inputs.name;
  },
  async read(BudgetName) {
    const found = await gone(ask("DescribeBudget", { BudgetName }));
    if (!found) return undefined;
    const { Budget } = found;
    return { name: BudgetName, budgetType: Budget.BudgetType, timeUnit: Budget.TimeUnit, limitAmount: Budget.BudgetLimit.Amount };
  },
  // The emulator has no UpdateBudget.
  async update(BudgetName, inputs) {
    await ask("DeleteBudget", { BudgetName });
    await make(inputs);
  },
  delete: async (BudgetName) => void (await ask("DeleteBudget", { BudgetName })),
};
