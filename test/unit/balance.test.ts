// A server out of what balances over it: found in nginx and haproxy, changed as the next up would write it, and said in the stack file.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type Balancer,
  ended,
  type Left,
  type Placed,
  peersOf,
  placesOf,
  refuseBroken,
  refuseLast,
  type Target,
  tell,
} from "../../operations/balance/drain.ts";
import { haproxyCommands, haproxyServers } from "../../operations/balance/haproxy.ts";
import { filesIn, groupsIn, withShares } from "../../operations/balance/nginx.ts";
import { leftScript, nginxScript, partsIn } from "../../operations/balance/scripts.ts";
import { shareText, withShare } from "../../operations/balance/stack-share.ts";
import type { RunOptions, Shell } from "../../provisioners/engine/shell.ts";
import type { Command } from "../../provisioners/engine/shell-quote.ts";
import { settledUpstream } from "../../provisioners/roles/nginx/sites.ts";
import { Upstream, upstream } from "../../templates/nginx/upstream.ts";
import { sharedOut, unshared } from "../../templates/shares.ts";
import { localShell } from "../support/local-shell.ts";

const conf = `upstream team {
    least_conn;
    server isu2:8080;
    server 10.0.0.3:8080 weight=3 max_fails=2; # the big one
    server 10.0.0.4:8080 down;
    keepalive 64;
}
upstream local {
    server 127.0.0.1:8080;
}
server { listen 80; location / { proxy_pass http://team; } }`;

/** By host, in per cent. */
const of =
  (shares: Readonly<Record<string, number>>) =>
  ({ host }: { host: string }) =>
    shares[host];

