// A budget whose alarms go to people. It costs nothing. AWS counts some hours late: it tells of a bill, and prevents none.
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { AwsTarget } from "./settings/target.ts";
import { type Ownership, tagsOf } from "./tags.ts";

/** Per cent of the month's limit; the last one before it is reached. */
const thresholds = [
  { threshold: 50, notificationType: "ACTUAL" },
  { threshold: 80, notificationType: "ACTUAL" },
  { threshold: 100, notificationType: "ACTUAL" },
  { threshold: 100, notificationType: "FORECASTED" },
] as const;

export function budget(
  name: string,
  { monthly, emails, of }: NonNullable<AwsTarget["budget"]>,
  ownership: Ownership,
  opts: pulumi.CustomResourceOptions,
): aws.budgets.Budget {
  const alarm = { comparisonOperator: "GREATER_THAN", thresholdType: "PERCENTAGE", subscriberEmailAddresses: [...emails] };
  const own = of === "stack" ? { costFilters: [{ name: "TagKeyValue", values: [`user:stack$${ownership.stack}`] }] } : {};
  return new aws.budgets.Budget(
    name,
    {
      name,
      ...{ budgetType: "COST", timeUnit: "MONTHLY", limitAmount: String(monthly), limitUnit: "USD" },
      ...own,
      notifications: thresholds.map((each) => ({ ...alarm, ...each })),
      tags: tagsOf(ownership, name),
    },
    opts,
  );
}
