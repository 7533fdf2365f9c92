// Was it better, and since when: over scores that are made up, with a noise that is known.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { scoresPage } from "../../operations/measure/report/scores.ts";
import type { RunEntry } from "../../operations/measure/runs.ts";
import { badness, bisect } from "../../operations/measure/score/bisect.ts";
import { compared, runsOf, scoresOf, twoOf } from "../../operations/measure/score/compare.ts";
import { Checkout } from "../../operations/measure/score/git.ts";
import { kindOf, noiseOf, noiseText } from "../../operations/measure/score/noise.ts";
import { studentBelow } from "../../operations/measure/score/student.ts";
import { chance } from "../support/made-logs.ts";

const entry = (run: number, score: number, over: Partial<RunEntry> = {}): RunEntry => ({
  run,
  began: run * 100,
  ended: run * 100 + 60,
  passed: true,
  kind: "measured",
  who: "ada@laptop",
  commit: "abc1234",
  digest: "d1",
  score,
  ...over,
});

/** Of mean 1, moving by `deviation`. */
function noisy(random: () => number, deviation: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp(deviation * normal);
}

describe("Student's t", () => {
  test.for([
    [0, 5, 0.5],
    [2.015, 5, 0.95],
    [1.645, 10_000, 0.95],
    [6.314, 1, 0.95],
    [2.92, 2, 0.95],
    [-2.015, 5, 0.05],
  ])("a value below %d with %d degrees of freedom: %d", ([t, freedom, wanted]) => {
    expect(studentBelow(t!, freedom!)).toBeCloseTo(wanted!, 3);
  });
});

describe("noise", () => {
  test("is what runs of one commit and configuration differ by, whatever the commits differ by", () => {
    const random = chance(5);
    const history = Array.from({ length: 60 }, (_, index) =>
      entry(index, 1000 * (1 + Math.floor(index / 3)) * noisy(random, 0.02), { commit: `c${Math.floor(index / 3)}` }),
    );
    expect(noiseOf(history).deviation).toBeGreaterThan(0.015);
    expect(noiseOf(history).deviation).toBeLessThan(0.027);
  });

  test("runs of one commit are of one kind, with however many digits it was written down", () => {
    const digits = [7, 8, 10].map((length) => entry(length, 100, { commit: "abc1234d5e".slice(0, length) }));
    expect(new Set(digits.map(kindOf)).size).toBe(1);
    expect(kindOf(entry(1, 100, { commit: "abc1235d" }))).not.toBe(kindOf(digits[1]!));
  });

  test("is not what somebody changed without a commit", () => {
    const changed = [entry(1, 10, { commit: "abc+" }), entry(2, 900, { commit: "abc+" }), entry(3, 5), entry(4, 5)].map(
      ({ commit, ...rest }) => (rest.run > 2 ? rest : { ...rest, commit: commit! }),
    );
    expect(noiseOf(changed)).toEqual({ deviation: 0.05, freedom: 2 });
    expect(runsOf("1", changed).map(({ run }) => run)).toEqual([1]);
  });

  test("is taken for five percent while nobody knows, and failed runs say nothing", () => {
    expect(noiseOf([entry(1, 10), entry(2, 900, { passed: false }), entry(3, 20, { commit: "x" })])).toEqual({
      deviation: 0.05,
      freedom: 2,
    });
  });
});

test("what is assumed of the noise is said to be assumed, until runs were repeated", () => {
  const guess = "a score is assumed to move by 5.0 % by itself, until runs are repeated: ./fleet bench --repeat 3";
  expect([[entry(1, 10)], [entry(1, 10), entry(2, 20, { commit: "x" })]].map((all) => noiseText(noiseOf(all)))).toEqual([guess, guess]);
  expect(scoresPage("team-a", [entry(1, 10)])).toContain(`A${guess.slice(1)}.`);
  expect(noiseText(noiseOf([entry(1, 10), entry(2, 10)]))).toBe("a score moves by 4.1 % by itself");
});

describe("two that are compared", () => {
  const refused = (a: string, b: string, history: readonly RunEntry[]) => () => twoOf(a, b, history);

  test("of one run, that there is one", () => {
    expect(refused("best", "last", [entry(7, 10)])).toThrow("compare: expected two runs, got one, run 7; next: ./fleet bench");
  });

  test("words for one run, or for runs of one kind, are refused; two kinds are two", () => {
    const other = entry(2, 900, { commit: "fff0000" });
    expect(refused("best", "last", [entry(1, 10), other])).toThrow("got best and last, which are both run 2");
    expect(refused("1", "3", [entry(1, 10), other, entry(3, 11)])).toThrow("got 1 and 3, which have the same commit and configuration");
    expect(twoOf("1", "last", [entry(1, 10), other]).map((runs) => runs.map(({ run }) => run))).toEqual([[1], [2]]);
  });
});

describe("compared", () => {
  const noise = { deviation: 0.02, freedom: 12 };

  test("a difference far beyond the noise is known from one run each; one within it is not", () => {
    expect(compared([1000], [1200], noise)).toMatchObject({ verdict: "better" });
    expect(compared([1200], [1000], noise)).toMatchObject({ verdict: "worse" });
    expect(compared([1000], [1010], noise)).toMatchObject({ verdict: "not known" });
  });

  test("says how many runs would tell, and they do", () => {
    const { runsWanted = 0 } = compared([1000], [1030], noise);
    expect(runsWanted).toBeGreaterThan(2);
    const many = (score: number) => Array.from({ length: runsWanted }, () => score);
    expect(compared(many(1000), many(1030), noise).verdict).toBe("better");
  });

  test("is wrong no more often than it says: with no difference, at most one in ten is called one", () => {
    const random = chance(9);
    const verdicts = Array.from(
      { length: 2000 },
      () =>
        compared([noisy(random, 0.02), noisy(random, 0.02)], [noisy(random, 0.02), noisy(random, 0.02)], { deviation: 0.02, freedom: 1000 })
          .verdict,
    );
    const share = verdicts.filter((each) => each !== "not known").length / verdicts.length;
    expect(share).toBeGreaterThan(0.07);
    expect(share).toBeLessThan(0.13);
  });

  test("what never passed is worse than what did", () => {
    expect(compared([1000], [], noise)).toMatchObject({ verdict: "worse", why: "the second never passed" });
    expect(compared([], [], noise)).toMatchObject({ verdict: "not known" });
  });
});

