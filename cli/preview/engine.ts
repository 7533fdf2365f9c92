// Pulumi's preview of one stack, read as changes: by server, down to the line, drift apart from what was planned.
import type { EngineResource } from "../../components/targets/contract.ts";
import { targetOf } from "../../components/targets/targets.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { type Address, refusing } from "../../provisioners/resources/kind.ts";
import { isMap } from "../../spec/path.ts";
import { foreseenIn, isUnforeseeable, unforeseeable } from "../first-look.ts";
import { remarkLines } from "../remarks.ts";
import { hostProblems, type PreviewDigest, type PreviewStep, reportsOf } from "../reports.ts";
import { type Difference, differences, onServer, type Three, type Values, wholeOf } from "./differences.ts";
import { type Cause, type Item, type Operation, operations, type Price, type ServerChanges, type StackPreview } from "./model.ts";
import { fates } from "./warnings.ts";

/** What we read beside the steps. */
export interface EngineDigest extends PreviewDigest {
  readonly changeSummary?: Readonly<Record<string, number>>;
  readonly diagnostics?: readonly { readonly urn?: string; readonly message: string; readonly severity: string }[];
}

type State = NonNullable<PreviewStep["oldState"]>;

/** `urn:pulumi:stack::project::parent$type::name` */
const typeOf = (urn: string): string => urn.split("::")[2]?.split("$").at(-1) ?? "";
const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");
const roleType = "fleet:index:Role";
const hostType = "fleet:index:Host";

/** The steps of a replacement that are parts of it, and looks. */
const operationOf = (op: string): Operation | undefined => operations.find((operation) => operation === op);

/** One resource of the engine: its one step that changes something, and what the state remembered before the look. */
interface Change {
  readonly urn: string;
  readonly operation: Operation;
  readonly step: PreviewStep;
  readonly remembered: State | undefined;
}

function changesOf(steps: readonly PreviewStep[]): readonly Change[] {
  const remembered = new Map<string, State | undefined>();
  for (const { op, urn, oldState } of steps) if (op === "refresh") remembered.set(urn, oldState);
  return steps.flatMap((step) => {
    const operation = operationOf(step.op);
    return operation ? [{ urn: step.urn, operation, step, remembered: remembered.get(step.urn) }] : [];
  });
}

export function previewOf(plan: FleetPlan, digest: EngineDigest): StackPreview {
  const found = changesOf(digest.steps);
  const names = [...new Set([...plan.servers.map(({ name }) => name), ...found.flatMap(({ step }) => roleServer(step) ?? [])])];
  const items = found.flatMap((change) => itemsOf(change).map((item) => ({ item, server: serverOf(plan.spec.team, names, change) })));
  const servers = names.map((name): ServerChanges => {
    const unreachable = whyUnreachable(digest, name);
    return { name, items: items.filter(({ server }) => server === name).map(({ item }) => item), ...(unreachable && { unreachable }) };
  });
  const summary = digest.changeSummary ?? {};
  const elsewhere = (digest.diagnostics ?? []).filter(
    ({ urn, severity }) => severity === "error" || (severity === "warning" && !isServers(urn)),
  );
  return {
    stack: plan.stack,
    team: plan.spec.team,
    against: "servers",
    counts: {
      create: summary.create ?? 0,
      update: (summary.update ?? 0) - found.filter(isIdle).length,
      replace: summary.replace ?? 0,
      delete: summary.delete ?? 0,
    },
    price: priceChange(plan, digest.steps),
    ...endOf(plan, digest.steps),
    ...flowsOf(plan),
    servers: servers.filter(({ items: own, unreachable }) => own.length > 0 || unreachable !== undefined),
    shared: items.filter(({ server }) => server === undefined).map(({ item }) => item),
    notes: [...new Set([...fates(digest.steps), ...remarkLines(reportsOf(digest)), ...elsewhere.map(({ message }) => sentence(message))])],
  };
}

function flowsOf({ stack, spec }: FleetPlan): Pick<StackPreview, "flows"> {
  const flows = targetOf(spec).preview?.flows(spec, stack);
  return flows === undefined ? {} : { flows };
}

const isServers = (urn = ""): boolean => [roleType, hostType].includes(typeOf(urn));
const sentence = (message: string): string => message.replace(/^(?:warning|error): /, "").trim();

const roleServer = ({ urn, newState, oldState }: PreviewStep): string | undefined =>
  typeOf(urn) === roleType ? String((newState ?? oldState)?.inputs?.host) : undefined;

