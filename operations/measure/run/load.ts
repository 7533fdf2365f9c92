// A load of our own: wrk, with requests in turn, and its summary as a score.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "../../../provisioners/engine/shell-quote.ts";
import type { Load } from "../../../spec/bench.ts";
import { UserError } from "../../../spec/problem.ts";
import { secondsOf } from "../../../spec/scalars.ts";

const lua = (text: string): string =>
  `"${[...Buffer.from(text)].map((byte) => (byte >= 32 && byte < 127 && byte !== 34 && byte !== 92 ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`)).join("")}"`;

type Asked = Load["requests"][number];

const prepared = ({ method, path, body, headers }: Asked, host: string | undefined): string => {
  const all = Object.entries({ ...(host !== undefined && { Host: host }), ...headers });
  const table = `{${all.map(([name, value]) => `[${lua(name)}]=${lua(value)}`).join(", ")}}`;
  return `wrk.format(${lua(method)}, ${lua(path)}, ${table}, ${body === undefined ? "nil" : lua(body)})`;
};

/** Each thread of wrk has a state of its own, and goes through the requests from the beginning. */
export function luaScript({ requests, host }: Pick<Load, "requests" | "host">): string {
  const all = requests.flatMap((each) => Array.from({ length: each.weight }, () => prepared(each, host)));
  return `local all
local at = 0
function init()
  all = {${all.join(",\n    ")}}
end
function request()
  at = at % #all + 1
  return all[at]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("fleet %d %d %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes, e.status, e.connect + e.read + e.write + e.timeout, latency:percentile(99)))
end
`;
}

/** Throws a UserError before anything is touched. */
export function needsWrk(): void {
  if (spawnSync("wrk", ["-v"]).error !== undefined)
    throw new UserError(
      "bench: expected wrk, which makes the load, got none on this computer; next: apt-get install wrk, or say `bench: {command: …}`",
    );
}

/** Asks what goes before, then runs wrk. Shell text, so that it runs as any other benchmark does. */
export function loadCommand(load: Load, url: string): { readonly command: string; readonly clean: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "fleet-load-"));
  const script = join(folder, "load.lua");
  writeFileSync(script, luaScript(load));
  const before = load.before.map(({ method, path, body, headers }) =>
    [
      "curl -fsS -o /dev/null -m 60 -X",
      method,
      ...Object.entries({ ...(load.host !== undefined && { Host: load.host }), ...headers }).flatMap(([name, value]) => [
        "-H",
        quote(`${name}: ${value}`),
      ]),
      ...(body === undefined ? [] : ["--data-binary", quote(body)]),
      "-k",
      quote(`${url}${path}`),
    ].join(" "),
  );
  const threads = Math.min(2, load.connections);
  const wrk = `wrk -t${threads} -c${load.connections} -d${Math.max(1, Math.round(secondsOf(load.duration)))}s --timeout 10s --latency -s ${quote(script)} ${quote(url)}`;
  const judged = `awk '{ print } /^fleet /{ n = $2; s = $3 / 1000000; bad = $5 + $6; fflush()
  printf "%d requests, %d answers of 400 and more, %d without an answer, 99 %% within %.1f ms\\n", n, $5, $6, $7 / 1000
  if (n == 0 || bad > n / 100) print "FAIL: more than 1 % of the requests had no good answer"
  printf "score: %.0f\\n", (n - bad) / s }'`;
  return { command: ["set -e", ...before, `${wrk} | ${judged}`].join("\n"), clean: () => rmSync(folder, { recursive: true, force: true }) };
}
