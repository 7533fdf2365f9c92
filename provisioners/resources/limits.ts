// Limits of login sessions (pam_limits). A service has its own, in its unit: `LimitNOFILE=`.
import { z } from "zod";
import { OwnName } from "../../spec/scalars.ts";
import type { PathSeen } from "../engine/probe.ts";
import { attributeSteps } from "./attributes.ts";
import { rootFile, writeRootFile } from "./file.ts";
import { common, defineKind, missing } from "./kind.ts";
import { undoPath } from "./undo-path.ts";

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

const pathOf = ({ name }: LimitsWant): string => `/etc/security/limits.d/${name}.conf`;

/** Sorted, since a map that went through the engine has no order. */
const textOf = ({ limits }: LimitsWant): string =>
  Object.entries(limits)
    .map(([limit, value]) => `${limit} ${value}\n`)
    .sort()
    .join("");

/** What a file limits; a line that is no limit shows as one without a value. */
function limitsIn({ content }: PathSeen): LimitsWant["limits"] {
  const rows = (content?.toString("utf8") ?? "")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim().split(/\s+/))
    .filter(([first]) => first);
  return Object.fromEntries(rows.map((row) => [row.slice(0, 3).join(" "), row[3] === "unlimited" ? "unlimited" : Number(row[3])]));
}

export const limits = defineKind<LimitsWant, PathSeen>({
  kind: "limits",
  rank: 100,
  schema: LimitsWant,
  address: ({ name }) => `limits[${name}]`,
  touches: (want) => ({ paths: [pathOf(want)] }),
  path: pathOf,
  standing: (have) => have,
  read: (want, look) => look.path(pathOf(want), { content: true }),
  plan(want, have) {
    const [path, text, now] = [pathOf(want), textOf(want), limitsIn(have)];
    if (have.type === "file" && textOf({ ...want, limits: now }) === text) return attributeSteps({ path, ...rootFile }, have);
    const changed = Object.entries(want.limits)
      .filter(([limit, value]) => now[limit] !== value)
      .map(([limit, value]) => `\`${limit}\` = \`${value}\``);
    const dropped = Object.keys(now)
      .filter((limit) => !(limit in want.limits))
      .map((limit) => `drop \`${limit}\``);
    const change =
      have.type === missing
        ? `create with ${changed.sort().join(", ")}`
        : [...changed.sort(), ...dropped.sort()].join(", ") || "write the file again";
    return [{ change, property: "limits", run: writeRootFile(path, text) }];
  },
  seen: (want, have) => (have.type === "file" ? { ...want, limits: limitsIn(have) } : undefined),
  undo: (want, original, have) => undoPath("file", pathOf(want), original, have),
});
