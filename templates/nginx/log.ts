// Formats of the access log, both of which alp reads.

/** Label and variable, in the order in which alp's guide gives them. */
const ltsvFields = {
  time: "$time_iso8601",
  host: "$remote_addr",
  forwardedfor: "$http_x_forwarded_for",
  req: "$request",
  method: "$request_method",
  uri: "$request_uri",
  status: "$status",
  size: "$body_bytes_sent",
  referer: "$http_referer",
  ua: "$http_user_agent",
  reqtime: "$request_time",
  runtime: "$upstream_http_x_runtime",
  apptime: "$upstream_response_time",
  cache: "$upstream_http_x_cache",
  vhost: "$host",
} as const;

/** Under the names that `alp json` looks for. */
const jsonFields = {
  time: "$time_iso8601",
  host: "$remote_addr",
  method: "$request_method",
  uri: "$request_uri",
  status: "$status",
  body_bytes: "$body_bytes_sent",
  referer: "$http_referer",
  ua: "$http_user_agent",
  request_time: "$request_time",
  response_time: "$upstream_response_time",
  vhost: "$host",
} as const;

/** nginx reads `\t` in a quoted string as a tab, and writes a tab inside a value as `\x09`: the fields can't run into each other. */
function ltsv(): readonly string[] {
  const fields = Object.entries(ltsvFields).map(([label, variable]) => `${label}:${variable}`);
  return fields.map((field, index) => `"${field}${index < fields.length - 1 ? String.raw`\t"` : '";'}`);
}

function json(): readonly string[] {
  const fields = Object.entries(jsonFields).map(([label, variable]) => `"${label}":"${variable}"`);
  return fields.map((field, index) => `'${index === 0 ? "{" : ""}${field}${index < fields.length - 1 ? ",'" : "}';"}`);
}

export const logFormats = ["ltsv", "json"] as const;
type LogFormat = (typeof logFormats)[number];

export const logHead = (format: LogFormat): string => (format === "json" ? "json escape=json" : "ltsv");
export const logFields = (format: LogFormat): readonly string[] => (format === "json" ? json() : ltsv());
