// The root shell over a real OpenSSH server.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Command, sh } from "../../provisioners/engine/shell-quote.ts";
import { openShell, type Session } from "../../provisioners/ssh/session.ts";
import { Sessions } from "../../provisioners/ssh/session-pool.ts";
import { until } from "../support/soon.ts";
import { type Sshd, startSshd } from "../support/sshd.ts";

const raw = (text: string): Command => ({ text, masked: text });
let sshd: Sshd;
let shell: Session;
const open = () => openShell(sshd.connection, { runDirectory: join(sshd.directory, "run") });

beforeAll(async () => {
  sshd = await startSshd();
  shell = await open();
});
afterAll(async () => {
  await shell?.close();
  await sshd?.stop();
});

describe("a run", () => {
  test("keeps standard output, standard error and the exit code apart, and its standard input is empty", async () => {
    const result = await shell.run(sh`cat; echo out; echo err >&2; exit 3`);
    expect([result.code, result.stdout.toString(), result.stderr]).toEqual([3, "out\n", "err\n"]);
  });

  test("gives bytes back as they are, with no final newline added or lost", async () => {
    const { stdout } = await shell.run(raw("printf '\\000\\001\\002\\377\\033[x\\r\\n\\n'; head -c 300000 /dev/zero; printf end"));
    expect(stdout).toEqual(
      Buffer.concat([Buffer.from([0, 1, 2, 255]), Buffer.from("\x1b[x\r\n\n"), Buffer.alloc(300_000), Buffer.from("end")]),
    );
  });

  test("has no effect on the next: directory, variables, traps, exit, syntax errors", async () => {
    expect((await shell.run(sh`if then`)).code).toBe(2);
    expect((await shell.run(raw("echo 'unterminated"))).code).toBe(2);
    expect((await shell.run(raw("cat <<X\nno end"))).code).toBe(0);
    await shell.run(raw("set -eu; cd /tmp; umask 077; x=1; trap 'echo bye' EXIT; exec >/dev/null"));
    const { stdout } = await shell.run(raw('echo "$PWD ${x-unset} $(umask) $LC_ALL"'));
    expect(stdout.toString()).toBe("/ unset 0022 C.UTF-8\n");
  });

  test("quotes nothing twice: the script arrives byte for byte", async () => {
    const text = "a'b\"c\\d $HOME `x` é\t\u0002 '' \\\n end";
    expect((await shell.run(sh`printf %s ${text}`)).stdout.toString()).toBe(text);
  });

  test("takes a script of 5 MiB", async () => {
    const text = `${"0123456789abcdef".repeat(4)}\n`.repeat(80_660);
    const { stdout, code } = await shell.run(raw(`wc -c <<'END'\n${text}END`));
    expect([code, Number(stdout.toString())]).toEqual([0, text.length]);
  });

  test("hands lines over while it goes on", async () => {
    const heard: string[] = [];
    const go = join(sshd.directory, "go");
    const onLine = (line: string) => {
      heard.push(line);
      if (line === "one") writeFileSync(go, "");
    };
    await shell.run(raw(`echo one; until [ -e ${go} ]; do sleep 0.05; done; printf two`), { onLine });
    expect(heard).toEqual(["one", "two"]);
  });

  test("comes in the order in which it was asked for", async () => {
    const all = await Promise.all([..."abc"].map((each) => shell.run(sh`sleep 0.05; echo ${each}`)));
    expect(all.map(({ stdout }) => stdout.toString())).toEqual(["a\n", "b\n", "c\n"]);
  });

  test("does not see what a background process of an earlier one printed in between", async () => {
    const late = join(sshd.directory, "late");
    await shell.run(raw(`(sleep 0.2; echo late; echo late >&2; : > ${late}) &`));
    await until(() => existsSync(late), "the background process to end");
    const { stdout, stderr } = await shell.run(raw("echo mine"));
    expect([stdout.toString(), stderr]).toEqual(["mine\n", ""]);
  });

  test("stays in step over 200 of them", async () => {
    for (let index = 0; index < 200; index++) expect((await shell.run(sh`echo ${index}`)).stdout.toString()).toBe(`${index}\n`);
  });

  test("that was aborted finds its stop file, and ends at its own pace", async () => {
    const abort = new AbortController();
    const onLine = (line: string) => line === "step" && abort.abort(new Error("enough"));
    const script = raw('until [ -e "$FLEET_STOP" ]; do sleep 0.05; echo step; done; echo safe; exit 7');
    const { code, stdout } = await shell.run(script, { signal: abort.signal, onLine });
    expect([code, stdout.toString().endsWith("safe\n")]).toEqual([7, true]);
    expect((await shell.run(raw('[ ! -e "$FLEET_STOP" ]'))).code).toBe(0);
    await expect(shell.run(raw("true"), { signal: abort.signal })).rejects.toThrow("enough");
    await expect.poll(() => readdirSync(join(sshd.directory, "run")).filter((name) => name.startsWith("stop-"))).toEqual([]);
  });

  test("that ended just as it was to be ended leaves the next one alone: what takes it back", async () => {
    const other = await open();
    for (let round = 0; round < 3; round++) {
      const abort = new AbortController();
      const onLine = () => abort.abort(new Error("enough"));
      const { code } = await other.run(raw("echo step"), { signal: abort.signal, onAbort: "end", onLine });
      expect(code).toBe(0);
      const { code: next, stdout } = await other.run(raw("sleep 0.5; echo whole"));
      expect([next, stdout.toString()]).toEqual([0, "whole\n"]);
    }
    await other.close();
  });

  test("past its deadline is given up, and the shell with it", async () => {
    const other = await open();
    const start = performance.now();
    await expect(other.run(raw("sleep 20"), { deadline: 300 })).rejects.toMatchObject({
      fault: "timeout",
      message: expect.stringContaining("not done within 0.3 s"),
    });
    expect(performance.now() - start).toBeLessThan(15_000);
    await expect(other.run(raw("true"))).rejects.toMatchObject({ fault: "lost" });
  });

  test("that is given up ends on the server too, whatever session its processes are in", async () => {
    const other = await open();
    const pids = join(sshd.directory, "pids");
    const script = raw(`sleep 300 & echo $! >>${pids}; setsid sh -c 'echo $$ >>${pids}; trap "" TERM; while :; do sleep 1; done'`);
    await expect(other.run(script, { deadline: 700 })).rejects.toMatchObject({ fault: "timeout" });
    const all = readFileSync(pids, "utf8").trim().split("\n");
    expect(all).toHaveLength(2);
    const running = (pid: string) => existsSync(`/proc/${pid}`) && !/^\S+ \([^)]*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    await expect.poll(() => all.filter(running)).toEqual([]);
  });

  test("can't be ended by what it starts, nor by what it knows", async () => {
    const forge = String.raw`n=${"$"}{FLEET_STOP##*stop-}; printf '\002%s]0\n' "$n"; printf '\002%s]0\n' "$n" >&2; sleep 0.3; exit 7`;
    expect((await shell.run(raw(forge))).code).toBe(7);
    expect((await shell.run(raw("env"))).stdout.toString()).not.toContain("FLEET");
  });

  test("that prints without end is given up", async () => {
    const other = await open();
    await expect(other.run(raw("yes"))).rejects.toThrow("it printed more than 64 MiB");
  });

  test("whose server ends the shell is lost, its outcome unknown", async () => {
    const other = await open();
    await expect(other.run(raw("kill -9 $$"))).rejects.toMatchObject({
      fault: "lost",
      message: expect.stringContaining("what it did is unknown"),
    });
  });
});

