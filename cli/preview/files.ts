// A preview from files alone, for pull requests of strangers: two checkouts expanded, no secret, no server, no state. Secrets are marks in
// both. Each checkout expands with its own code, so that a changed template shows too.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { targetOf } from "../../components/targets/targets.ts";
import type { Facts } from "../../provisioners/engine/facts.ts";
import type { FleetPlan, ServerPlan } from "../../provisioners/expand.ts";
import { checkout, codeFile, project } from "../../provisioners/project.ts";
import { isUserError, UserError } from "../../spec/problem.ts";
import { differences, type Values, wholeOf } from "./differences.ts";
import { together } from "./engine.ts";
import { type Item, type Operation, refusedPreview, type ServerChanges, type StackPreview } from "./model.ts";

const run = promisify(execFile);

/** What stands in for a server that nobody may look at; the same on both sides, so that a difference is the change's own. */
const assumed = {
  distribution: "ubuntu",
  version: "24.04",
  architecture: "amd64",
  cores: 2,
  memoryMiB: 4096,
  container: false,
  packageManager: "apt",
  cloudInit: false,
} as const satisfies Partial<Facts>;

interface Expansion {
  readonly plan: FleetPlan;
  /** By server, then by role, then by address. */
  readonly wants: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Values>>>>>>;
}

/** The code of a checkout, with stack files that it expands. */
interface Expander {
  stackNames(): readonly string[];
  expand(stack: string): Expansion;
}

/** `folder`: of the stack files. */
export async function expanderOf(root: string, folder = join(root, "stacks")): Promise<Expander> {
  const load = async <T>(name: string): Promise<T> => (await import(pathToFileURL(codeFile(name, root)).href)) as T;
  const { planOf, stackNames } = await load<typeof import("../../provisioners/stack.ts")>("provisioners/stack");
  const { expandRole, rolesOf } = await load<typeof import("../../provisioners/expand.ts")>("provisioners/expand");
  const expand = (stack: string): Expansion => {
    const plan = planOf(stack, folder);
    const facts = (server: ServerPlan) => ({ ...assumed, ...server.declared }) as Facts;
    const roles = (server: ServerPlan) =>
      Object.fromEntries(rolesOf(server).map((role) => [role, expandRole(plan, server, role, facts(server))]));
    return { plan, wants: Object.fromEntries(plan.servers.map((server) => [server.name, roles(server)])) as Expansion["wants"] };
  };
  return { stackNames: () => stackNames(folder), expand };
}

/**
 * Hands over code and stack files as they were at `ref`, with the packages of this checkout, and takes them away again. A project outside
 * the checkout has a history of its own, and this checkout's code.
 */
