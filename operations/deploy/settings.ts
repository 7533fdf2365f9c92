// What the stack file says of a deploy beside the checkout: what is built here, and what is run once.

import type { z } from "zod";
import { stacksFolder } from "../../provisioners/project.ts";
import { Deploying } from "../../provisioners/roles/app/deploying.ts";
import { mergeParams } from "../../spec/params.ts";
import { isMap, valueAt } from "../../spec/path.ts";
import { UserError } from "../../spec/problem.ts";
import { fleetKey } from "../../spec/secrets.ts";
import { typed } from "../../spec/typed.ts";
import { readYaml } from "../../spec/yaml-source.ts";
import { stackTextOf } from "../stack-file.ts";

export interface DeploySettings extends z.infer<typeof Deploying> {
  /** Where the stack file has it elsewhere than the role. */
  readonly environmentFile?: string;
}

/**
 * Pure. Of these servers, their own parameters over the fleet's; what is run once is the first one's. Throws a UserError where they do not agree:
 * one deploy builds and migrates once.
 */
export function settingsIn(text: string, servers: readonly string[]): DeploySettings {
  const fleet = valueAt(readYaml(text).value, ["config", fleetKey]);
  const all = servers.map((server) => settingsAt(fleet, server));
  const [first = Deploying.parse({})] = all;
  const said = ({ environmentFile: _, ...deploy }: DeploySettings) => JSON.stringify(Deploying.parse(deploy));
  const other = all.findIndex((each) => said(each) !== said(first));
  if (other === -1) return first;
  const names = servers.filter((_, index) => said(all[index]!) === said(first));
  throw new UserError(
    `${servers[other]}: expected the same app.deploy as on ${names.join(", ")}, got another; next: one after the other, --to ${names.join(",")} first`,
  );
}

function settingsAt(fleet: unknown, server: string): DeploySettings {
  const app = mergeParams(valueAt(fleet, ["params", "app"]), valueAt(fleet, ["servers", server, "params", "app"]));
  if (!isMap(app)) return Deploying.parse({});
  const { success, data, error } = Deploying.safeParse(app.deploy ?? {});
  if (!success) {
    const own = valueAt(fleet, ["servers", server, "params", "app", "deploy"]) === undefined ? "" : `servers.${server}.`;
    throw new UserError(`${own}params.app.deploy: ${error.issues[0]?.message}; next: ${typed()} check`);
  }
  return { ...data, ...(typeof app.environmentFile === "string" && { environmentFile: app.environmentFile }) };
}

export const settingsOf = (stack: string, servers: readonly string[], folder = stacksFolder): DeploySettings =>
  settingsIn(stackTextOf(stack, folder), servers);
