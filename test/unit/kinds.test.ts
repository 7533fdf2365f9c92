// One loop over all case files: every kind decides what its cases say, twice the same, in sentences without secrets.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { type Common, refusing, type Step, steering } from "../../provisioners/resources/kind.ts";
import { kindOf, kinds } from "../../provisioners/resources/kinds.ts";
import { casesOf, type KindCase, kindsWithCases } from "../support/kind-cases.ts";

/** Properties whose value is a secret, whatever the kind; `content` is one where the want is `sensitive`. */
const secretProperties = ["password", "passwordHash"];

test("every kind has cases, and every folder of cases a kind", () => {
  expect(kindsWithCases()).toEqual(kinds.map(({ kind }) => kind).sort());
});

describe.each(kindsWithCases())("%s", (name) => {
  const cases = casesOf(name);

  test("has a case for missing, for already right, and for a refusal", () => {
    const decided = cases.filter(({ problems }) => !problems);
    expect(decided.filter(({ steps, reason }) => steps.length === 0 && !reason)).not.toEqual([]);
    expect(cases.map((each) => each.name)).toContainEqual(expect.stringMatching(/^missing/));
    expect(cases.filter(({ problems }) => problems)).not.toEqual([]);
  });

  test.each(cases.map((each) => [each.name, each] as const))("%s", (_, each) => {
    if (each.problems) refuses(each);
    else decides(each);
  });
});

