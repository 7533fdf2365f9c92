// What nginx and php-fpm say of themselves during a run, and what is made of it.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { ServerReport } from "../../operations/measure/analyse.ts";
import { findingsIn } from "../../operations/measure/report/findings.ts";
import { nginxLogs } from "../../operations/measure/run/nginx-logs.ts";
import { placeIn } from "../../operations/measure/run/place.ts";
import { parts, prepare, snippet } from "../../operations/measure/run/scripts.ts";
import { sampler } from "../../operations/measure/samples/sampler.ts";
import { poolsIn, statusSampler, statusServer, type WebStatus, webStatus } from "../../operations/measure/samples/web-status.ts";
import { Profile } from "../../spec/bench.ts";

const pools = `[global]
pid = /run/php-fpm.pid
[www]
listen = /run/php/$pool.sock
;listen = 9000
pm.status_path = /my-status
[api]
listen = 9001
pm.status_path = "/s"
[quiet]
listen = 127.0.0.1:9002
[odd]
listen = /run/x;y
pm.status_path = /a{b
`;

test("pools that tell their status, and those that do not", () => {
  expect(poolsIn(pools)).toEqual({
    asked: [
      { name: "www", listen: "unix:/run/php/www.sock", status: "/my-status" },
      { name: "api", listen: "127.0.0.1:9001", status: "/s" },
    ],
    silent: ["quiet", "odd"],
  });
  const place = placeIn(`${parts.nginx}\n${parts.mysql}\n${parts.pools}\n${pools}${parts.rest}\n`);
  expect(place.pools?.map(({ name }) => name)).toEqual(["www", "api"]);
  expect(place.remarks).toEqual([expect.stringContaining("pool quiet, odd says no pm.status_path")]);
  expect(place.mysql).toBeUndefined();
});

test("the server that is added is heard on this computer alone, and switches no log of the team's off", () => {
  const text = statusServer(poolsIn(pools).asked);
  expect(text).toContain("listen 127.0.0.1:FLEET_PORT;");
  // A retest tells a run's log that was left on by this.
  expect(text).not.toContain("access_log off");
  expect(text.match(/fastcgi_pass (\S+);/g)).toEqual(["fastcgi_pass unix:/run/php/www.sock;", "fastcgi_pass 127.0.0.1:9001;"]);
  const left = `# configuration file /etc/nginx/nginx.conf:\nhttp {\n include /etc/nginx/conf.d/*.conf;\n}\n# configuration file ${snippet}:\n${text}`;
  expect(nginxLogs(left)).toMatchObject({ own: [], shared: [], silentServers: false });
});

test("what asks is text that bash and sh can read", () => {
  const asks = statusSampler([{ name: "it's", listen: "x", status: "/s" }], "80");
  expect(spawnSync("bash", ["-n"], { input: asks, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  const place = { nginx: { add: true, own: [], silencedBy: [] }, pools: poolsIn(pools).asked };
  const { text } = prepare(place, [], { sampler: sampler(60, {}), profile: Profile.parse({}) });
  expect(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
});

const answer = (
  time: number,
  [active, accepts]: readonly [number, number],
  [working, queue, reached]: readonly [number, number, number],
) => `@ ${time}
nginx\tHTTP/1.1 200 OK
nginx\tActive connections: ${active}
nginx\tserver accepts handled requests
nginx\t ${accepts} ${accepts} ${accepts}
nginx\tReading: 0 Writing: 3 Waiting: 5
pool www\tHTTP/1.1 200 OK
pool www\tactive processes:     ${working}
pool www\tidle processes:       2
pool www\tlisten queue:         ${queue}
pool www\tmax children reached: ${reached}
`;

const said = (text: string): WebStatus => {
  const taker = webStatus();
  for (const line of text.split("\n")) taker.line(line);
  return taker.end();
};

describe("by the second", () => {
  test("connections and workers, without the question's own", () => {
    expect(said(`${answer(10, [9, 100], [3, 0, 1])}${answer(12, [11, 121], [5, 4, 3])}@ 13\nnginx\tHTTP/1.1 502 Bad Gateway\n`)).toEqual({
      nginx: { times: [12], active: [10], writing: [2], waiting: [5], accepted: [10] },
      pools: [{ name: "www", times: [10, 12], active: [2, 4], idle: [2, 2], queue: [0, 4], full: 2 }],
    });
    expect(said("@ 1\n@ 2\n")).toEqual({ pools: [] });
  });

  const report = (web: WebStatus, nginx: string): ServerReport => ({
    ...{ server: "isu1", hardware: {}, configuration: { nginx }, apart: [], journal: [], web },
  });
  const whats = (web: WebStatus, nginx: string) => findingsIn([report(web, nginx)]).map(({ what }) => what);
  const busy = said(`${answer(10, [9, 100], [3, 0, 1])}${answer(12, [951, 121], [5, 4, 3])}`);
  const { pools: _, ...connections } = busy;

  test("limits that were reached are looked at first", () => {
    expect(whats(busy, "worker_processes 1;\n  worker_connections 1000;\n")).toEqual([
      "nginx's connections ran out",
      "php-fpm's workers ran out",
    ]);
    expect(whats({ ...connections, pools: [] }, "worker_processes 2;\nworker_connections 1000;\n")).toEqual([]);
  });
});
