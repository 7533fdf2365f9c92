// What the stack file says of a deploy beside the checkout: what is built here, and what is run once.
import type { z } from "zod";
import { stacksFolder } from "../../provisioners/project.ts";
import { Deploying } from "../../provisioners/roles/app/deploying.ts";
import { isMap, valueAt } from "../../spec/path.ts";
import { UserError } from "../../spec/problem.ts";
import { fleetKey } from "../../spec/secrets.ts";
import { readYaml } from "../../spec/yaml-source.ts";
import { stackTextOf } from "../stack-file.ts";

export interface DeploySettings extends z.infer<typeof Deploying> {
  /** Where the stack file has it elsewhere than the role. */
  readonly environmentFile?: string;
}

/** Pure. */
export function settingsIn(text: string): DeploySettings {
  const app = valueAt(readYaml(text).value, ["config", fleetKey, "params", "app"]);
  if (!isMap(app)) return Deploying.parse({});
  const { success, data, error } = Deploying.safeParse(app.deploy ?? {});
  if (!success) throw new UserError(`params.app.deploy: ${error.issues[0]?.message}; next: fleet check`);
  return { ...data, ...(typeof app.environmentFile === "string" && { environmentFile: app.environmentFile }) };
}

export const settingsOf = (stack: string, folder = stacksFolder): DeploySettings => settingsIn(stackTextOf(stack, folder));