describe("a step that makes missing folders above", () => {
  /** A unit's drop-in folder is undone by its kind. What `"$packed` and the like begin with is the step's own. */
  const makes = /\b(?:mkdir -p|install -d|useradd(?: '?-\w'?(?: [^-\s]\S*)?)* '?-m'?)(?! -m 0700 -- "\$state)/;
  const missingOnes = kindsWithCases().flatMap((name) =>
    casesOf(name)
      .filter((each) => /^missing/.test(each.name) && !each.problems)
      .map((each) => [name, each] as const),
  );

  test.each(missingOnes.map(([name, each]) => [name, each.name, each] as const))(
    "%s: %s: has them remembered",
    (name, _, { want, have, context }) => {
      const kind = kindNamed(name);
      const parsed = kind.schema.parse(want);
      const text =
        kind.notApplicable?.(parsed, have) === undefined
          ? kind
              .plan(parsed, have, context)
              .map(({ run }) => run.text)
              .join("\n")
          : "";
      if (name === "unit" || !makes.test(text)) return;
      expect(kind.parents?.(parsed)).toEqual(expect.any(String));
      expect(text.indexOf("fleet_parents")).toBeGreaterThanOrEqual(0);
      expect(text.indexOf("fleet_parents")).toBeLessThan(text.search(makes));
    },
  );

  test.each(["git", "archive", "mount", "user"])("%s is one", (name) => {
    expect(kindNamed(name).parents).toBeDefined();
  });
});

describe("a step that acts at a path", () => {
  const plain = (path: string) => path.replace(/[^\w/-]/g, "\\$&");
  /** A word that acts, and the path by its whole name behind it; not what a sentence tells people to type, in its backquotes. */
  const actsAt = (path: string) =>
    new RegExp(
      `(?<!\`)\\b(?:rm|rmdir|mv|cp|mkdir|chown|chmod|ln|install|touch|tee|cd)\\b [^\\n;|&\`]*(?<=[ '"])${plain(path)}(?![\\w-])|>>? *'?${plain(path)}(?![\\w-])`,
    );
  const cases = kindsWithCases().flatMap((name) => casesOf(name).filter(({ problems }) => !problems));
  /** With a user's own rights nothing is done that the user could not do. */
  const asSomebody = /runuser -u \S+ -- sh -ec (?:[^' ]+|'(?:[^']|'\\'')*') sh .*/g;
  /** Below these are root's own alone. */
  const roots = /^\/(?:etc|proc|sys|run)\//;

  test.each(cases.map((each) => [each.kind, each.name, each] as const))(
    "%s: %s: does so in the folder that it entered",
    (name, _, each) => {
      const kind = kindNamed(name);
      const want = kind.schema.parse(each.want) as Common & Record<string, unknown>;
      const { original, ...undo } = each.undo ?? { original: { type: "missing" }, steps: [] };
      const have = "have" in undo ? undo.have : each.have;
      const undone = each.undo ? kind.undo(want, original, have) : [];
      const purged = each.undo && kind.purge?.(want, original, have);
      const planned = kind.notApplicable?.(want, each.have) === undefined ? kind.plan(want, each.have, each.context) : [];
      const steps = [...planned, ...(typeof undone === "string" ? [] : undone), ...(purged ? [purged.step] : [])];
      const paths = Object.values({ ...want, target: undefined, of: kind.path?.(want) }).filter(
        (value) => typeof value === "string" && value.startsWith("/"),
      );
      for (const path of paths as string[]) {
        if (roots.test(path)) continue;
        for (const { run } of steps) expect(run.text.replaceAll(asSomebody, "")).not.toMatch(actsAt(path));
      }
    },
  );
});

const kindNamed = (name: string) => kindOf(`${name}[case]`).kind;

function refuses({ kind, want, problems }: KindCase): void {
  const { error } = kindNamed(kind).schema.safeParse(want);
  expect(
    error?.issues.map(({ path, code, ...issue }) =>
      [...path, ...(code === "unrecognized_keys" ? (issue as { keys: string[] }).keys : [])].join("."),
    ),
  ).toEqual(problems);
}

function decides(each: KindCase): void {
  const { kind: name, have, context, steps, reason } = each;
  const kind = kindNamed(name);
  const want = kind.schema.parse(each.want);
  expect(kindOf(kind.address(want)).kind).toBe(kind);
  expect(kind.notApplicable?.(want, have)).toBe(reason);
  const planned = reason === undefined ? kind.plan(want, have, context) : [];
  expect(planned.map(({ change }) => change)).toEqual(steps);
  expect(reason === undefined ? kind.plan(want, have, context) : [], "plan must be deterministic").toEqual(planned);
  expect(kind.notes?.(want, have) ?? []).toEqual(each.notes ?? []);
  // A preview knows by its words that an up would end there.
  for (const { change, run } of planned)
    expect([change, change.startsWith(refusing)]).toEqual([change, /^printf [\s\S]*\nexit 1$/.test(run.text)]);
  const seen = kind.seen(want, have);
  if (steps.length === 0 && reason === undefined) expect(seen, "seen of a converged host is the want").toEqual(want);
  if (seen) expect(steeringOf(seen), "no server has what only steers a change").toEqual(steeringOf(want));
  if ("seen" in each) expect(seen).toEqual(each.seen === null ? undefined : { ...want, ...(each.seen as object) });
  checkSteps(each, want, planned);
  if (each.undo) undoes(each, want);
}

const steeringOf = (want: Common) => Object.entries(want).filter(([name]) => steering.has(name));

function undoes(each: KindCase, want: Common): void {
  const { original, steps, ...rest } = each.undo!;
  const have = "have" in rest ? rest.have : each.have;
  const undone = kindNamed(each.kind).undo(want, original, have);
  expect(typeof undone === "string" ? undone : undone.map(({ change }) => change)).toEqual(steps);
  if (typeof undone !== "string") checkSteps(each, want, undone);
}

function checkSteps({ secrets = [] }: KindCase, want: Common, steps: readonly Step[]): void {
  const told = steps.map(({ change, run }) => `${change}\n${run.masked}`).join("\n");
  for (const secret of [...secrets, ...secretsOf(want)]) expect(told).not.toContain(secret);
  for (const { change } of steps) expect(change, "lower case, no full stop, one line").toMatch(/^[^A-Z\n][^\n]*[^.\n]$/);
  const text = steps.map(({ run }) => `(\n${run.text}\n)`).join("\n");
  expect(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" }).stderr, "steps are POSIX sh").toBe("");
}

function secretsOf(want: Common): string[] {
  const all = Object.entries(want).filter(
    ([key]) => secretProperties.includes(key) || (key === "content" && "sensitive" in want && want.sensitive),
  );
  return all.map(([, value]) => String(value)).filter(Boolean);
}
