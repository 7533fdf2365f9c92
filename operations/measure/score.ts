// The score, and whether the run passed, from what a benchmark printed.

export interface Verdict {
  /** Undefined where none was found. */
  readonly score?: number;
  readonly passed: boolean;
  /** Of one that failed. */
  readonly why?: string;
  /** What the benchmark said beside it: errors, reasons, deductions. */
  readonly messages: readonly string[];
}

/** With or without a mark between thousands; a space is one only where nothing follows it. */
const number =
  "(-?(?:[0-9]{1,3}(?:(?:,[0-9]{2,3})+(?![0-9])|(?:['_\\u00a0\\u2009\\u202f][0-9]{3})+(?![0-9])|(?:\\.[0-9]{3}){2,}(?![0-9.])|(?: [0-9]{3})+(?=\\s*(?:points?|点)?\\s*$))|[0-9]+)(?:\\.[0-9]+)?(?:[eE]\\+?[0-9]{1,2}(?![\\w.]))?)";
const find = (text: string, flags = ""): RegExp => new RegExp(text, `gm${flags}`);

/** As contests' benchmarks have printed it, the surest first: `"score":1234`, `score: 1234`, `スコア: 1234`, `1234 points`. */
const usual = [
  find(`"score"\\s*:\\s*"?${number}`, "i"),
  find(`\\bscore\\b["']?\\s*(?:[:=|]|is\\b)?\\s*${number}`, "i"),
  find(`(?:スコア|得点)[^0-9\\n-]{0,10}${number}`),
  find(`${number}\\s*(?:points?|点)`, "i"),
  find(`\\bscore\\b[^0-9\\n-]{0,20}${number}`, "i"),
];
/** Neither a part of a word, a date, a time or an address, nor a share. */
const last = find(`(?<![\\w.:/,'-])${number}(?![\\w/%,'-]|[.:]\\d)`);

const failures = /"pass"\s*:\s*false|\bpass(?:ed)?\b\s*[:=]\s*false|(?:^|[\s[:])FAIL(?:ED)?\b|\bCRITICAL\b|失格/m;
const telling =
  /\b(?:error|errors|warn(?:ing)?|critical|fail(?:ed|ure)?|timeout|reason|message|deduction|減点|失格|エラー)\b|減点|失格|エラー/i;

const mostMessages = 20;
const longestWhy = 100;

/** What a person or a benchmark wrote; undefined for what is no number. */
export function numberIn(text: string | undefined): number | undefined {
  const bare = (text ?? "").trim().replaceAll(/[,'_\s]/g, "");
  const value = Number(/^-?\d{1,3}(\.\d{3}){2,}$/.test(bare) ? bare.replaceAll(".", "") : bare);
  return bare === "" || !Number.isFinite(value) ? undefined : value;
}

/** Of several the last: benchmarks print how it stands as they go. */
function lastMatch(pattern: RegExp, output: string): string | undefined {
  let found: string | undefined;
  for (const match of output.matchAll(pattern)) found = match[1] ?? match[0];
  return found;
}

/** @param guess whether the last number will do */
function scoreIn(output: string, given: RegExp | undefined, guess: boolean): number | undefined {
  if (given) return numberIn(lastMatch(given, output));
  for (const pattern of guess ? [...usual, last] : usual) {
    const found = numberIn(lastMatch(pattern, output));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Colours gone, and digits as they are everywhere. */
const plain = (output: string): string =>
  output
    .replaceAll(ansi, "")
    .replaceAll(/[\uff10-\uff19\uff0c\uff0e\uff1a\uff0d]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));
const ansi = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;

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
  { score, fail, seen }: { readonly score?: string; readonly fail?: string; readonly seen?: number } = {},
): Verdict {
  const text = plain(output);
  const found = seen ?? scoreIn(text, score === undefined ? undefined : find(score), code === 0);
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  const bad = fail === undefined ? failures : new RegExp(fail, "m");
  const failed = bad.test(text) ? (lines.find((line) => bad.test(line)) ?? "failed") : undefined;
  const messages = inJson(text)?.messages ?? lines.filter((line) => telling.test(line));
  const why = failed ?? (code === 0 ? (found === undefined ? noScore(score) : undefined) : `exit code ${code}`);
  return {
    passed: why === undefined,
    messages: [...new Set(messages)].slice(0, mostMessages),
    ...(found !== undefined && { score: found }),
    ...(why !== undefined && { why: why.slice(0, longestWhy) }),
  };
}

const noScore = (pattern: string | undefined): string =>
  `${pattern === undefined ? "no score" : "nothing that bench.score fits"} in its output`;