describe("nginx", () => {
  test("its files and groups are read from what nginx itself prints", () => {
    const files = filesIn(
      `# configuration file /etc/nginx/nginx.conf:\nuser x;\n\n# configuration file /etc/nginx/sites-enabled/a:\n${conf}\n\n`,
    );
    expect(Object.keys(files)).toEqual(["/etc/nginx/nginx.conf", "/etc/nginx/sites-enabled/a"]);
    expect(groupsIn("/a", conf)[0]!.peers).toEqual([
      { host: "isu2", port: 8080, weight: 1, down: false },
      { host: "10.0.0.3", port: 8080, weight: 3, down: false },
      { host: "10.0.0.4", port: 8080, weight: 1, down: true },
    ]);
  });

  test("several on one line are several, and a comment is none", () => {
    const text =
      "upstream a { server isu1:80; server isu2:80; } # server isu9;\nupstream b {\n  # server isu3; server isu4;\n  server isu5;\n}\n";
    expect(groupsIn("/a", text).map(({ peers }) => peers.map(({ host }) => host))).toEqual([["isu1", "isu2"], ["isu5"]]);
    const drained = withShares(text, of({}), of({ isu2: 0 }));
    expect(drained).toContain("upstream a { server isu1:80; server isu2:80 down; }");
    expect(withShares(drained, of({ isu2: 0 }), of({ isu2: 100 }))).toBe(text);
  });

  test("drained is `down` in its place; enabled, the text is what it was", () => {
    const drained = withShares(conf, of({}), of({ "10.0.0.3": 0 }));
    expect(drained).toContain("    server 10.0.0.3:8080 weight=3 max_fails=2 down; # the big one\n    server 10.0.0.4:8080 down;");
    expect(withShares(drained, of({ "10.0.0.3": 0 }), of({ "10.0.0.3": 100 }))).toBe(conf);
  });

  test("a part of a share makes the group count in hundredths, and all of it takes that back", () => {
    const part = withShares(conf, of({}), of({ isu2: 20 }));
    expect(part).toContain("server isu2:8080 weight=20;\n    server 10.0.0.3:8080 weight=300 max_fails=2;");
    expect(withShares(part, of({ isu2: 20 }), of({ isu2: 100 }))).toContain(
      "server isu2:8080;\n    server 10.0.0.3:8080 weight=3 max_fails=2;",
    );
  });

  test("one that somebody else took out comes in where it is meant, and stays out otherwise", () => {
    expect(withShares(conf, of({}), of({ "10.0.0.4": 100 }))).toContain("server 10.0.0.4:8080;");
    expect(withShares(conf, of({}), of({ isu2: 0 }))).toContain("server 10.0.0.4:8080 down;");
  });

  test("a server's way to its own application is left alone", () => {
    expect(withShares(conf, of({}), of({ "127.0.0.1": 0 }))).toBe(conf);
  });

  test.for([0, 20, 100])("with %d %%, what is changed at run time is what the role writes", (share) => {
    const servers = [
      { host: "isu2", port: 8080 },
      { host: "10.0.0.3", port: 8080, weight: 3 },
    ];
    const team = (with_: object) => {
      const view = (name: string, privateAddress: string, more: object = {}) => ({
        name,
        privateAddress,
        roles: [],
        account: "x",
        ports: [],
        ...more,
      });
      return {
        self: view("isu1", "10.0.0.1"),
        team: { servers: [view("isu2", "10.0.0.2", with_), view("isu3", "10.0.0.3")], endpoints: [] },
      };
    };
    const text = (more: object) => String(upstream(settledUpstream(Upstream.parse({ name: "team", servers }), team(more) as never)));
    expect(withShares(text({}), of({}), of({ isu2: share }))).toBe(text(share === 100 ? {} : { share }));
  });

  test("shares are taken back to the weights that they came from", () => {
    const group = [
      { weight: 1, down: false },
      { weight: 7, down: false },
      { weight: 2, down: false },
    ];
    for (const shares of [
      [100, 100, 100],
      [0, 100, 100],
      [20, 100, 0],
      [1, 99, 50],
    ])
      expect(unshared(sharedOut(group, shares), shares)).toEqual(group);
  });

  test("files are written whole, and put back where nginx refuses them", () => {
    const { text } = nginxScript([{ path: "/etc/nginx/a b", was: "y\n", content: "x\n" }]);
    expect(text).toContain("readlink -f -- '/etc/nginx/a b'");
    const order = ["nginx -t", "pgrep -P", "systemctl reload nginx", "is shutting down"].map((each) => text.lastIndexOf(each));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  test.for([
    ["that somebody wrote since the look", Buffer.from("upstream a { server b; }\n")],
    ["that is no UTF-8", Buffer.from("# \xa4\xa2\n", "latin1")],
  ] as const)("a file %s is left alone", async ([, bytes]) => {
    const shell = localShell();
    try {
      const path = join(shell.root, "site");
      writeFileSync(path, bytes);
      const was = bytes.toString("utf8").replace("server b;", "");
      const { code, stderr } = await shell.run(nginxScript([{ path, was, content: "ours\n" }]));
      expect([code, stderr]).toEqual([1, `${path}: expected it as it was looked at, got another text, or one that is no UTF-8\n`]);
      expect(readFileSync(path)).toEqual(bytes);
    } finally {
      await shell.close();
    }
  });
});

describe("haproxy", () => {
  const state = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord
3 app 1 isu1 10.0.0.1 2 0 100 100 9 6 3 4 6 0 0 0 - 8080 -
3 app 2 isu3 10.0.0.3 2 8 50 100 9 6 3 4 6 0 0 0 - 8080 -
`;
  const stat = "# pxname,svname,qcur,qmax,scur,smax\napp,isu1,0,0,4,9\napp,isu3,0,0,1,9\n";

  test("its servers are read from its socket", () => {
    expect(haproxyServers(state, stat)).toEqual([
      { backend: "app", name: "isu1", host: "10.0.0.1", port: 8080, weight: 100, out: false, sessions: 4 },
      { backend: "app", name: "isu3", host: "10.0.0.3", port: 8080, weight: 50, out: true, sessions: 1 },
    ]);
    expect(haproxyServers("", "")).toEqual([]);
  });

  test("is told by its socket", () => {
    const server = { backend: "app", name: "isu3" };
    expect(haproxyCommands(server, 0, 100)).toEqual(["set server app/isu3 state drain"]);
    expect(haproxyCommands(server, 20, 100)).toEqual(["set server app/isu3 state ready", "set server app/isu3 weight 20"]);
  });
});

describe("over a team", () => {
  const target = (name: string, now = 0): Target => ({ name, hosts: [name, `10.0.0.${name.at(-1)}`], before: 100, now });
  const files = { "/a": conf };
  const balancer: Balancer = { server: "isu1", haproxy: [], files, groups: groupsIn("/a", conf), real: {} };

  test("every place is found, by name and by address", () => {
    expect(placesOf([balancer], [target("isu3")])).toMatchObject([
      { balancer: "isu1", kind: "nginx", group: "team", host: "10.0.0.3", others: 1 },
    ]);
    expect(placesOf([balancer], [target("isu1")])).toEqual([]);
  });

  test("connections to it are counted by its addresses, also where it is balanced over by name", () => {
    const named = conf.replaceAll("10.0.0.3", "isu3");
    const places = placesOf([{ ...balancer, groups: groupsIn("/a", named) }], [target("isu3")]);
    expect(places).toMatchObject([{ host: "isu3" }]);
    expect(peersOf(places)).toEqual([{ host: "10.0.0.3", port: places[0]!.port }]);
    expect(peersOf(placesOf([balancer], [target("isu3")]))).toEqual([{ host: "10.0.0.3", port: places[0]!.port }]);
  });

  test("a balancer whose nginx refuses its own files stops all of it", () => {
    expect(() => refuseBroken([balancer, { ...balancer, server: "isu2", broken: "nginx: [emerg] no" }])).toThrow(
      "isu2: expected nginx to take its own files, got: nginx: [emerg] no; next: mend it there; nothing was changed",
    );
    expect(() => refuseBroken([balancer])).not.toThrow();
  });

  test("the last that answers is not taken out", () => {
    const places = placesOf([balancer], [target("isu2"), target("isu3")]);
    expect(() => refuseLast(places)).toThrow(
      "isu2: expected another server that answers for nginx team on isu1, got none; next: ./fleet enable another one, or add --anyway",
    );
    expect(() => refuseLast(placesOf([balancer], [target("isu2", 50), target("isu3", 50)]))).not.toThrow();
  });

  test("what a balancer refuses is told in its words", async () => {
    const shell: Shell = {
      host: "isu1",
      run: async (_script: Command, _options?: RunOptions) => ({ code: 1, stdout: Buffer.alloc(0), stderr: "nginx: [emerg] no\n" }),
      close: async () => {},
    };
    const told = tell(balancer, shell, { targets: [target("isu3")], shareOf: () => 100 }, new AbortController().signal);
    await expect(told).rejects.toThrow("nginx refused it, and is as it was: nginx: [emerg] no");
  });

  test("a balancer that waits for its old workers is not given up before it has put all back", async () => {
    const asked: [string, number][] = [];
    const shell: Shell = {
      host: "isu1",
      run: async ({ text }: Command, { deadline = 0 }: RunOptions = {}) => {
        asked.push([text, deadline]);
        return { code: 0, stdout: Buffer.alloc(0), stderr: "" };
      },
      close: async () => {},
    };
    await tell(balancer, shell, { targets: [target("isu3")], shareOf: () => 100 }, new AbortController().signal);
    const [[text, deadline]] = asked as [[string, number]];
    const [, tries] = /"\$tries" -lt (\d+) \]/.exec(text) ?? [];
    // A try takes a tenth of a second, and as long again on a busy server.
    expect(deadline).toBeGreaterThan(Number(tries) * 200);
  });

  test("parts of a look are told apart by their mark", () => {
    expect(partsIn("@m", "@m state\na\nb\n@m nginx\nc\n")).toEqual({ state: "a\nb\n", nginx: "c\n" });
  });
});

describe("the stack file", () => {
  const text = `# ours
config:
  contest-fleet:fleet:
    servers:
      isu1: {roles: [base], address: 10.0.0.1} # front
      isu2:
        # the app
        roles: [base,  app]
        address: 10.0.0.2
      isu3: { share: 50, roles: [base] }
encryptionsalt: v1:x
`;

  test("says the share, and stays to the letter otherwise", () => {
    expect(withShare(text, { isu1: 0 })).toBe(text.replace("10.0.0.1}", "10.0.0.1, share: 0}"));
    expect(withShare(text, { isu2: 20 })).toBe(
      text.replace("        roles: [base,  app]", "        share: 20\n        roles: [base,  app]"),
    );
    expect(withShare(text, { isu3: 0 })).toBe(text.replace("share: 50", "share: 0"));
    expect(withShare(text, { isu3: 100 })).toBe(text.replace("share: 50, ", ""));
  });

  test("drained and enabled again, it is what it was", () => {
    for (const server of ["isu1", "isu2"]) expect(withShare(withShare(text, { [server]: 0 }), { [server]: 100 })).toBe(text);
    expect(() => withShare(text, { isu9: 0 })).toThrow("servers.isu9: expected it in the stack file");
  });
});

describe("a server that is out", () => {
  const places = (kind: "nginx" | "haproxy"): readonly Placed[] => [
    {
      ...{ balancer: "isu1", kind, group: "app", host: "10.0.0.2", port: 8080, others: 1 },
      target: { name: "isu2", hosts: [], before: 100, now: 0 },
    },
  ];
  const left = async (kind: "nginx" | "haproxy", said: string[], patience = 60_000) => {
    const seen: Left[] = [];
    const shell = { run: async () => ({ code: 0, stdout: Buffer.from(said.shift() ?? "0\n0\n"), stderr: "" }) } as unknown as Shell;
    const at = { until: Date.now() + patience, signal: new AbortController().signal, onLeft: (each: Left) => void seen.push(each) };
    return { end: await ended(shell, places(kind), at), looks: seen.length };
  };

  test("is one when nginx' old workers have no client either: one that sends its body slowly is still to be served", async () => {
    expect(await left("nginx", ["2\n1\n", "0\n1\n"])).toEqual({ end: { connections: 0, workers: 0 }, looks: 3 });
    expect(await left("nginx", ["0\n1\n"], 0)).toEqual({ end: { connections: 0, workers: 1 }, looks: 1 });
    expect(await left("haproxy", ["0\n1\n"])).toEqual({ end: { connections: 0, workers: 0 }, looks: 1 });
  });

  test("is asked after by a script that says two numbers, also where it is known by a name alone", () => {
    const said = (peers: Parameters<typeof leftScript>[0]) => execFileSync("sh", ["-c", leftScript(peers).text], { encoding: "utf8" });
    expect([said([{ host: "192.0.2.1", port: 8080 }]), said([])]).toEqual([
      expect.stringMatching(/^0\n\d+\n$/),
      expect.stringMatching(/^0\n\d+\n$/),
    ]);
  });
});

test("what a server gets from now on is said in words", () => {
  expect([0, 30, 100].map(shareText)).toEqual([
    "gets no new requests",
    "gets 30 % of its usual share of the requests",
    "gets its full share of the requests",
  ]);
});