export async function withCheckout<T>(ref: string, work: (root: string, stacks: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-base-"));
  const root = join(folder, "checkout");
  try {
    await run("git", ["-C", project, "worktree", "add", "--detach", root, ref]).catch((error: Error) => {
      throw new UserError(`--base: expected a commit of this checkout, got \`${ref}\`: ${error.message.trim()}; next: git fetch`);
    });
    const { stdout: below } = await run("git", ["-C", project, "rev-parse", "--show-prefix"]);
    const there = join(root, below.trim());
    const stacks = join(there, "stacks");
    // What a team's roles import is no part of a commit.
    const packages = join(project, "node_modules");
    if (existsSync(packages) && !existsSync(join(there, "node_modules"))) symlinkSync(packages, join(there, "node_modules"));
    if (project !== checkout) return await work(checkout, stacks);
    return await work(root, stacks);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await run("git", ["-C", project, "worktree", "prune"]);
  }
}

/** @param stacks those to show; a stack that only one side has is made or taken away as a whole */
export function previewFiles(base: Expander, head: Expander, stacks: readonly string[]): readonly StackPreview[] {
  const has = (expander: Expander, stack: string) => expander.stackNames().includes(stack);
  return stacks.map((stack) => {
    try {
      const was = has(base, stack) ? base.expand(stack) : undefined;
      return compare(stack, was, has(head, stack) ? head.expand(stack) : undefined);
    } catch (error) {
      if (!isUserError(error)) throw error;
      return refusedPreview(stack, error.message, "files");
    }
  });
}

interface Counted {
  readonly changes: ServerChanges;
  readonly operations: readonly Operation[];
}

export function compare(stack: string, was: Expansion | undefined, now: Expansion | undefined): StackPreview {
  const names = [...new Set([...Object.keys(now?.wants ?? {}), ...Object.keys(was?.wants ?? {})])];
  const servers = names.map((name) => compareServer(name, was, now));
  const [target] = itemOf(`target of ${stack}`, settings(was), settings(now));
  const operations = servers.flatMap((each) => each.operations);
  const count = (operation: Operation) => operations.filter((each) => each === operation).length;
  const team = (now ?? was)?.plan.spec.team ?? stack;
  const undeclared = (now ?? was)?.plan.servers.filter(
    ({ declared }) => declared.distribution === undefined || declared.memoryMiB === undefined,
  );
  const [is, before] = [priceOf(now), priceOf(was)];
  return {
    stack,
    team,
    against: "files",
    counts: { create: count("create"), update: count("update"), replace: 0, delete: count("delete") },
    price: { perHour: is, change: is === null || before === null ? null : Math.round((is - before) * 10_000) / 10_000 },
    ...(now && endOf(now.plan)),
    servers: servers.map((each) => each.changes).filter(({ items }) => items.length > 0),
    shared: target ? [target] : [],
    notes: undeclared?.length
      ? [
          `${undeclared.map(({ name }) => name).join(", ")}: sizes are shown as for ${assumed.cores} cores and ${assumed.memoryMiB} MiB; the real server's come from it`,
        ]
      : [],
  };
}

/** Of the fleet as a whole, beside its servers. */
const settings = (expansion: Expansion | undefined): Values | undefined => {
  if (!expansion) return undefined;
  const { servers: _servers, params: _params, ...rest } = expansion.plan.spec;
  return { settings: stringify(rest) };
};

const machine = (expansion: Expansion | undefined, name: string): Values | undefined => {
  const spec = expansion?.plan.spec.servers[name];
  if (!spec) return undefined;
  const { params: _params, ...rest } = spec;
  return { settings: stringify(rest) };
};

function compareServer(name: string, was: Expansion | undefined, now: Expansion | undefined): Counted {
  const own = itemOf(`server ${name}`, machine(was, name), machine(now, name));
  const [old, wanted] = [was?.wants[name] ?? {}, now?.wants[name] ?? {}];
  const roles = [...new Set([...Object.keys(wanted), ...Object.keys(old)])].map((role) => {
    const [there, here] = [old[role] ?? {}, wanted[role] ?? {}];
    const addresses = [...new Set([...Object.keys(here), ...Object.keys(there)])].sort();
    const items = addresses.flatMap((address) => itemOf(address, there[address], here[address], role));
    return { items, operation: operationOf(old[role], wanted[role]) };
  });
  const touched = roles.filter(({ items }) => items.length > 0);
  const items = [...own, ...touched.flatMap((role) => role.items)];
  return { changes: { name, items }, operations: [...own.map(({ operation }) => operation), ...touched.map(({ operation }) => operation)] };
}

const operationOf = (was: unknown, now: unknown): Operation => (was === undefined ? "create" : now === undefined ? "delete" : "update");

function itemOf(address: string, was: Values | undefined, now: Values | undefined, role?: string): readonly Item[] {
  const of = { address, cause: "planned", ...(role !== undefined && { role }) } as const;
  if (!was && !now) return [];
  if (!was) return [{ ...of, operation: "create", lines: wholeOf("+", now!) }];
  if (!now) return [{ ...of, operation: "delete", lines: wholeOf("-", was) }];
  const { lines, causes } = differences("", { remembered: was, there: was, wanted: now });
  return lines.length === 0 ? [] : [{ ...of, cause: together(causes), operation: "update", lines }];
}

/** By the stack file alone. */
function endOf({ spec }: FleetPlan): Pick<StackPreview, "ends"> {
  const { preview } = targetOf(spec);
  return preview ? { ends: preview.ends(spec, []) } : {};
}

/** A stack that is not there costs nothing; null where a price is not known. */
function priceOf(expansion: Expansion | undefined): number | null {
  if (!expansion) return 0;
  const { stack, spec } = expansion.plan;
  const { preview } = targetOf(spec);
  return preview ? preview.price(spec, stack) : 0;
}
