// wrk from this computer against a page of the server's.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "../../provisioners/engine/shell-quote.ts";
import type { Pass, Point } from "./model.ts";

export interface WebHow {
  /** `{address}` stands for the server's. */
  readonly url: string;
  readonly time: number;
  readonly ramp: number;
}

/** Requests are counted by the second as they are made: a connection makes one when it has the answer to the last. */
const script = `local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() made = {} end
function request()
  local now = os.time()
  made[now] = (made[now] or 0) + 1
  return wrk.format()
end
function done(summary, latency)
  local all = {}
  for _, thread in ipairs(threads) do
    for second, count in pairs(thread:get("made")) do all[second] = (all[second] or 0) + count end
  end
  for second, count in pairs(all) do io.write(string.format("second %d %d\\n", second, count)) end
  local e = summary.errors
  io.write(string.format("sum %d %d %d %.3f %.3f %.3f %.3f\\n", summary.requests, summary.duration, e.status + e.connect + e.read + e.write + e.timeout,
    latency.mean / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
`;

export const webUrl = ({ url }: Pick<WebHow, "url">, address: string): string => url.replaceAll("{address}", address);

/** The ramp-up is a run of its own. */
export function webCommand({ url, time, ramp }: WebHow, connections: number): { readonly command: string; readonly clean: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "fleet-lab-"));
  const file = join(folder, "lab.lua");
  writeFileSync(file, script);
  const wrk = (seconds: number) =>
    `wrk -t${Math.min(2, connections)} -c${connections} -d${seconds}s --timeout 10s -s ${quote(file)} ${quote(url)}`;
  const all = [...(ramp > 0 ? [`${wrk(ramp)} >/dev/null`] : []), wrk(time)];
  return { command: `set -e\n${all.join("\n")}`, clean: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Pure. Throws where wrk said nothing that can be read. */
export function webSaid(text: string, connections: number): Pick<Pass, "rate" | "ms" | "errors" | "points"> {
  const sum = /^sum (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)$/m.exec(text)?.slice(1).map(Number);
  if (!sum) throw new Error(`expected wrk's figures, got ${text.slice(-300)}`);
  const [requests = 0, microseconds = 1, errors = 0, mean = 0, p95 = 0, p99 = 0, max = 0] = sum;
  const counts = [...text.matchAll(/^second (\d+) (\d+)$/gm)]
    .map(([, at, count]) => [Number(at), Number(count)] as const)
    .sort(([a], [b]) => a - b);
  // The first and the last second are parts of one.
  const whole = counts.slice(1, -1);
  const zero = counts[0]?.[0] ?? 0;
  const points: Point[] = whole.map(([at, rate]) => ({ at: at - zero, rate, ...(rate > 0 && { ms: (connections / rate) * 1000 }) }));
  return { rate: ((requests - errors) / microseconds) * 1e6, ms: { mean, p95, p99, max }, errors, points };
}
