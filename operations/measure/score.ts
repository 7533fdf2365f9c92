// The score, and whether the run passed, from what a benchmark printed.

export interface Verdict {
  /** Undefined where none was found. */
  readonly score?: number;
  readonly passed: boolean;
  /** What the benchmark said beside it: errors, reasons, deductions. */
  readonly messages: readonly string[];
}

const number = "(-?[0-9][0-9,]*(?:\\.[0-9]+)?)";

/** As contests' benchmarks have printed it, the surest first: `"score":1234`, `score: 1234`, `スコア: 1234`, `1234 points`. */
const usual = [
  new RegExp(`"score"\\s*:\\s*${number}`, "i"),
  new RegExp(`\\bscore\\b[^0-9\\n-]{0,20}${number}`, "i"),
  new RegExp(`(?:スコア|得点)[^0-9\\n-]{0,10}${number}`),
  new RegExp(`${number}\\s*(?:points?|点)`, "i"),
];

const failures = /"pass"\s*:\s*false|\bpass(?:ed)?\b\s*[:=]\s*false|(?:^|[\s[:])FAIL(?:ED)?\b|\bCRITICAL\b|失格/m;
const telling =
  /\b(?:error|errors|warn(?:ing)?|critical|fail(?:ed|ure)?|timeout|reason|message|deduction|減点|失格|エラー)\b|減点|失格|エラー/i;

const mostMessages = 20;

const toNumber = (text: string | undefined): number | undefined => {
  const value = Number((text ?? "").replaceAll(",", ""));
  return text === undefined || !Number.isFinite(value) ? undefined : value;
};

/** Of several the last: benchmarks print how it stands as they go. */
function lastMatch(pattern: RegExp, output: string): string | undefined {
  let found: string | undefined;
  for (const match of output.matchAll(new RegExp(pattern, pattern.flags.includes("g") ? pattern.flags : `${pattern.flags}g`)))
    found = match[1] ?? match[0];
  return found;
}

function scoreIn(output: string, given: RegExp | undefined): number | undefined {
  if (given) return toNumber(lastMatch(given, output));
  for (const pattern of usual) {
    const found = toNumber(lastMatch(pattern, output));
    if (found !== undefined) return found;
  }
  return toNumber(lastMatch(new RegExp(`(?<![\\w.])${number}(?![\\w.])`), output));
}

/** One JSON object over several lines or in one, such as `{"pass":true,"score":1710,"messages":["…"]}`. */
function inJson(output: string): { readonly messages: readonly string[] } | undefined {
  for (const line of output.split("\n").reverse()) {
    if (!line.trimStart().startsWith("{")) continue;
    try {
      const { messages } = JSON.parse(line) as { readonly messages?: unknown };
      if (Array.isArray(messages)) return { messages: messages.map(String) };
    } catch {
      // A line that only begins like it.
    }
  }
  return undefined;
}

/** @param code exit code of the benchmark; some end with 0 whatever happened */
export function verdictIn(
  output: string,
  code: number,
  { score, fail }: { readonly score?: string; readonly fail?: string } = {},
): Verdict {
  const found = scoreIn(output, score === undefined ? undefined : new RegExp(score, "m"));
  const failed = fail === undefined ? failures.test(output) : new RegExp(fail, "m").test(output);
  const lines = output.split("\n").map((line) => line.trim());
  const messages = inJson(output)?.messages ?? lines.filter((line) => telling.test(line));
  return {
    passed: code === 0 && !failed && found !== undefined,
    messages: [...new Set(messages)].slice(0, mostMessages),
    ...(found !== undefined && { score: found }),
  };
}
