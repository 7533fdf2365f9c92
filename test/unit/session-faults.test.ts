// What can go wrong on the way to a server: each fault has its own sentence, and its own deadline.
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Connection } from "../../provisioners/engine/shell.ts";
import { sh } from "../../provisioners/engine/shell-quote.ts";
import { scanHostKey } from "../../provisioners/ssh/connection.ts";
import { dialFault } from "../../provisioners/ssh/errors.ts";
import { fingerprint, parseHostKey } from "../../provisioners/ssh/host-key.ts";
import { type OpenOptions, openShell } from "../../provisioners/ssh/session.ts";
import { Sessions } from "../../provisioners/ssh/session-pool.ts";
import { type ShellServerOptions, startShellServer } from "../support/shell-server.ts";
import { freePort, makeKey, putSudo, type Sshd, startProxy, startSshd } from "../support/sshd.ts";

let sshd: Sshd;
let directory: string;
let keys: { readonly private: string; readonly public: string }[];
const servers: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  sshd = await startSshd();
  directory = mkdtempSync(join(tmpdir(), "faults-test-"));
  keys = ["a", "b"].map((name) => makeKey(join(directory, name)));
});
afterAll(async () => {
  await Promise.all(servers.map((each) => each.stop()));
  await sshd?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const fingerprintOf = (line: string): string => fingerprint(parseHostKey(line)!);

async function serve(options: Partial<ShellServerOptions> & { readonly env?: NodeJS.ProcessEnv } = {}) {
  const env = { PATH: putSudo(directory), HOME: "/", ...options.env };
  const server = await startShellServer({ hostKey: keys[0]!.private, password: "right-password", ...options, env });
  servers.push(server);
  return server;
}

/** The fault, the sentence, and how long it took. */
async function failure(connection: Connection, options: OpenOptions = {}) {
  const start = performance.now();
  const error = await openShell(connection, options).then(
    async (shell) => {
      await shell.close();
      throw new Error("connected");
    },
    (reason: unknown) => reason as Error & { fault: string },
  );
  return { fault: error.fault, message: error.message, ms: performance.now() - start };
}

async function listen(server: Server): Promise<number> {
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  servers.push({ stop });
  return (server.address() as { port: number }).port;
}

describe("not reached", () => {
  test("a port where nothing listens", async () => {
    const port = await freePort();
    const { fault, message, ms } = await failure({ ...sshd.connection, port });
    expect([fault, message]).toEqual([
      "unreachable",
      `isu1: \`127.0.0.1:${port}\` refused the connection; is sshd running there, and is \`port\` right?`,
    ]);
    // Not after the time for an answer that does not come.
    expect(ms).toBeLessThan(5000);
  });

  test("a name that nobody knows", async () => {
    const { message } = await failure({ ...sshd.connection, address: "no-such-host.invalid" });
    expect(message).toMatch(/isu1: (no address is known for|the name server gave no answer for)( the name)? `no-such-host.invalid`/);
  });

  test.each([
    ["EHOSTUNREACH", "no route to `[2001:db8::7]:22`; is the server up, and do you need a VPN or a jump host?"],
    ["ETIMEDOUT", "no answer from `[2001:db8::7]:22` within 5 s; is it switched on, and does its firewall let you in?"],
  ])("%s from the network", (code, sentence) => {
    expect(dialFault({ name: "isu1", address: "2001:db8::7", port: 22 }, code, 5000).message).toBe(`isu1: ${sentence}`);
  });

  test("a port that takes connections and says nothing", async () => {
    const port = await listen(createServer());
    const { fault, message, ms } = await failure({ ...sshd.connection, port }, { handshakeTimeout: 400 });
    expect([fault, message]).toEqual([
      "timeout",
      `isu1: \`127.0.0.1:${port}\` took the connection, but did not finish the greeting within 0.4 s`,
    ]);
    expect(ms).toBeLessThan(8000);
  });

  test("a server that drops connections is tried again a few times", async () => {
    let connections = 0;
    const port = await listen(
      createServer((socket) => {
        connections++;
        socket.end();
      }),
    );
    const { fault, message } = await failure({ ...sshd.connection, port });
    expect([fault, connections]).toEqual(["unreachable", 6]);
    expect(message).toContain("hung up before SSH began: overloaded, still booting, or this address is banned");
  });

  test("a port with something else than SSH", async () => {
    const port = await listen(createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    expect(await failure({ ...sshd.connection, port })).toMatchObject({ fault: "unreachable" });
  });

  test("a target that its jump host can't reach, and a jump host that can't be reached", async () => {
    const port = await freePort();
    const behind = await failure({ ...sshd.connection, port, jump: { ...sshd.connection, name: "bastion" } });
    expect(behind).toMatchObject({
      fault: "unreachable",
      message: expect.stringContaining(`isu1: the jump host \`bastion\` can't reach \`127.0.0.1:${port}\``),
    });
    const before = await failure({ ...sshd.connection, jump: { ...sshd.connection, name: "bastion", port } });
    expect(before.message).toContain(`isu1: through its jump host \`bastion\`: \`127.0.0.1:${port}\` refused the connection`);
  });
});

describe("the wrong host key", () => {
  test("is refused with both fingerprints, before anything is sent, and never tried again", async () => {
    const server = await serve();
    const { fault, message, ms } = await failure({ ...server.connection, hostKey: keys[1]!.public }, { bootWindow: 10_000, fresh: true });
    expect(fault).toBe("host-key");
    expect(message).toContain(
      `expected host key \`ssh-ed25519 ${fingerprintOf(keys[1]!.public)}\`, got \`ssh-ed25519 ${fingerprintOf(keys[0]!.public)}\``,
    );
    expect(server.seen).toEqual({ logins: 0, commands: [] });
    expect(ms).toBeLessThan(8000);
  });

  test("of another type is named too", async () => {
    const rsa = makeKey(join(directory, "rsa"), "rsa");
    expect((await failure({ ...sshd.connection, hostKey: rsa.public })).message).toMatch(
      /expected host key `ssh-rsa SHA256:.*, got `ssh-ed25519 SHA256:/,
    );
  });

  test("a connection without a pinned key is not even tried", async () => {
    const server = await serve();
    for (const hostKey of ["", "ssh-ed25519", "ssh-ed25519 AAAA", "any"])
      expect((await failure({ ...server.connection, hostKey })).fault).toBe("host-key");
    expect(server.seen.logins).toBe(0);
  });

  test("scanHostKey shows the key, and logs in nowhere", async () => {
    const server = await serve();
    const found = { hostKey: keys[0]!.public.split(" ").slice(0, 2).join(" "), fingerprint: fingerprintOf(keys[0]!.public) };
    expect(await scanHostKey(server.connection)).toEqual(found);
    expect(await scanHostKey(server.connection, sshd.connection)).toEqual(found);
    expect(server.seen.logins).toBe(0);
  });
});

describe("the login", () => {
  test("a wrong key and a wrong password, at OpenSSH", async () => {
    const { privateKey: _, ...bare } = sshd.connection;
    const key = await failure({ ...bare, privateKey: keys[0]!.private });
    expect(key).toMatchObject({
      fault: "auth",
      message: expect.stringMatching(/refused user `.*` with the given key \(the server accepts publickey, password\); check/),
    });
    const password = await failure({ ...bare, password: "wrong-password" });
    expect(password).toMatchObject({ fault: "auth", message: expect.stringContaining("with the given password") });
    expect(password.message).not.toContain("wrong-password");
    expect(Math.max(key.ms, password.ms)).toBeLessThan(50_000);
  });

  test("with nothing to log in with, and with a key that is none", async () => {
    const { privateKey: _, ...bare } = sshd.connection;
    expect((await failure(bare)).message).toMatch(/neither key nor password is given for `.*`; add one/);
    expect((await failure({ ...bare, privateKey: "nonsense" })).message).toContain("the private key for");
  });

  test("by password, and by keyboard-interactive", async () => {
    for (const keyboard of [false, true]) {
      const { connection } = await serve({ keyboard });
      const shell = await openShell(connection);
      expect((await shell.run(sh`echo in`)).stdout.toString()).toBe("in\n");
      await shell.close();
    }
  });

  test("that gets no answer ends at its deadline", async () => {
    const { connection } = await serve({ deaf: true });
    const { fault, message, ms } = await failure(connection, { handshakeTimeout: 500 });
    expect([fault, message.includes("did not finish the login within 0.5 s")]).toEqual(["timeout", true]);
    expect(ms).toBeLessThan(8000);
  });

  test("as root without a shell shows what the server said", async () => {
    const { connection } = await serve({ command: 'echo \'Please login as the user "admin" rather than the user "root".\'; exit 1' });
    expect(await failure({ ...connection, user: "root" })).toMatchObject({
      fault: "auth",
      message: expect.stringContaining('`Please login as the user "admin"'),
    });
  });
});

describe("a forced command", () => {
  test("that says whom to be and then waits is heard", async () => {
    const { connection } = await serve({ command: "echo 'Please login as the user ubuntu rather than the user root.'; sleep 10" });
    expect(await failure({ ...connection, user: "root" }, { rootTimeout: 500 })).toMatchObject({
      fault: "timeout",
      message: expect.stringContaining("no root shell within 0.5 s: `Please login as the user ubuntu"),
    });
  });
});

describe("sudo", () => {
  const password = "sudo's $ecret";
  const asks = { SUDO_PASSWORD: password };

  test("without a password, with the right one, and with the login's own", async () => {
    for (const [env, given] of [
      [{}, {}],
      [asks, { sudoPassword: password }],
      [{ SUDO_PASSWORD: "right-password" }, {}],
    ] as const) {
      const { connection, seen } = await serve({ env });
      const shell = await openShell({ ...connection, ...given });
      expect((await shell.run(sh`echo root`)).stdout.toString()).toBe("root\n");
      await shell.close();
      expect(seen.commands.join()).not.toContain(password);
    }
  });

  test("that asks when there is nothing to answer", async () => {
    const { connection } = await serve({ env: asks });
    const { password: _, ...bare } = connection;
    const { fault, message } = await failure({ ...bare, privateKey: keys[1]!.private });
    expect([fault, message.includes("sudo asks for the password of `isucon` and none is given; set `sudoPassword`")]).toEqual([
      "sudo",
      true,
    ]);
  });

  test("that asks again after the wrong password", async () => {
    const { connection } = await serve({ env: asks });
    const { fault, message } = await failure({ ...connection, sudoPassword: "wrong" });
    expect([fault, message]).toEqual([
      "sudo",
      `isu1: \`127.0.0.1:${connection.port}\`: sudo refused the password of \`isucon\`; check \`sudoPassword\``,
    ]);
  });

  test("that refuses says why", async () => {
    const { connection } = await serve({ env: { SUDO_REFUSES: "sudo: sorry, you must have a tty to run sudo" } });
    expect((await failure(connection)).message).toContain(
      "sudo gives `isucon` no root shell: `sudo: sorry, you must have a tty to run sudo`",
    );
  });

  test("that hangs ends at its deadline", async () => {
    const { connection } = await serve({ command: "sleep 3" });
    expect(await failure(connection, { rootTimeout: 300 })).toMatchObject({
      fault: "timeout",
      message: expect.stringContaining("no root shell within 0.3 s"),
    });
  });
});

describe("while a server boots", () => {
  test("it is waited for, the reasons are told, and then it is there", async () => {
    const reasons: string[] = [];
    const port = await freePort();
    const late = createServer((socket) => socket.pipe(createConnection(sshd.port)).pipe(socket));
    setTimeout(() => late.listen(port, "127.0.0.1"), 700);
    const shell = await openShell({ ...sshd.connection, port }, { bootWindow: 10_000, onProgress: (reason) => reasons.push(reason) });
    await shell.close();
    late.close();
    expect(reasons).toEqual([expect.stringContaining("refused the connection")]);
  });

  test("the window closes", async () => {
    const { fault, message, ms } = await failure({ ...sshd.connection, port: await freePort() }, { bootWindow: 800 });
    expect([fault, message.startsWith("isu1: not ready after 0.8 s; the last try: `127.0.0.1")]).toEqual(["not-ready", true]);
    expect(ms).toBeLessThan(8000);
  });

  test("a refused login is tried again only where the server is fresh", async () => {
    const { connection, seen } = await serve();
    const wrong = { ...connection, password: "wrong" };
    expect((await failure(wrong, { bootWindow: 1500 })).fault).toBe("auth");
    const once = seen.logins;
    expect((await failure(wrong, { bootWindow: 1500, fresh: true })).fault).toBe("auth");
    expect(seen.logins - once).toBeGreaterThan(2 * once);
  });
});

describe("a link cut in the middle", () => {
  test("is found out within 8 s, and the outcome called unknown; other servers go on", async () => {
    const proxy = await startProxy(sshd.port);
    const [cut, whole] = await Promise.all([
      openShell({ ...sshd.connection, port: proxy.port }),
      openShell({ ...sshd.connection, name: "isu2" }),
    ]);
    const running = cut.run(sh`echo started; sleep 30`, { onLine: () => proxy.cut() });
    const start = performance.now();
    await expect(running).rejects.toMatchObject({
      fault: "lost",
      message: expect.stringContaining("(no answer to 3 keepalives); what it did is unknown"),
    });
    expect(performance.now() - start).toBeLessThan(25_000);
    expect((await whole.run(sh`echo here`)).stdout.toString()).toBe("here\n");
    await Promise.all([whole.close(), proxy.close()]);
  });

  test("behind a jump host: both are let go of within a few seconds", async () => {
    const proxy = await startProxy(sshd.port);
    const shell = await openShell({ ...sshd.connection, jump: { ...sshd.connection, name: "bastion", port: proxy.port } });
    const running = shell.run(sh`sleep 30`, { deadline: 500 });
    proxy.cut();
    const start = performance.now();
    await expect(running).rejects.toMatchObject({ fault: "timeout" });
    expect(performance.now() - start).toBeLessThan(20_000);
    await proxy.close();
  });

  test("a server that hangs up is found out at once", async () => {
    const proxy = await startProxy(sshd.port);
    const shell = await openShell({ ...sshd.connection, port: proxy.port });
    const running = shell.run(sh`echo started; sleep 30`, { onLine: () => void proxy.close() });
    const start = performance.now();
    await expect(running).rejects.toMatchObject({ fault: "lost" });
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

test("Sessions remembers a failure when it is asked to, and only then", async () => {
  const { connection, seen } = await serve();
  const wrong = { ...connection, password: "wrong" };
  const sessions = new Sessions();
  await expect(sessions.get(wrong)).rejects.toMatchObject({ fault: "auth" });
  await expect(sessions.get(wrong, { rememberFailure: true })).rejects.toMatchObject({ fault: "auth" });
  const logins = seen.logins;
  await expect(sessions.get(wrong)).rejects.toMatchObject({ fault: "auth" });
  expect([logins, seen.logins]).toEqual([2, 2]);
  await sessions.closeAll();
});