describe("the lock", () => {
  test("keeps others out and tells them who, what and since when", async () => {
    const other = await open();
    await shell.lock({ who: "ada@laptop", what: "fleet up team-a" });
    await expect(other.lock({ who: "bob", what: "x" })).rejects.toMatchObject({
      fault: "locked",
      message: expect.stringMatching(/^isu1: locked by `ada@laptop` for `fleet up team-a` since \d{4}-\d\d-\d\dT[\d:]+Z; /),
    });
    const waiting = other.lock({ who: "bob", what: "x", wait: 5000 });
    await shell.unlock();
    await waiting;
    await other.close();
  });

  test("is no obstacle to the same run's other way to the server, and stays where it was taken", async () => {
    const [other, third] = [await open(), await open()];
    await shell.lock({ who: "ada@laptop", what: "stack team-a", run: "run-1" });
    await other.lock({ who: "ada@laptop", what: "stack team-a", run: "run-1" });
    await expect(third.lock({ who: "ada@laptop", what: "stack team-a", run: "run-2" })).rejects.toMatchObject({
      fault: "locked",
      message: expect.stringContaining("; that is you: a run that goes on, or one that was interrupted"),
    });
    await other.unlock();
    await other.close();
    await expect(third.lock({ who: "bob", what: "x" })).rejects.toMatchObject({ message: expect.stringContaining("`ada@laptop`") });
    await shell.unlock();
    await third.lock({ who: "bob", what: "x" });
    await third.close();
  });

  test("is not inherited by what a script leaves behind", async () => {
    const other = await open();
    await other.lock({ who: "ada", what: "x" });
    const { stdout } = await other.run(raw("sleep 5 >/dev/null 2>&1 & echo $!"));
    await other.close();
    await shell.lock({ who: "bob", what: "y", wait: 2000 });
    await shell.unlock();
    process.kill(Number(stdout.toString()));
  });

  test("of a client that was killed is free as soon as its script's step ends", async () => {
    const { child, pid } = await startHolder();
    child.kill("SIGKILL");
    await shell.lock({ who: "bob", what: "y", wait: 30_000 });
    await shell.unlock();
    await expect.poll(() => lives(pid)).toBe(false);
  });

  test("of a holder that was not heard for a minute is taken over, and the holder ended", async () => {
    const { child, pid } = await startHolder();
    child.kill("SIGSTOP");
    await expect(shell.lock({ who: "bob", what: "y" })).rejects.toMatchObject({ fault: "locked" });
    const uptime = Number(readFileSync("/proc/uptime", "utf8").split(".")[0]);
    writeFileSync(join(sshd.directory, "run/heard"), `${uptime - 61}\n`);
    await shell.lock({ who: "bob", what: "y" });
    await expect.poll(() => lives(pid)).toBe(false);
    await shell.unlock();
    child.kill("SIGKILL");
  });
});

