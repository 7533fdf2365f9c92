// Pulumi's own providers, each fetched when a stack first needs it: hundreds of megabytes that a practice fleet never does.
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { FleetPlan } from "../provisioners/expand.ts";
import { UserError } from "../spec/problem.ts";
import { pulumi } from "./command.ts";

/** Of Pulumi's own providers, those that the stack's resources need. */
const neededBy = ({ engine, spec }: FleetPlan): readonly string[] => [
  ...engine.providers,
  ...(Object.keys(spec.hooks).length > 0 ? ["command"] : []),
];

/** The provider's version is its SDK's. */
export function versionOf(name: string): string {
  const file = createRequire(import.meta.url).resolve(`@pulumi/${name}/package.json`);
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Where Pulumi looks: on PATH, then among the plugins that it has fetched. */
export function hasPlugin(name: string, version: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const folder = join(env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins", `resource-${name}-v${version}`);
  const places = (env.PATH ?? "").split(delimiter).map((each) => join(each, `pulumi-resource-${name}`));
  return existsSync(folder) || places.some(isProgram);
}

/** Fetches what the stack's resources need and this computer lacks. Some minutes, once. */
export async function fetchPlugins(plan: FleetPlan): Promise<void> {
  for (const name of neededBy(plan)) {
    const version = versionOf(name);
    if (hasPlugin(name, version)) continue;
    console.error(`${plan.stack}: fetching Pulumi's ${name} provider ${version}, once for this computer`);
    const { code } = await pulumi(plan, ["plugin", "install", "resource", name, version]);
    if (code !== 0)
      throw new UserError(
        `${plan.stack}: expected Pulumi's ${name} provider ${version}, got none (exit code ${code}); ` +
          `next: pulumi plugin install resource ${name} ${version}, where Pulumi's download site can be reached`,
      );
  }
}
