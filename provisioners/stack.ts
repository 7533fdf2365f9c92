// A stack by its name: its file and its plan.
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { EngineNeeds } from "../components/targets/contract.ts";
import { targetOf, targets } from "../components/targets/targets.ts";
import { didYouMean } from "../spec/messages.ts";
import { type OverlayEntry, overlays, ruled } from "../spec/overlay.ts";
import { type Path, valueAt } from "../spec/path.ts";
import { UserError } from "../spec/problem.ts";
import { parseStack, readStack } from "../spec/read.ts";
import { fleetKey } from "../spec/secrets.ts";
import type { Choices, FleetSpec } from "../spec/spec.ts";
import { rulesOf } from "../spec/targets.ts";
import { readYaml } from "../spec/yaml-source.ts";
import { type FleetPlan, planFleet, type Surroundings } from "./expand.ts";
import { rolesFolder, stackNames, stacksFolder } from "./project.ts";
import { allSchemas, useRolesIn } from "./roles/roles.ts";

export { checkout, project, stackNames } from "./project.ts";

/** What there is to choose from in a stack file. */
export const choices: Choices = {
  get roles() {
    return allSchemas();
  },
  targets,
};

const fileOf = (stack: string, folder: string): string => join(folder, `Pulumi.${stack}.yaml`);

/** Throws a UserError with every problem in the stack file. */
export function planOf(stack: string, folder = stacksFolder): FleetPlan {
  const file = fileOf(stack, folder);
  if (!existsSync(file)) throw unknownStack(stack, folder);
  useRolesIn(rolesFolder(folder));
  const { spec, files } = readStack(file, choices);
  return planFleet(spec, around(stack, laidOver(files, spec)));
}

/** What is tried before it is written. */
export interface Draft {
  /** The stack file. */
  readonly text: string;
  /** By server, files of its own in the place of those at their paths; of one that is `gone`, none is there. */
  readonly files: Readonly<Record<string, readonly (OverlayEntry | { readonly path: string; readonly gone: true })[]>>;
}

/** The plan that a stack would have with this draft. Throws a UserError with every problem in it. */
export function planOfDraft(stack: string, { text, files: own }: Draft, folder = stacksFolder): FleetPlan {
  useRolesIn(rolesFolder(folder));
  const { spec, files } = parseStack(text, `stacks/Pulumi.${stack}.yaml`, choices, folder);
  const laid = Object.entries(laidOver(files, spec)).map(([name, entries]) => {
    const paths = new Set((own[name] ?? []).map(({ path }) => path));
    const there = (own[name] ?? []).filter((each): each is OverlayEntry => !("gone" in each));
    const all = [...entries.filter(({ path }) => !paths.has(path)), ...ruled(there, spec.fileRules)];
    return [name, all.sort((a, b) => (a.path < b.path ? -1 : 1))] as const;
  });
  return planFleet(spec, around(stack, Object.fromEntries(laid)));
}

const around = (stack: string, overlays: Surroundings["overlays"]): Surroundings => ({
  ...{ stack, overlays, cores: availableParallelism() },
  architecture: process.arch === "arm64" ? "arm64" : "amd64",
});

/** The team's files by server or pool, with what the stack file says of them. */
function laidOver(files: string, spec: FleetSpec): Readonly<Record<string, readonly OverlayEntry[]>> {
  const pools = targetOf(spec).pools?.(spec) ?? [];
  const all = overlays(files, [...Object.keys(spec.servers), ...pools.map(({ name }) => name)]);
  return Object.fromEntries(Object.entries(all).map(([name, entries]) => [name, ruled(entries, spec.fileRules)]));
}

/** What a shell needs depends on where the servers are, and on nothing else that may be wrong with a stack file. */
export interface Aimed {
  readonly stack: string;
  readonly engine: Pick<EngineNeeds, "passphrase">;
}

/** Throws a UserError where there is no such stack file, but for the one that nobody named. */
export function aimedAt(stack: string, folder = stacksFolder): Aimed {
  const file = fileOf(stack, folder);
  const there = existsSync(file);
  if (!there && stack !== "practice") throw unknownStack(stack, folder);
  const written = there ? readYaml(readFileSync(file, "utf8")).value : undefined;
  const rules = rulesOf(targets, valueAt(written, ["config", fleetKey]));
  return { stack, engine: targets.find((target) => target === rules)?.engine ?? {} };
}

/** Where a path of the fleet stands in the stack file: `stacks/Pulumi.x.yaml:6:15`, of its key. */
export function placesIn(stack: string, folder = stacksFolder): (path: Path) => string {
  const source = readYaml(readFileSync(fileOf(stack, folder), "utf8"));
  return (path) => `stacks/Pulumi.${stack}.yaml:${source.keyAt(["config", fleetKey, ...path])}`;
}

function unknownStack(stack: string, folder: string): UserError {
  // A link to nowhere is no stack.
  const names = stackNames(folder).filter((name) => name !== stack);
  return new UserError(
    `${stack}: expected a stack of this checkout (${names.join(", ") || "there is none yet"}), got no \`stacks/Pulumi.${stack}.yaml\`${didYouMean(stack, names)}`,
  );
}
