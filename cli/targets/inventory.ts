import { resourcesOf } from "../../pulumi/known-names.ts";
import { lentServers } from "../lent-servers.ts";
import type { TargetOperations } from "./contract.ts";

export const inventory: TargetOperations = {
  lent: async (plan) => await lentServers(plan, await resourcesOf(plan.stack)),
};
