// Who supplies the servers of each target.
import { createRequire } from "node:module";
import { codeFile } from "../../provisioners/project.ts";
import { supply as inventory } from "./inventory/supply.ts";
import { supply as practice } from "./practice/supply.ts";
import type { Supplier } from "./supplier.ts";

const load = createRequire(import.meta.url);

/** What a target's SDK costs every preview of other stacks (AWS: a fifth of a second), it costs only where it is wanted. */
export const suppliers: Readonly<Record<string, Supplier>> = {
  practice,
  inventory,
  aws: (...args) => (load(codeFile("components/targets/aws/supply")) as typeof import("./aws/supply.ts")).supply(...args),
};

export const supply: Supplier = (name, plan, means) => suppliers[plan.spec.target.kind]!(name, plan, means);