describe("runs that a word means", () => {
  const history = [
    entry(1, 100),
    entry(2, 110),
    entry(3, 500, { commit: "fff0000" }),
    entry(4, 50, { commit: "fff0000", digest: "d2" }),
    entry(5, 9, { commit: "abc1234+" }),
  ];

  test("a run with those like it, a commit, the best, the last", () => {
    const runs = (word: string) => runsOf(word, history).map(({ run }) => run);
    expect([runs("1"), runs("fff0"), runs("fff0000aaaa"), runs("best"), runs("last"), runs("abc1234")]).toEqual([
      [1, 2],
      [3, 4],
      [3, 4],
      [3],
      [5],
      [1, 2],
    ]);
    expect(scoresOf(runsOf("2", history))).toEqual([100, 110]);
  });

  test("a word that means none is refused, with what there is", () => {
    expect(() => runsOf("99", history)).toThrow(
      "99: expected a run (1 to 5), last, best or a commit that was measured, got neither; next: ./fleet score",
    );
  });
});

describe("bisect", () => {
  const commits = Array.from({ length: 17 }, (_, index) => `c${index}`);

  test.for([1, 2, 8, 13, 16])("finds the commit that took 15 %% at place %d of 16, though a score moves by 3 %%", async (culprit) => {
    const random = chance(culprit!);
    let runs = 0;
    const measure = async (commit: string) => {
      runs++;
      return 1000 * (Number(commit.slice(1)) >= culprit! ? 0.85 : 1) * noisy(random, 0.03);
    };
    const found = await bisect({ commits, measure, deviation: 0.03, tell: () => {} });
    expect(found).toMatchObject({ found: `c${culprit}`, before: `c${culprit! - 1}` });
    expect(runs).toBeLessThan(20);
  });

  test("a commit whose runs fail is a bad one, measured no more than once", async () => {
    const asked: string[] = [];
    const measure = async (commit: string) => {
      asked.push(commit);
      return Number(commit.slice(1)) >= 3 ? 0 : 1000;
    };
    expect(await bisect({ commits: commits.slice(0, 5), measure, deviation: 0.05, tell: () => {} })).toMatchObject({ found: "c3" });
    expect(asked.filter((each) => each === "c3")).toHaveLength(1);
  });

  test("no difference is no commit's fault", async () => {
    const random = chance(2);
    const found = await bisect({ commits, measure: async () => 1000 * noisy(random, 0.03), deviation: 0.03, tell: () => {} });
    expect(found).toMatchObject({ why: "c16 is not worse than c0 by more than the noise" });
  });

  test("the more a score is like the bad one's, the surer", () => {
    const sure = [0.85, 0.9, 0.92, 0.95, 1].map((score) => badness([score], Math.log(1), Math.log(0.85), 0.03));
    expect(sure).toEqual([...sure].sort((a, b) => b - a));
    expect([sure[0]! > 0.99, sure[4]! < 0.01]).toEqual([true, true]);
  });
});

describe("commits of a checkout", () => {
  const folder = mkdtempSync(join(tmpdir(), "repository-"));
  const git = (...words: string[]) =>
    execFileSync("git", ["-c", "user.name=ada", "-c", "user.email=ada@example.org", ...words], { cwd: folder, encoding: "utf8" }).trim();
  git("init", "-q", "-b", "main");
  const made = ["one", "two", "three"].map((text) => {
    writeFileSync(join(folder, "a.yaml"), text);
    git("add", "a.yaml");
    git("commit", "-q", "-m", `Say ${text}`);
    return git("rev-parse", "--short=8", "HEAD");
  });
  const checkout = new Checkout(folder);

  test("from good to bad, in their order, with a file as it was at one", () => {
    expect(checkout.between("HEAD~2", "HEAD")).toEqual(made);
    expect(checkout.subject(made[1]!)).toBe("Say two");
    checkout.restore(made[1]!, ["a.yaml", "not-there"]);
    expect(readFileSync(join(folder, "a.yaml"), "utf8")).toBe("two");
    expect(() => checkout.refuseChanges(["a.yaml"])).toThrow(/expected a.yaml as committed, got changes/);
    checkout.restore("HEAD", ["a.yaml"]);
    checkout.refuseChanges(["a.yaml"]);
  });

  test("the wrong way round, and a commit that is none, are refused", () => {
    expect(() => checkout.between("HEAD", "HEAD~1")).toThrow(/expected \w+ to come after \w+, got nothing between them/);
    expect(() => checkout.between("nothing", "HEAD")).toThrow(/git rev-parse/);
  });
});

test("the page of all scores links each run, and says what was changed", () => {
  const page = scoresPage("team-a", [
    entry(1, 100),
    entry(2, 150, { commit: "fff0000", note: "<index>" }),
    entry(3, 0, { passed: false, digest: "d2", commit: "fff0000" }),
  ]);
  expect(page.match(/href="\d+\/report.html"/g)).toHaveLength(3);
  expect(page).toContain("&lt;index&gt;");
  expect(page).not.toMatch(/NaN|undefined|<index>/);
});
