// The runner's shell functions, for real under dash: a fake systemctl keeps services as files, and a run is killed after every one of its lines.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { prelude } from "../../provisioners/engine/prelude.ts";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
const put = (path: string, text: string): void => writeFileSync(at(path), text);
const get = (path: string): string | undefined => (existsSync(at(path)) ? readFileSync(at(path), "utf8") : undefined);

/** A service is active when its start finds `good` in the file `config`; what it runs with is in `live`. Every call is noted. */
const systemctl = `#!/bin/sh
echo "$*" >> calls
verb=$1
case $verb in
  show) case $3 in LoadState) cat load ;; RuntimeDirectory) cat folders ;; User) echo ;; Group) echo ;; RuntimeDirectoryMode) echo 0750 ;; *) echo "ActiveState=$(cat active)"; echo "NRestarts=$(cat restarts)" ;; esac ;;
  is-failed) [ "$(cat active)" = failed ] ;;
  reset-failed) echo inactive > active ;;
  start|restart|reload) if grep -q good config; then echo active > active; cp config live; else echo failed > active; exit 1; fi ;;
esac
exit
`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fleet-prelude-"));
  for (const folder of ["bin", "state", "etc"]) mkdirSync(at(folder));
  for (const [name, text] of Object.entries({ systemctl, journalctl: "#!/bin/sh\necho 'the journal says: bad line'\n" })) {
    put(`bin/${name}`, text);
    chmodSync(at("bin", name), 0o755);
  }
  const files = { folders: "\n", active: "active\n", load: "loaded\n", restarts: "0\n", config: "good 1\n", live: "good 1\n" };
  for (const [name, text] of Object.entries(files)) put(name, text);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function run(body: string, shell = "dash"): { readonly code: number | null; readonly out: string } {
  const head = `set -u\numask 022\ncd ${root}\nstate=${root}/state run=nonce\n${prelude}\ntell() { printf '@%s\\n' "$*"; }\n`;
  const { status, stdout, stderr } = spawnSync(shell, ["-s"], {
    input: head + body,
    encoding: "utf8",
    env: { PATH: `${at("bin")}:${process.env.PATH}` },
  });
  return { code: status, out: stdout + stderr };
}

const step = (text: string): string => `( set -e\n${text}\n) 2>&1\nrc=$?\n[ "$rc" = 0 ] || { tell fail "$rc"; fleet_abandon; exit 9; }\n`;
const keep = (key: string, path: string): string => `key=${key}\nfleet_keep ${at(path)}\n`;
const write = (key: string, path: string, text: string, more = "0644 root root ''"): string =>
  step(`${keep(key, path)}fleet_write ${at(path)} ${more} <<'END'\n${text}END`);
const service = (action: string, { validate = "", news = "", keys = "a", unit = "app.service" } = {}): string =>
  step(`fleet_service ${unit} ${action} '${validate}' 0 '${news}' ${keys}`);
const end = 'rm -rf -- "$state/rollback" "$state/pending"\ntell end\n';
const owe = "printf 'service[app.service]\\nservice[db.service]\\n' > state/pending\n";

