// What the stack file's own rules ask of a target. A registry of targets is handed to spec/, as the roles' schemas are.
import { z } from "zod";
import type { Finding } from "./messages.ts";
import type { ParamsSchema } from "./params.ts";
import { isMap, type Path } from "./path.ts";
import { entries, type Loose, mapOr } from "./unvalidated.ts";

/** Where a fleet's servers are, as a stack file that is right says it. What else stands there is its target's own to read. */
export interface TargetSettings {
  readonly kind: string;
}

/** Something with roles beside the servers, and the place where it stands. */
export interface Holder {
  readonly path: Path;
  readonly holder: Loose;
}

/** The part of a target that needs nothing but the stack file. Its rules run on a fleet that may be wrong in other places. */
export interface TargetRules {
  readonly kind: string;
  /** Its settings, `kind` among them. `params` is the schema of role parameters, for whatever else than servers has roles. */
  readonly schema: (params: ParamsSchema) => z.ZodType;
  /** Whether its servers were handed out: the stack file says how each is reached, and each gets back what it had. */
  readonly lent: boolean;
  /** Whether what it makes keeps the team's name for life. */
  readonly keepsTeamName: boolean;
  /** Whether secrets protect nothing there: they may be written in the clear. */
  readonly plainSecrets: boolean;
  /** Why a server of it has no `disks` of its own, and what to do instead; undefined where it has. */
  readonly withoutDisks: (target: Loose) => { readonly got: string; readonly next: string } | undefined;
  /** Whether there is something to do without a single server. */
  readonly worksAlone?: (target: Loose) => boolean;
  /** What has roles beside the servers. */
  readonly holders?: (target: Loose) => readonly Holder[];
  /** What no schema of one value can say: rules between its settings, and between those and the servers. */
  readonly problems: (fleet: Loose, stack: string) => readonly Finding[];
}

/** The kind of the target, written short or long; `undefined` where it is not written. */
export function targetKind(fleet: unknown): unknown {
  const { target } = mapOr(fleet);
  return isMap(target) ? target.kind : target;
}

/** Undefined for a kind that is none. */
export const rulesOf = (targets: readonly TargetRules[], fleet: unknown): TargetRules | undefined => {
  const kind = targetKind(fleet);
  return targets.find((target) => target.kind === kind);
};

const listed = (words: readonly string[]): string => `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

/** `target: practice` is short for `target: {kind: practice}`. */
export function targetSchema(targets: readonly TargetRules[], params: ParamsSchema): z.ZodType<TargetSettings> {
  const kinds = targets.map(({ kind }) => kind);
  const [first, ...rest] = targets.map(({ schema }) => schema(params) as unknown as z.core.$ZodTypeDiscriminable);
  const union = z.discriminatedUnion("kind", [first!, ...rest], { error: `expected ${listed(kinds.map((kind) => `\`${kind}\``))}` });
  return z
    .preprocess((value) => (typeof value === "string" ? { kind: value } : value), union)
    .describe(`where the servers are: ${listed(kinds)}`) as unknown as z.ZodType<TargetSettings>;
}

/** Whatever has roles: servers, and what the target has beside them. */
export const holders = ({ servers, target }: Loose, targets: readonly TargetRules[]): readonly Holder[] => [
  ...entries(servers).map(([name, holder]) => ({ path: ["servers", name], holder })),
  ...(rulesOf(targets, { target })?.holders?.(mapOr(target)) ?? []),
];