/** A zombie that nobody has waited for yet holds nothing any more. */
const lives = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

/** Another process that holds the lock while its script prints a line each 0.1 s; `pid` is its remote shell's. */
async function startHolder(): Promise<{ child: ChildProcess; pid: number }> {
  const program = `
    import { openShell } from ${JSON.stringify(join(import.meta.dirname, "../../provisioners/ssh/session.ts"))};
    const shell = await openShell(${JSON.stringify(sshd.connection)}, { runDirectory: ${JSON.stringify(join(sshd.directory, "run"))} });
    await shell.lock({ who: "holder", what: "test" });
    await shell.run({ text: "while :; do echo $$; sleep 0.1; done", masked: "" }, { onLine: (line) => console.log(line) });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  return { child, pid: Number.parseInt(String(line), 10) };
}

describe("Sessions", () => {
  test("gives one shell a server, a new one for a dead one", async () => {
    const sessions = new Sessions();
    const [a, b] = await Promise.all([sessions.get(sshd.connection), sessions.get(sshd.connection)]);
    expect(a).toBe(b);
    await a.close();
    const c = await sessions.get(sshd.connection);
    expect(c).not.toBe(a);
    expect((await c.run(sh`echo new`)).stdout.toString()).toBe("new\n");
    await sessions.closeAll();
    await expect(c.run(sh`true`)).rejects.toMatchObject({ fault: "lost" });
  });

  test("opens forty at once through one jump host", async () => {
    const sessions = new Sessions();
    const jump = { ...sshd.connection, name: "bastion" };
    const shells = await Promise.all(
      Array.from({ length: 40 }, (_, index) => sessions.get({ ...sshd.connection, name: `isu${index}`, jump })),
    );
    const codes = await Promise.all(shells.map((each) => each.run(sh`true`)));
    expect(codes.map(({ code }) => code)).toEqual(shells.map(() => 0));
    expect(sshd.log().match(/Starting session: command for/g)?.length).toBeGreaterThanOrEqual(40);
    await sessions.closeAll();
  });
});

describe("a server with ways of its own", () => {
  test("has no say in the environment but for its proxies", async () => {
    const odd = await startSshd("odd", {
      environment: "QUOTING_STYLE=c BASH_ENV=/x TMPDIR=/y FLEET_STOP=/z POSIXLY_CORRECT=1 https_proxy=http://192.0.2.1:3128/a?b=c&d",
    });
    const other = await openShell(odd.connection, { runDirectory: join(odd.directory, "run") });
    try {
      const { stdout } = await other.run(raw("sh -c 'env | sort'"));
      const lines = stdout.toString().trim().split("\n");
      expect(lines.filter((line) => !/^(?:PWD|OLDPWD|_|SHLVL)=/.test(line))).toEqual([
        "HOME=/root",
        "LC_ALL=C.UTF-8",
        "LOGNAME=root",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "SHELL=/bin/sh",
        "USER=root",
        "https_proxy=http://192.0.2.1:3128/a?b=c&d",
      ]);
    } finally {
      await other.close();
      await odd.stop();
    }
  });

  test("that opens one session a connection lets a run be stopped, and its lock be kept", async () => {
    const narrow = await startSshd("narrow", { more: ["MaxSessions 1"] });
    const other = await openShell(narrow.connection, { runDirectory: join(narrow.directory, "run") });
    try {
      const abort = new AbortController();
      const onLine = (line: string) => line === "step" && abort.abort(new Error("enough"));
      const script = raw('until [ -e "$FLEET_STOP" ]; do sleep 0.05; echo step; done; exit 7');
      expect((await other.run(script, { signal: abort.signal, onLine })).code).toBe(7);
    } finally {
      await other.close();
      await narrow.stop();
    }
  });
});
