// Pulumi's preview, read as reports: each Role is a list of resources, each difference a result.
import { structuredPatch } from "diff";
import type { Remarks } from "../provisioners/engine/converge.ts";
import type { Result, RoleReport } from "../provisioners/engine/report.ts";
import type { Foreseen } from "../provisioners/provider/role-look.ts";
import type { Address } from "../provisioners/resources/kind.ts";
import { inWords, steering } from "../provisioners/resources/kind.ts";
import { foreseenIn, isRefused, isUnforeseeable, unforeseeable } from "./first-look.ts";
import { withRemarks } from "./remarks.ts";

/** What we read of `pulumi preview --json`. */
export interface PreviewDigest {
  readonly steps: readonly PreviewStep[];
}
export interface PreviewStep {
  readonly op: string;
  readonly urn: string;
  readonly oldState?: State;
  readonly newState?: State;
  readonly detailedDiff?: Readonly<Record<string, { readonly kind: string }>> | null;
}
interface State {
  readonly type: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

type Wants = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const isRole = ({ urn }: PreviewStep): boolean => urn.split("::")[2]?.endsWith("fleet:index:Role") ?? false;
/** A look at what is there comes as a step of its own, and stays the only one where nothing is to be done. */
const isLook = ({ op }: PreviewStep): boolean => op === "refresh" || op === "read";

/** The last word on each resource. */
function lastOf(steps: readonly PreviewStep[]): readonly PreviewStep[] {
  const last = new Map<string, PreviewStep>();
  for (const step of steps) if (!isLook(step) || !last.has(step.urn)) last.set(step.urn, step);
  return [...last.values()];
}

/** One report a server and role, in the engine's order. */
export function reportsOf({ steps }: PreviewDigest): readonly RoleReport[] {
  const problems = hostProblems(steps);
  return [
    ...[...problems].map(([host, reason]) => hostReport(host, reason)),
    ...lastOf(steps)
      .filter(isRole)
      .map((step) => [step, reportOf(step)] as const)
      .map(([step, report]) => unseen(report, problems.get(report.host) ?? unseenRole(step))),
  ];
}

/** As the stack file has them, what is not a server's first; the engine's order is whoever answered first. */
export function inStackOrder(reports: readonly RoleReport[], servers: readonly string[]): readonly RoleReport[] {
  return reports.toSorted((one, other) => servers.indexOf(one.host) - servers.indexOf(other.host));
}

/** The look at one role broke off, on a server that answered before. */
function unseenRole(step: PreviewStep): string | undefined {
  const said = (isLook(step) ? step.newState : step.oldState)?.outputs?.unseen;
  return typeof said === "string" ? said : undefined;
}

/** What agrees with the state of a server that could not be asked is not right for that: nobody looked. */
function unseen(report: RoleReport, reason: string | undefined): RoleReport {
  if (reason === undefined) return report;
  const results = report.results.map(
    (result): Result => (result.outcome === "unchanged" ? { ...result, outcome: "not-looked-at", reason } : result),
  );
  return { ...report, results };
}

/** Stands where a server's name does. */
export const aroundServers = "aws";

/** What stands around the servers: one report for all that is AWS's; none where nothing is. */
export function aroundReports({ steps }: PreviewDigest): readonly RoleReport[] {
  const results = lastOf(steps).flatMap((step): readonly Result[] => {
    const [, , types = "", name = ""] = step.urn.split("::");
    const type = types.split("$").at(-1) ?? "";
    if (!type.startsWith("aws:")) return [];
    const changes = isLook(step) || step.op === "same" ? [] : changesAround(step);
    return [{ address: `${type}[${name}]` as Address, outcome: changes.length > 0 ? "pending" : "unchanged", changes }];
  });
  return results.length > 0 ? [{ host: aroundServers, role: "resources", results }] : [];
}

const ends: Readonly<Record<string, string>> = { create: "is missing", delete: "is no longer wanted" };

function changesAround({ op, detailedDiff }: PreviewStep): readonly string[] {
  const properties = [...new Set(Object.keys(detailedDiff ?? {}).map((path) => path.split(/[.[]/)[0]))];
  return [ends[op] ?? `${properties.join(", ") || "it"}: not as the stack file says (${op})`];
}

function unforeseenReport({ newState }: PreviewStep): RoleReport {
  const { host, role } = newState?.inputs ?? {};
  const result = {
    address: `role[${role}]` as Address,
    outcome: "skipped",
    changes: [],
    reason: `not looked at: ${unforeseeable}`,
  } as const;
  return { host: String(host), role: String(role), results: [result] };
}

function reportOf(step: PreviewStep): RoleReport {
  if (isUnforeseeable(step)) return unforeseenReport(step);
  const foreseen = foreseenIn(step);
  const { op, newState } = step;
  const oldState = isLook(step) ? newState : step.oldState;
  const detailedDiff = isLook(step) ? {} : step.detailedDiff;
  const inputs = (newState ?? oldState)?.inputs ?? {};
  const [old, now] = [wantsOf(oldState), op === "delete" ? {} : wantsOf(newState)];
  const planned = foreseen && differencesIn(foreseen);
  const addresses = [...new Set([...Object.keys(now), ...Object.keys(old), ...Object.keys(planned ?? {})])].sort() as Address[];
  const changed = Object.keys(detailedDiff ?? {});
  const failed = Array.isArray(oldState?.outputs?.failed) ? (oldState.outputs.failed as string[]) : [];
  // What a run that failed took back, or did not come to, is not in the state: nobody asked the server for it.
  const looked = foreseen !== undefined || failed.length === 0;
  const results = addresses.map((address): Result => {
    const prefix = `resources[${JSON.stringify(address)}]`;
    const own = changed.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length).replace(/^\./, ""));
    // What the role wants only now may be there already: its plan says what is to be done with it.
    const isFound = !old[address] && foreseen !== undefined && address in foreseen.there;
    const paths = isFound ? [] : own.filter((path) => !steering.has(path.split(/[.[]/)[0] ?? ""));
    const sight = { looked, instead: foreseen?.instead?.[address] };
    const isNew = op === "create" && foreseen === undefined;
    const differing = isNew ? ["is to be created"] : paths.flatMap((path) => sentence(path, old[address], now[address], sight));
    // What is refused is not merely missing, or another: it says why it stays so.
    const isPlans = planned && (!planned[address] || differing.length === 0 || isRefused(planned[address]));
    const sentences = isPlans ? (planned[address] ?? []) : differing;
    const remarks = foreseen?.remarks ?? (oldState?.outputs?.remarks as Remarks | undefined);
    return withRemarks({ address, outcome: sentences.length > 0 ? "pending" : "unchanged", changes: sentences }, remarks);
  });
  return { host: String(inputs.host), role: String(inputs.role), results: withFailures(results, failed.map(failedResult)) };
}

/** Each resource once: what it is now, and why the last run left it so. */
function withFailures(results: readonly Result[], failed: readonly Result[]): readonly Result[] {
  const why = new Map(failed.map((each) => [each.address, each]));
  const known = new Set(results.map(({ address }) => address));
  return [
    ...results.map((each): Result => {
      const failure = why.get(each.address);
      return failure ? { ...each, outcome: "failed", reason: failure.reason ?? "" } : each;
    }),
    ...failed.filter(({ address }) => !known.has(address)),
  ];
}

/** What follows from a difference (a reload after a file) is none of its own. */
const differencesIn = ({ changes, follows = [] }: Foreseen): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.entries(changes).filter(([address]) => !follows.includes(address as Address)));