/** By its own word, else by its name, which begins with the server's: the longest one, so that `isu1-b` is not taken for `isu1`. */
function serverOf(team: string, servers: readonly string[], { urn, step }: Change): string | undefined {
  const name = nameOf(urn);
  const of = servers.filter((server) =>
    [`${team}-${server}`, `${team}-aws-${server}`].some((own) => name === own || name.startsWith(`${own}-`)),
  );
  return roleServer(step) ?? of.sort((a, b) => b.length - a.length)[0];
}

/** From the look that failed, or from the first look at a server that is in no state yet. */
function whyUnreachable({ steps, diagnostics = [] }: EngineDigest, server: string): string | undefined {
  const hosts = steps.filter(({ urn, newState, oldState }) => typeOf(urn) === hostType && (newState ?? oldState)?.inputs?.name === server);
  const problem = hostProblems(steps).get(server);
  if (problem !== undefined) return problem;
  // The look at one of its roles broke off.
  const unseen = steps.find((step) => typeOf(step.urn) === roleType && roleServer(step) === server && step.oldState?.outputs?.unseen);
  if (unseen) return String(unseen.oldState?.outputs?.unseen);
  const said = diagnostics.find(({ urn, severity }) => severity === "warning" && hosts.some((host) => host.urn === urn));
  return said && sentence(said.message);
}

/** A component is its parts. Events leave out what is false. */
const isComponent = ({ newState, oldState }: PreviewStep): boolean =>
  ((newState ?? oldState) as { custom?: boolean } | undefined)?.custom !== true;

function itemsOf(change: Change): readonly Item[] {
  const { urn, step } = change;
  if (typeOf(urn) === roleType) return roleItems(change);
  if (isComponent(step) || typeOf(urn) === "pulumi:pulumi:Stack") return [];
  const item = resourceItem(change);
  return item ? [item] : [];
}

type Wants = Readonly<Record<string, Values>>;
const wantsOf = (state: State | undefined): Wants => (state?.outputs?.resources ?? state?.inputs?.resources ?? {}) as Wants;

/** An up would neither make nor change it, whatever differs. */
function refusedItem(of: Pick<Item, "address" | "role">, sentences: readonly string[] = []): Item | undefined {
  const why = sentences.find((sentence) => sentence.startsWith(refusing))?.slice(refusing.length);
  return why === undefined ? undefined : { ...of, operation: "update", cause: "planned", lines: [`!up refuses it: ${why}`], refused: true };
}

/** What is not there, and may take the place of something else. */
function madeIn(other: string | undefined, now: Values): Pick<Item, "operation" | "lines"> {
  const lines = wholeOf("+", onServer(now));
  return other === undefined
    ? { operation: "create", lines }
    : { operation: "update", lines: [` replaces the ${other} that is there`, ...lines] };
}

/** What was there before comes back: what that is, only the server knows. Another role's service may hear of it, and stays. */
const goneBy = (sentences: readonly string[] = [], follows = false): Pick<Item, "operation" | "cause" | "lines"> => ({
  operation: follows ? "update" : "delete",
  cause: "planned",
  lines: sentences.map((sentence) => ` ${sentence}`),
});

/** The properties that differ, and what the plan does beside: a service that is to hear of a change. Else the plan's own sentences. */
function updateOf({ remembered, there, wanted }: Record<keyof Three, Values | undefined>, sentences: readonly string[]): Difference {
  const { lines, causes } = differences("", { remembered: onServer(remembered), there: onServer(there), wanted: onServer(wanted) });
  const said = lines.length > 0 ? sentences.filter((sentence) => /^(?:restart|reload)\b/.test(sentence)) : sentences;
  return { lines: [...lines, ...said.map((sentence) => ` ${sentence}`)], causes };
}

