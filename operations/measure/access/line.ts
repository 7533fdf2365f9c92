// One line of an access log, whatever its format: LTSV, JSON, or the combined format with or without a request time at its end.

export interface Request {
  readonly method: string;
  /** With its query, as the client sent it. */
  readonly uri: string;
  readonly status: number;
  readonly bytes: number;
  /** Seconds; undefined where the log does not say. */
  readonly seconds?: number;
  /** As written. */
  readonly time: string;
}

export type LogFormat = "ltsv" | "json" | "combined";

/** By a line of it; undefined for what is none of them. */
export function formatOf(line: string): LogFormat | undefined {
  if (/^\s*\{/.test(line)) return "json";
  if (/^[A-Za-z_][\w.-]*:[^\t]*\t/.test(line)) return "ltsv";
  return combined.test(line) ? "combined" : undefined;
}

/** Names that logs give to each; the first that is there counts. */
const names = {
  time: ["time", "time_local", "time_iso8601", "timestamp"],
  method: ["method", "request_method"],
  uri: ["uri", "request_uri", "path", "url"],
  request: ["req", "request"],
  status: ["status", "code"],
  bytes: ["size", "body_bytes", "body_bytes_sent", "bytes_sent", "bytes"],
  // What the application took, where it was asked; else the whole of it. alp has the same order.
  seconds: ["apptime", "response_time", "upstream_response_time", "urt"],
  whole: ["reqtime", "request_time", "rt"],
} as const;

type Get = (name: string) => string | undefined;

/** `-` and empty stand for nothing, and so do several times of several tries. */
function numberIn(get: Get, candidates: readonly string[]): number | undefined {
  for (const name of candidates) {
    const text = get(name);
    if (text === undefined || text === "") continue;
    const value = Number(text);
    if (Number.isFinite(value)) return value;
  }
  return undefined;
}

function textIn(get: Get, candidates: readonly string[]): string | undefined {
  for (const name of candidates) {
    const text = get(name);
    if (text !== undefined && text !== "" && text !== "-") return text;
  }
  return undefined;
}

function requestBy(get: Get): Request | undefined {
  const [ofMethod, ofUri] = (textIn(get, names.request) ?? "").split(" ");
  // alp counts what has none, too.
  const method = textIn(get, names.method) ?? (ofUri === undefined ? "-" : ofMethod!);
  const uri = textIn(get, names.uri) ?? ofUri;
  const status = numberIn(get, names.status);
  if (!uri || status === undefined) return undefined;
  const seconds = numberIn(get, names.seconds) ?? numberIn(get, names.whole);
  return {
    method,
    uri,
    status,
    bytes: numberIn(get, names.bytes) ?? 0,
    time: textIn(get, names.time) ?? "",
    ...(seconds !== undefined && { seconds }),
  };
}

/** Looks only for what is asked: most labels of a line never are. */
function ltsv(line: string): Request | undefined {
  return requestBy((name) => {
    const label = `${name}:`;
    const at = line.startsWith(label) ? 0 : line.indexOf(`\t${label}`) + 1;
    if (at === 0 && !line.startsWith(label)) return undefined;
    const from = at + label.length;
    const end = line.indexOf("\t", from);
    return end < 0 ? line.slice(from) : line.slice(from, end);
  });
}

/** nginx without `escape=json` writes a quote as `\x22`, which is no JSON. */
function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return JSON.parse(line.replace(/\\x([0-9A-Fa-f]{2})/g, "\\u00$1"));
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" || typeof value === "number" ? String(value) : undefined);

function json(line: string): Request | undefined {
  try {
    const fields = parsed(line);
    const { request } = fields;
    const within = typeof request === "object" && request !== null ? (request as Record<string, unknown>) : {};
    return requestBy((name) => textOf(fields[name]) ?? textOf(within[name]));
  } catch {
    return undefined;
  }
}

const combined = /^[^ ]+ [^ ]+ .*?\[([^\]]+)\] "([A-Z][A-Z-]*) ([^ ]+)[^"]*" (\d{3}) (\d+|-)(.*)$/;
/** Referer, user agent and the like; a time in quotes is one all the same. */
const quoted = /"((?:[^"\\]|\\.)*)"/g;
const withoutText = (rest: string): string => rest.replace(quoted, (whole, text: string) => (/^\d+\.\d+$/.test(text) ? whole : "-"));
/** Behind them: `0.012`; what follows it is the upstream's, several times where several were tried. */
const timeAtEnd = /(?:^|[\s="])(\d+\.\d+)(?:"?\s+(?:-|[\d.]+)(?:(?:,| :) (?:-|[\d.]+))*)?(?:"?\s+[p.])?"?\s*$/;
/** `rt=0.012 urt="0.011"`, wherever they stand. */
const [upstreamTime, wholeTime] = [names.seconds, names.whole].map(
  (all) => new RegExp(`(?:^|[\\s"])(?:${all.join("|")})[=:]"?(\\d+\\.\\d+)"?(?=\\s|$)`),
) as [RegExp, RegExp];

function timeIn(text: string): string | undefined {
  const named = /[=:]/.test(text) ? (upstreamTime.exec(text) ?? wholeTime.exec(text)) : null;
  return (named ?? timeAtEnd.exec(text))?.[1];
}

function common(line: string): Request | undefined {
  const [, time = "", method = "", uri = "", status, bytes, rest = ""] = combined.exec(line) ?? [];
  if (status === undefined) return undefined;
  const seconds = timeIn(withoutText(rest));
  return {
    method,
    uri,
    status: Number(status),
    bytes: bytes === "-" ? 0 : Number(bytes),
    time,
    ...(seconds !== undefined && { seconds: Number(seconds) }),
  };
}

const readers: Readonly<Record<LogFormat, (line: string) => Request | undefined>> = { ltsv, json, combined: common };

/** Undefined where the line is not whole, or no request. */
export const requestIn = (line: string, format: LogFormat): Request | undefined => readers[format](line);