const wantsOf = (state: State | undefined): Wants => (state?.outputs?.resources ?? state?.inputs?.resources ?? {}) as Wants;

/** The last run's own words: `file[/etc/x]: why`. */
function failedResult(text: string): Result {
  const cut = text.indexOf("]: ") + 1;
  return { address: text.slice(0, cut) as Address, outcome: "failed", changes: [], reason: `the last run: ${text.slice(cut + 2)}` };
}

interface Sight {
  /** Whether anybody asked the server for what the state does not have. */
  readonly looked: boolean;
  /** What stands in its place. */
  readonly instead?: string | undefined;
}

function sentence(path: string, old: Wants[string] | undefined, now: Wants[string] | undefined, { looked, instead }: Sight): string[] {
  if (!old && instead !== undefined) return [`is missing: a ${instead} stands in its place`];
  if (!old) return [looked ? "is missing" : "is not done yet"];
  if (!now) return ["is no longer wanted"];
  const [was, wanted] = [valueAt(old, path), valueAt(now, path)];
  if (path === inWords && typeof was === "string") return [was];
  if (typeof was === "string" && typeof wanted === "string" && (was + wanted).includes("\n"))
    return [`${path} differs:`, ...lineDiff(was, wanted)];
  return [`${path} is ${shown(was)}, wanted ${shown(wanted)}`];
}

const shown = (value: unknown): string =>
  value === undefined ? "not set" : `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

/** A path of the engine's: `settings["net.core.somaxconn"]`. */
function valueAt(value: unknown, path: string): unknown {
  const keys = [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map(([, quoted, plain]) => plain ?? JSON.parse(`"${quoted}"`));
  return keys.reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key as string], value);
}

/** The lines that differ, without the ones around them. */
function lineDiff(was: string, wanted: string): string[] {
  const { hunks } = structuredPatch("", "", was, wanted, "", "", { context: 0 });
  return hunks.flatMap(({ lines }) => lines).filter((line) => !line.startsWith("\\"));
}

/** A server that could not be looked at is a failure of its own. */
const hostReport = (host: string, reason: string): RoleReport => {
  return { host, role: "host", results: [{ address: `host[${host}]` as Address, outcome: "failed", changes: [], reason }] };
};

/**
 * Why servers could not be looked at, by name. What a look saw is the old state of the step that follows it; the look's own step holds what
 * the state remembers, which may be the problem of an earlier run.
 */
export function hostProblems(steps: readonly PreviewStep[]): ReadonlyMap<string, string> {
  const hosts = lastOf(steps).filter(({ urn }) => urn.split("::")[2]?.endsWith("fleet:index:Host"));
  const seen = hosts.flatMap(({ oldState, newState }) => [newState, oldState]);
  return new Map(
    seen.flatMap((state) => {
      const problem = state?.outputs?.problem;
      return typeof problem === "string" && problem !== "" ? [[String(state?.inputs?.name), problem] as const] : [];
    }),
  );
}
