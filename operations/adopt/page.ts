// The page that a team reads first, in Markdown that a terminal of 80 columns shows as it is.
import type { Adopted, Description } from "./describe.ts";
import type { Proof } from "./prove.ts";

export function pageOf({ stack, servers }: Adopted, { description, misfits }: Proof): string {
  void description;
  void misfits;
  return [`# ${stack}`, "", ...servers.map(({ way, facts }) => `- ${way.name} ${way.address} ${facts.system.hostname}`), ""].join("\n");
}
export type { Description };