describe("what shadow's programs leave beside the account files", () => {
  const script = (verb: string): string => `fleet_${verb} ${root}/memory || exit 4\n`.replaceAll("/etc/", at("etc/"));
  const accounts = (body: string) => {
    const { status } = spawnSync("dash", ["-s"], { input: `set -u\n${prelude.replaceAll("/etc/", at("etc/"))}\n${body}` });
    expect(status).toBe(0);
  };
  const theirs = {
    "etc/passwd": "root\ndev\n",
    "etc/passwd-": "root\n",
    "etc/group": "root\n",
    "etc/subuid": "dev\n",
    "etc/subuid-": "\n",
  };

  beforeEach(() => {
    mkdirSync(at("memory"));
    for (const [path, text] of Object.entries(theirs)) put(path, text);
    accounts(script("keep_accounts"));
    for (const each of ["passwd", "group", "subuid"]) put(`etc/${each}-`, "in between\n");
    accounts(script("keep_accounts"));
  });

  test("is as it was, once the accounts are", () => {
    expect(statSync(at("memory/.accounts")).mode & 0o777).toBe(0o700);
    accounts(script("accounts_back"));
    expect(Object.fromEntries(Object.keys(theirs).map((path) => [path, get(path)]))).toEqual(theirs);
    expect(get("etc/group-")).toBeUndefined();
    expect(readdirSync(at("etc")).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("stays of accounts that somebody changed meanwhile", () => {
    put("etc/passwd", "root\ndev\nmore\n");
    rmSync(at("etc/subuid"));
    accounts(script("accounts_back"));
    expect([get("etc/passwd-"), get("etc/subuid-"), get("etc/group-")]).toEqual(["in between\n", "in between\n", undefined]);
  });
});

describe("fleet_write", () => {
  test.each([
    ["0644 root root ''", 0o644],
    ["0600 root root ''", 0o600],
    ["0440 root root ''", 0o440],
    ["4755 root root ''", 0o4755],
  ])("lands with %s", (more, mode) => {
    expect(run(write("a", "etc/x", "new\n", more)).code).toBe(0);
    expect([get("etc/x"), statSync(at("etc/x")).mode & 0o7777]).toEqual(["new\n", mode]);
    expect(readdirSync(at("etc"))).toEqual(["x"]);
  });

  test("has the owner before the content, and no group of a set-group-id directory", () => {
    spawnSync("chgrp", ["nogroup", at("etc")]);
    chmodSync(at("etc"), 0o2755);
    run(write("a", "etc/x", "root's\n") + write("b", "etc/y", "another's\n", "0640 nobody nogroup ''"));
    expect([statSync(at("etc/x")).gid, statSync(at("etc/y")).uid]).toEqual([0, 65534]);
  });

  test("leaves the old content, and nothing else, where the validator refuses", () => {
    put("etc/x", "old\n");
    const { code, out } = run(
      write("a", "etc/x", "new\n", "0644 root root 'grep -q old %s && test -f %s || { echo line 1 is bad; exit 1; }'"),
    );
    expect(code).toBe(9);
    expect(out).toContain(`line 1 is bad\nrefused by its validator, not installed: ${at("etc/x")}`);
    expect([get("etc/x"), readdirSync(at("etc"))]).toEqual(["old\n", ["x"]]);
  });

  test("says what to look for where the system lets nothing replace a file", () => {
    put("etc/x", "old\n");
    put(
      "bin/mv",
      `#!/bin/sh\ncase $* in *" ./x") echo "mv: cannot move: Operation not permitted" >&2; exit 1 ;; esac\nexec /bin/mv "$@"\n`,
    );
    chmodSync(at("bin/mv"), 0o755);
    const { code, out } = run(write("a", "etc/x", "new\n"));
    expect([code, get("etc/x"), readdirSync(at("etc"))]).toEqual([9, "old\n", ["x"]]);
    expect(out).toContain(
      `Operation not permitted\nexpected to put a new file in the place of ${at("etc/x")}, got a refusal: \`lsattr -d ${at("etc/x")}\``,
    );
  });

  test("takes bytes from a pipe, and clears what a killed run left", () => {
    put("etc/.x.fleet-a1_B-2cDe3f4", "half");
    put("etc/.x.fleet-mine", "theirs");
    put("etc/.x.fleet-of the day!", "theirs");
    const { code } = run(
      step(`base64 -d <<'END' | fleet_write ${at("etc/x")} 0644 root root ''\n${Buffer.from([0, 255, 10, 0]).toString("base64")}\nEND`),
    );
    expect(code).toBe(0);
    expect(readFileSync(at("etc/x"))).toEqual(Buffer.from([0, 255, 10, 0]));
    expect(readdirSync(at("etc"))).toEqual([".x.fleet-mine", ".x.fleet-of the day!", "x"]);
  });
});

describe("fleet_service", () => {
  test("reloads, and forgets what it kept and owed", () => {
    const { code, out } = run(owe + write("a", "config", "good 2\n") + service("reload", { news: "a" }) + end);
    expect([code, out, get("live"), readdirSync(at("state"))]).toEqual([0, "@end\n", "good 2\n", []]);
  });

  test("puts the files back where the validator refuses, and leaves the service alone", () => {
    const { code, out } = run(owe + write("a", "config", "bad\n") + service("reload", { validate: "grep good config", news: "a" }));
    expect(code).toBe(9);
    expect(out).toContain("refused by its validator: app.service stays as it is");
    expect(out).toContain(`@back a\nrolled back: ${at("config")}`);
    expect([get("config"), get("state/pending"), readdirSync(at("state/rollback"))]).toEqual(["good 1\n", "service[db.service]\n", []]);
    expect(get("calls")).not.toContain("reload");
  });

  test("has its folders below /run while its files are checked: systemd took them away as it stopped", () => {
    put("folders", "fleet-test-of-prelude fleet-test-of-prelude/more\n");
    put("bin/install", `#!/bin/sh\necho "$*" >> ${at("made")}\n`);
    chmodSync(at("bin/install"), 0o755);
    const { code, out } = run(service("check", { validate: `grep -q fleet-test-of-prelude/more ${at("made")}` }));
    expect([code, out]).toEqual([0, ""]);
    const made = (folder: string) => `-d -m 0750 -o root -g root -- /run/${folder}\n`;
    expect(get("made")).toBe(made("fleet-test-of-prelude") + made("fleet-test-of-prelude/more"));
  });

  test("stays owed what can't be put back", () => {
    run(owe + write("a", "config", "bad\n") + service("restart", { validate: "grep good config", news: "a checkout", keys: "a checkout" }));
    expect([get("config"), get("state/pending")]).toEqual(["good 1\n", "service[app.service]\nservice[db.service]\n"]);
  });

  test("that does not come up gets its files back, runs with them, and shows its journal", () => {
    const { code, out } = run(owe + write("a", "config", "bad\n") + service("restart", { news: "a" }));
    expect(code).toBe(9);
    expect(out).toContain("app.service did not come up after restart; its journal:\nthe journal says: bad line\n");
    expect(out).toContain("app.service runs again with what it had before");
    expect([get("config"), get("live"), get("active"), get("state/pending")]).toEqual([
      "good 1\n",
      "good 1\n",
      "active\n",
      "service[db.service]\n",
    ]);
    expect(get("calls")).toContain("reset-failed -- app.service");
  });

  test("says where it does not run with the old files either", () => {
    put("config", "bad 1\n");
    const { out } = run(owe + write("a", "config", "bad 2\n") + service("restart", { news: "a" }));
    expect(out).toContain("app.service does not run with what it had before either");
    expect([get("config"), get("state/pending")]).toEqual(["bad 1\n", "service[app.service]\nservice[db.service]\n"]);
  });

  test("takes a file away that was not there before, and brings a removed one back", () => {
    put("etc/gone", "good\n");
    run(
      write("a", "config", "bad\n") +
        write("b", "etc/new", "x\n") +
        step(`${keep("c", "etc/gone")}rm ${at("etc/gone")}`) +
        service("reload", { keys: "a b c" }),
    );
    expect([get("config"), get("etc/new"), get("etc/gone")]).toEqual(["good 1\n", undefined, "good\n"]);
  });

  test.each(["not-found", "masked"])("refuses a unit that is %s in a sentence", (load) => {
    put("load", `${load}\n`);
    const { code, out } = run(service("restart"));
    expect(code).toBe(9);
    expect(out).toContain(`app.service: expected a unit that can be started, got ${load}; see \`systemctl status app.service\``);
  });

  test("that another one fails after leaves the confirmed files, unless both read them", () => {
    put("other", "old\n");
    const first = `${write("a", "config", "good 2\n")}${write("b", "other", "new\n")}${service("reload", { keys: "a", news: "a" })}`;
    run(owe + first + service("reload", { unit: "db.service", validate: "false", keys: "b", news: "b" }));
    expect([get("config"), get("other"), get("state/pending")]).toEqual(["good 2\n", "old\n", ""]);

    run(
      owe +
        write("a", "config", "good 3\n") +
        service("reload", { news: "a" }) +
        service("reload", { unit: "db.service", validate: "false", news: "a" }),
    );
    expect([get("config"), get("live"), get("state/pending")]).toEqual(["good 2\n", "good 3\n", "service[app.service]\n"]);
  });

  test("that says itself when its reload is over is waited for", () => {
    put("told", "");
    const reloading = systemctl
      .replace("cp config live;", "cp config live; echo reloading > active;")
      .replace(
        '*) echo "ActiveState=$(cat active)"',
        '*) echo "ActiveState=$(cat active)"; echo asked >> told; [ "$(wc -l < told)" -lt 3 ] || echo active > active',
      );
    put("bin/systemctl", reloading);
    chmodSync(at("bin/systemctl"), 0o755);
    expect(run(step("fleet_service app.service reload '' 0 '' a"))).toEqual({ code: 0, out: "" });
    expect(get("active")).toBe("active\n");
  });

  test("that restarts of itself in the settling time did not come up", () => {
    put("bin/sleep", "#!/bin/sh\necho 1 >> restarts\n");
    chmodSync(at("bin/sleep"), 0o755);
    const { out } = run(step("fleet_service app.service reload '' 1 '' a"));
    expect(out).toContain("app.service did not come up after reload");
  });
});

describe("systemd that waits", () => {
  const hurried = "fleet_word_every=1 fleet_patience=2\n";
  const limits = (text: string) => put("limits", text);
  /** A word about the wait asks for the unit's SubState; nothing else does. */
  const releasedAfterTheFirstWord = () =>
    `( for each in $(seq 600); do ! grep -q SubState ${at("calls")} || break; /bin/sleep 0.1; done; touch ${at("released")} ) > /dev/null 2>&1 &\n`;
  beforeEach(() => {
    limits("infinity\ninfinity\n");
    put(
      "bin/systemctl",
      `#!/bin/sh
echo "$*" >> ${at("calls")}
case $1 in
  show) case $* in *Timeout*) cat ${at("limits")} ;; *Triggers*) ;; *LoadState*) echo loaded ;; *StateChange*) cat ${at("changed")} ;; *--value*) cat ${at("active")} ;; *) echo "ActiveState=$(cat ${at("active")})"; echo "SubState=stop-sigterm" ;; esac ;;
  is-failed) exit 1 ;;
  start | stop | restart | reload) echo deactivating > ${at("active")}; until [ -e ${at("released")} ]; do /bin/sleep 0.1; done; echo active > ${at("active")} ;;
esac
exit 0
`,
    );
    put("bin/journalctl", '#!/bin/sh\necho "Error trying to save the DB, can\'t exit."\n');
    for (const name of ["systemctl", "journalctl"]) chmodSync(at("bin", name), 0o755);
  });
  afterEach(() => put("released", ""));

  test("for a unit that does not stop is told, bounded, and ends with the files as they were", () => {
    const { code, out } = run(hurried + owe + write("a", "config", "good 2\n") + service("restart", { news: "a" }));
    expect([code, get("config")]).toEqual([9, "good 1\n"]);
    const state = "deactivating (stop-sigterm); it said: Error trying to save the DB, can't exit.";
    expect(out).toContain(`@waits \`systemctl restart app.service\` has waited 1 s, of 2 s at most; the unit is ${state}\n`);
    expect(out).toContain(
      `app.service: expected \`systemctl restart\` to be done within 2 s, got a unit that is still deactivating (stop-sigterm) after 2 s; it said: Error trying to save the DB, can't exit.\n`,
    );
    expect(out).toContain("or `systemctl kill -s KILL app.service`, which loses what it has not saved");
    expect(out).toContain("app.service still ends; what it had before is back");
    // Another restart would wait as long again.
    expect(get("calls")!.match(/^restart/gm)).toHaveLength(1);
    expect(get("state/pending")).toContain("service[app.service]");
  });

  test.each(["systemctl stop -- app.service", "systemctl restart -- app.service", "fleet_reopen app.socket"])("%s is bounded", (text) => {
    const { code, out } = run(hurried + step(text));
    expect([code, out]).toEqual([9, expect.stringContaining("to be done within 2 s")]);
  });

  test.each([
    ["deactivating", "restart", true],
    ["deactivating", "stop", true],
    ["activating", "start", true],
    // A restart ends what never comes up.
    ["activating", "restart", false],
    ["active", "restart", false],
  ])("and has been %s since long before: that a %s ends at once is %s", (state, verb, isStuck) => {
    put("active", `${state}\n`);
    // Since the computer's own start; the patience counts from there.
    put("changed", "1000000\n");
    const text = `systemctl ${verb} -- app.service`;
    const release = isStuck ? "" : releasedAfterTheFirstWord();
    const { code, out } = run(`fleet_word_first=1 fleet_patience=20\n${release}${step(text)}`);
    if (!isStuck) expect([code, out]).toEqual([0, expect.stringContaining("has waited 1 s, of 20 s at most")]);
    else
      expect([code, out]).toEqual([
        9,
        expect.stringMatching(/to be done within 20 s, got a unit that is still .* after \d{2,} s;[\s\S]*systemctl kill app.service/),
      ]);
  });

  test("says so after a few seconds, then now and then", () => {
    const due = "for each in 10 50 51 100 299 300 350 600; do if fleet_word_due $each; then echo $each; fi; done\n";
    expect(run(due).out).toBe("50\n300\n600\n");
  });

  test("in time goes on as it would have", () => {
    const { code, out } = run(
      `fleet_word_every=1 fleet_patience=60\n${releasedAfterTheFirstWord()}${step("systemctl stop -- app.service\necho done")}`,
    );
    expect([code, out]).toEqual([0, expect.stringMatching(/of 60 s at most; the unit is .*\ndone\n$/)]);
  });

  test.each([
    ["1min 30s\n1min 30s\n", "300"],
    ["15min\n15min\n", "1810"],
    ["1h 30min\n1.500s\n", "5411"],
    ["infinity\n5min 100ms\n", "310"],
    ["1month\n", "300"],
    ["\n", "300"],
  ])("has the limits of the unit %j: %s s", (text, seconds) => {
    limits(text);
    expect(run("fleet_limit_of app.service\n").out).toBe(`${seconds}\n`);
  });

  test("a handler that does not end is ended", () => {
    const { code, out } = run(`fleet_patience=1\n${step("fleet_handle slow '' 'sleep 60' ''")}`);
    expect([code, out]).toEqual([9, expect.stringContaining("expected it to be done within 2 s")]);
  });
});

describe("a run that ends before its services had their turn", () => {
  test("leaves no content that no service has seen", () => {
    put("etc/x", "old\n");
    run(
      owe +
        write("a", "config", "good 2\n") +
        write("b", "etc/x", "new\n") +
        step("echo no network; false") +
        service("reload", { keys: "a b" }),
    );
    expect([get("config"), get("etc/x"), get("live"), get("state/pending")]).toEqual([
      "good 1\n",
      "old\n",
      "good 1\n",
      "service[app.service]\nservice[db.service]\n",
    ]);
  });

  // One line of the whole script after the other is the last: the file is then as the first or the second run left it.
  test("by kill -9 at any command comes out as an undisturbed one at the next run", () => {
    const own = "printf 'service[app.service]\\n' > state/pending\n";
    const whole =
      own +
      write("a", "config", "good 2\n") +
      write("b", "etc/x", "new\n", "0640 root root ''") +
      service("restart", { keys: "a b", news: "a b" }) +
      end;
    let killedAt = 0;
    for (let survived = false; !survived; killedAt++) {
      for (const [name, text] of Object.entries({ config: "good 1\n", live: "good 1\n", active: "active\n" })) put(name, text);
      for (const path of ["etc/x", "state", "count"]) rmSync(at(path), { recursive: true, force: true });
      mkdirSync(at("state"));
      put("etc/.keep", "");
      survived = run(killing(killedAt) + whole).out.includes("@end");
      expect(["good 1\n", "good 2\n"], `config after a kill at command ${killedAt}`).toContain(get("config"));
      expect([undefined, "new\n"], `etc/x after a kill at command ${killedAt}`).toContain(get("etc/x"));
      // What the next look finds right has no step of its own; a service that is owed has.
      const unconfirmed = () =>
        readdirSync(at("state/rollback")).filter(
          (name) => name.endsWith(".path") && !existsSync(at("state/rollback", name.replace(".path", ".ok"))),
        );
      const again = `${get("config") === "good 2\n" ? "" : write("a", "config", "good 2\n")}${get("etc/x") === "new\n" ? "" : write("b", "etc/x", "new\n", "0640 root root ''")}`;
      const owed = again !== "" || (get("state/pending") ?? "").includes("service[app.service]");
      if (again || owed) expect(run(own + again + service("restart", { keys: "a b", news: "owed" }) + end).code).toBe(0);
      expect([get("config"), get("etc/x"), get("live"), readdirSync(at("etc"))]).toEqual(["good 2\n", "new\n", "good 2\n", [".keep", "x"]]);
      expect(
        [get("state/pending") ?? "", existsSync(at("state/rollback")) ? unconfirmed() : []],
        `left after a kill at command ${killedAt}`,
      ).toEqual(["", []]);
    }
    expect(killedAt).toBeGreaterThan(10);
  });

  /** The n-th external command of the run is the last: the shell kills itself in its place. */
  function killing(n: number): string {
    const programs = ["install", "dd", "mv", "cp", "mkdir", "rm", "sync", "systemctl", "cat"];
    const count = `echo x >> ${at("count")}; [ "$(wc -l < ${at("count")})" -le ${n} ] || kill -9 $$`;
    return `${programs.map((name) => `${name}() { ${count}; command ${name} "$@"; }`).join("\n")}\n`;
  }
});

test("the functions hold under bash in POSIX mode too", () => {
  const { code, out } = run(`set -o posix\n${owe}${write("a", "config", "bad\n")}${service("restart", { news: "a" })}`, "bash");
  expect([code, get("config"), out.includes("runs again")]).toEqual([9, "good 1\n", true]);
});
