// ssh2 without its native part: a process that speaks SSH survives the collection of its connections' ciphers.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const ssh = join(import.meta.dirname, "../../provisioners/ssh");
const modules = dirname(dirname(dirname(createRequire(import.meta.url).resolve("ssh2"))));
const folder = realpathSync(mkdtempSync(join(tmpdir(), "fleet-ssh2-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a process survives the collection of a thousand closed connections' ciphers", () => {
  const script = `
    import { createRequire } from "node:module";
    await import(${JSON.stringify(join(ssh, "ssh2.ts"))});
    const { init, createCipher, createDecipher, CIPHER_INFO } = createRequire(${JSON.stringify(join(ssh, "ssh2.ts"))})("ssh2/lib/protocol/crypto.js");
    await init;
    const [info, key, iv] = [CIPHER_INFO["aes128-gcm@openssh.com"], Buffer.alloc(16), Buffer.alloc(12)];
    const connection = () => {
      const cipher = createCipher({ outbound: { seqno: 0, onWrite() {}, cipherInfo: info, cipherKey: key, cipherIV: iv } });
      const decipher = createDecipher({ inbound: { seqno: 0, onPayload() {}, decipherInfo: info, decipherKey: key, decipherIV: iv } });
      cipher.encrypt(cipher.allocPacket(32));
      cipher.free();
      decipher.free();
    };
    for (let count = 0; count < 1000; count++) connection();
    for (let round = 0; round < 10; round++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      // From a task of V8's own, as in a process that waits: that is where it aborted.
      await gc({ execution: "async", type: "major" });
    }
    console.log("alive");`;
  const { signal, stdout } = spawnSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", script], { encoding: "utf8" });
  expect({ signal, stdout }).toEqual({ signal: null, stdout: "alive\n" });
});

describe("where somebody else built the native part", () => {
  const built = join(folder, "node_modules/ssh2/lib/protocol/crypto/build/Release");

  /** A checkout whose ssh2 has a native part; whether that gets loaded is what the program prints. */
  function checkout(): string {
    cpSync(join(modules, "ssh2"), join(folder, "node_modules/ssh2"), { recursive: true, filter: (from) => !from.endsWith("crypto/build") });
    cpSync(join(modules, "node-ssh"), join(folder, "node_modules/node-ssh"), { recursive: true });
    for (const name of [
      "asn1",
      "bcrypt-pbkdf",
      "safer-buffer",
      "tweetnacl",
      "is-stream",
      "make-dir",
      "sb-promise-queue",
      "sb-scandir",
      "shell-escape",
    ])
      symlinkSync(join(modules, name), join(folder, "node_modules", name));
    for (const name of ["ssh2.ts", "without-native.ts", "kept-keys.ts"]) cpSync(join(ssh, name), join(folder, name));
    mkdirSync(built, { recursive: true });
    writeFileSync(join(built, "sshcrypto.node"), "");
    const program = join(folder, "program.mjs");
    writeFileSync(
      program,
      `import { createRequire, Module } from "node:module";
      Module._extensions[".node"] = (module, file) => { console.log("loaded", file); module.exports = {}; };
      const { ssh2, default: plain } = await import(process.argv[2]);
      console.log(typeof (ssh2 ?? plain).Client);
      const { createCipheriv } = createRequire(import.meta.url)("node:crypto");
      console.log(createCipheriv.length, String(createCipheriv).includes("kept"));`,
    );
    return program;
  }

  test("it is not loaded, and nobody is told at each command", () => {
    const program = checkout();
    const run = (door: string) => spawnSync(process.execPath, [program, door], { encoding: "utf8", env: { PATH: process.env.PATH } });
    // The stand-in is what ssh2 by itself would load.
    expect(run(join(folder, "node_modules/ssh2/lib/index.js")).stdout).toContain(join(built, "sshcrypto.node"));
    const { stdout, stderr } = run(join(folder, "ssh2.ts"));
    // Node's own ciphers are everybody else's again.
    expect(stdout).toBe("function\n4 false\n");
    expect(stderr).not.toContain("native");
  });
});
