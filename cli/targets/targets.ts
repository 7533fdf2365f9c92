// Each loaded where a stack is on it: AWS's SDK costs every command a fifth of a second.
import type { FleetPlan } from "../../provisioners/expand.ts";
import type { TargetOperations } from "./contract.ts";

export const operations: Readonly<Record<string, () => Promise<TargetOperations>>> = {
  practice: async () => (await import("./practice.ts")).practice,
  inventory: async () => (await import("./inventory.ts")).inventory,
  aws: async () => (await import("./aws.ts")).aws,
};

export const operationsOf = async ({ spec }: Pick<FleetPlan, "spec">): Promise<TargetOperations> => operations[spec.target.kind]!();
