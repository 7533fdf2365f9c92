import { leftovers } from "../../machines/sweep.ts";
import { prepareGround } from "../ground.ts";
import type { TargetOperations } from "./contract.ts";

export const practice: TargetOperations = {
  prepare: prepareGround,
  async proven({ stack }) {
    const left = await leftovers(stack);
    const lines = left.map(({ kind, what }) => `  ${kind} ${what}`).join("\n");
    console.log(left.length === 0 ? "nothing is left on this computer" : `left on this computer:\n${lines}`);
    return left.length === 0 ? 0 : 1;
  },
};
