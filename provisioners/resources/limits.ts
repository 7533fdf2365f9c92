// Limits of login sessions (pam_limits). A service has its own, in its unit: `LimitNOFILE=`.
import { z } from "zod";
import { OwnName } from "../../spec/scalars.ts";
import { defineFileKind } from "./file-kind.ts";
import { common } from "./kind.ts";

const Limit = z.string().regex(/^(?:[*%]|[@%]?[a-z_][a-z0-9_-]*) (?:soft|hard|-) [a-z]+$/, {
  error: "expected who, which and what, such as `* soft nofile` or `@staff - nproc`",
});

export const LimitsWant = z.strictObject({
  ...common,
  name: OwnName,
  /** `{"* - nofile": 65536}`: who, `soft`, `hard` or `-` for both, and the item as limits.conf(5) has it. `*` does not mean root. */
  limits: z.record(Limit, z.union([z.int(), z.literal("unlimited")])),
});
export type LimitsWant = z.infer<typeof LimitsWant>;

/** Sorted, since a map that went through the engine has no order. */
const render = ({ limits }: LimitsWant): string =>
  Object.entries(limits)
    .map(([limit, value]) => `${limit} ${value}\n`)
    .sort()
    .join("");

/** A line that is no limit shows as one without a value. */
function limitsIn(text: string): LimitsWant["limits"] {
  const rows = text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim().split(/\s+/))
    .filter(([first]) => first);
  return Object.fromEntries(rows.map((row) => [row.slice(0, 3).join(" "), row[3] === "unlimited" ? "unlimited" : Number(row[3])]));
}

function change(want: LimitsWant, now: LimitsWant | undefined): string {
  const changed = Object.entries(want.limits)
    .filter(([limit, value]) => now?.limits[limit] !== value)
    .map(([limit, value]) => `\`${limit}\` = \`${value}\``);
  if (!now) return `create with ${changed.sort().join(", ")}`;
  const dropped = Object.keys(now.limits)
    .filter((limit) => !(limit in want.limits))
    .map((limit) => `drop \`${limit}\``);
  return [...changed.sort(), ...dropped.sort()].join(", ") || "write the file again";
}

export const limits = defineFileKind<LimitsWant>({
  kind: "limits",
  rank: 100,
  schema: LimitsWant,
  address: ({ name }) => `limits[${name}]`,
  path: ({ name }) => `/etc/security/limits.d/${name}.conf`,
  render,
  parse: (want, text) => ({ ...want, limits: limitsIn(text) }),
  // Comments and order say nothing.
  same: (want, text) => render({ ...want, limits: limitsIn(text) }) === render(want),
  property: "limits",
  change,
});