function roleItems({ operation, step, remembered }: Change): readonly Item[] {
  const role = String((step.newState ?? step.oldState)?.inputs?.role);
  const there = operation === "create" ? {} : wantsOf(step.oldState);
  if (isUnforeseeable(step))
    return [{ address: `role[${role}]`, role, operation, cause: "planned", lines: [` not shown: ${unforeseeable}`] }];
  const wanted = operation === "delete" ? {} : wantsOf(step.newState);
  const foreseen = foreseenIn(step);
  const before = remembered && wantsOf(remembered);
  const known = [...new Set([...Object.keys(there), ...Object.keys(wanted)])].sort();
  const planned: Readonly<Record<string, readonly string[]>> | undefined = foreseen?.changes;
  // What only steers how a change is made (a validator, the mode of a file yet to come) is none; what a change brings along (a reload) is.
  const all = planned ? [...new Set([...known, ...Object.keys(planned)])].sort() : known;
  const addresses = all.filter((address) => planned === undefined || planned[address]);
  return addresses.flatMap((address): readonly Item[] => {
    const now = wanted[address];
    // What the role wants only now may be there already: somebody else's folder.
    const old = there[address] ?? (foreseen?.there[address as Address] as Values | undefined);
    const isFollower = foreseen?.follows?.includes(address as Address) ?? false;
    const of = { address, role, ...(isFollower && { follows: true as const }) };
    const refused = refusedItem(of, planned?.[address]);
    if (refused) return [refused];
    if (now && !old)
      return [{ ...of, ...madeIn(foreseen?.instead?.[address as Address], now), cause: before && address in before ? "drift" : "planned" }];
    if (!now) return [{ ...of, ...goneBy(planned?.[address], isFollower) }];
    const { lines, causes } = updateOf({ remembered: before?.[address], there: old, wanted: now }, planned?.[address] ?? []);
    return lines.length === 0 ? [] : [{ ...of, operation: "update", cause: together(causes), lines }];
  });
}

/** The engine counts a role whose wants differ; one whose plan has no step has nothing to update. */
const isIdle = ({ urn, operation, step }: Change): boolean => {
  const foreseen = operation === "update" && typeOf(urn) === roleType ? foreseenIn(step) : undefined;
  return foreseen !== undefined && Object.keys(foreseen.changes).length === 0;
};

export function together(causes: readonly Cause[]): Cause {
  const [first = "planned", ...rest] = new Set(causes);
  return rest.length > 0 ? "both" : first;
}

/** The engine's own words for a list's or map's member: `tags.owner`, `ingress[0]`; its first word is the property. */
const property = (path: string): string => /^[^.[]+/.exec(path)?.[0] ?? path;

/** Nothing where only a look failed: that stands beside the server's name. */
function resourceItem({ urn, operation, step, remembered }: Change): Item | undefined {
  const of = { address: `${typeOf(urn)} ${nameOf(urn)}`, operation };
  const [old, now] = [step.oldState?.inputs ?? {}, step.newState?.inputs ?? {}];
  if (operation === "create") return { ...of, cause: "planned", lines: wholeOf("+", now) };
  if (operation === "delete") return { ...of, cause: "planned", lines: [] };
  const changed = [...new Set(Object.keys(step.detailedDiff ?? {}).map(property))].filter((name) => name !== "problem");
  const parts = changed.map((name) => {
    const planned = differences(name, { remembered: remembered?.inputs?.[name], there: old[name], wanted: now[name] });
    if (planned.lines.length > 0) return planned;
    const drifted = differences(name, { remembered: undefined, there: step.oldState?.outputs?.[name], wanted: now[name] });
    return { lines: drifted.lines.length > 0 ? drifted.lines : [` ${name} differs from what was made`], causes: ["drift"] as const };
  });
  if (parts.length === 0 && typeOf(urn) === hostType) return undefined;
  return { ...of, cause: together(parts.flatMap(({ causes }) => causes)), lines: parts.flatMap(({ lines }) => lines) };
}

const priced = (state: State | undefined, urn: string): readonly EngineResource[] =>
  state ? [{ type: typeOf(urn), name: nameOf(urn), inputs: isMap(state.inputs) ? state.inputs : {} }] : [];

/** Of each resource its last step, but for what is only looked at. */
const lastSteps = (steps: readonly PreviewStep[]): readonly PreviewStep[] => [
  ...new Map(steps.filter(({ op }) => op !== "refresh" && op !== "delete-replaced").map((step) => [step.urn, step])).values(),
];
const staying = (last: readonly PreviewStep[]): readonly EngineResource[] =>
  last.flatMap(({ op, newState, urn }) => (op === "delete" ? [] : priced(newState, urn)));

function endOf({ spec }: FleetPlan, steps: readonly PreviewStep[]): Pick<StackPreview, "ends"> {
  const { preview } = targetOf(spec);
  return preview ? { ends: preview.ends(spec, staying(lastSteps(steps))) } : {};
}

/** Servers that are here already cost nothing by the hour. */
function priceChange({ spec }: FleetPlan, steps: readonly PreviewStep[]): Price {
  const { preview } = targetOf(spec);
  if (!preview) return { perHour: 0, change: 0 };
  const last = lastSteps(steps);
  const now = staying(last);
  const before = last.flatMap(({ op, oldState, urn }) => (op === "create" ? [] : priced(oldState, urn)));
  const [is, was] = [preview.priceOf(spec, now), preview.priceOf(spec, before)];
  return { perHour: is, change: is === null || was === null ? null : Math.round((is - was) * 10_000) / 10_000 };
}
