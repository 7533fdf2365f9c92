"use strict";
// The native part of ssh2, built for the Node that will run; without it ssh2 falls back to JavaScript and says nothing.
// Measured on 2 cores against sshd on loopback, aes128-gcm, Node 24: receiving 200 MB costs 0.24 s of CPU with it and 0.38 s
// without; handshakes and short commands cost the same. Worth five seconds of building where a compiler is there, not worth
// installing one. Not built: cpu-features, which only makes ssh2 prefer chacha20 on processors without AES.

const fs = require("node:fs");
const path = require("node:path");
const { realpath } = require("../paths.cjs");
const { run } = require("../run.cjs");
const { linked, onPath } = require("../tools.cjs");

const crypto = ({ checkout }) => path.join(checkout, "node_modules", "ssh2", "lib", "protocol", "crypto");
const stampFile = (context) => path.join(crypto(context), "build", "fleet.json");

/** What a build is good for: one Node binary. A new one in the same place has another size or time. */
function identity(context) {
  const node = linked(context.bin, "node") || realpath(process.execPath);
  const { size, mtimeMs } = fs.statSync(node);
  return { node, size, mtimeMs };
}

/** @returns built: false when it was tried for this Node and failed, undefined when it was not tried */
function built(context) {
  try {
    const { built: result, ...made } = JSON.parse(fs.readFileSync(stampFile(context), "utf8"));
    return JSON.stringify(made) === JSON.stringify(identity(context)) ? result : undefined;
  } catch {
    return undefined;
  }
}

/** node-gyp must not fetch headers, so they have to lie beside the Node. */
const headers = ({ node }) => path.dirname(path.dirname(node));

/** @returns the names of what a build needs and this machine lacks */
function lacking(context) {
  const tools = ["make", "c++", "python3"].filter((name) => onPath(name).length === 0);
  const has = fs.existsSync(path.join(headers(identity(context)), "include", "node", "node_version.h"));
  return has ? tools : [...tools, "Node's headers"];
}

async function build(context) {
  const made = identity(context);
  const gyp = path.join(context.checkout, "node_modules", "node-gyp", "bin", "node-gyp.js");
  const { openssl } = JSON.parse(await run("asking Node for its versions", made.node, ["-p", "JSON.stringify(process.versions)"]));
  const args = [gyp, "rebuild", `--nodedir=${headers(made)}`, `--real_openssl_major=${parseInt(openssl, 10)}`];
  await run("building the native part of ssh2", made.node, args, { cwd: crypto(context), env: { npm_config_nodedir: headers(made) } });
  await run("trying the native part of ssh2", made.node, ["-e", 'require("./build/Release/sshcrypto.node")'], { cwd: crypto(context) });
}

module.exports = {
  title: "ssh2's native part",

  missing(context) {
    if (built(context) !== undefined || lacking(context).length > 0) return undefined;
    return "not built for this Node";
  },

  notice(context) {
    const [result, lacks] = [built(context), lacking(context)];
    if (result || (result === undefined && lacks.length === 0)) return undefined;
    const why =
      lacks.length > 0 ? `${lacks.join(", ")} not found (optional; on Debian \`apt-get install make g++ python3\`)` : "its build failed";
    return `ssh2 runs on its slower JavaScript path: ${why}`;
  },

  /** Optional: a build that fails is recorded, so that it is not tried again for this Node, and told as a notice. */
  async install(context) {
    const failure = await build(context).then(
      () => undefined,
      (error) => error,
    );
    if (failure && context.interrupted()) throw failure;
    if (failure) context.say(failure.message);
    fs.mkdirSync(path.dirname(stampFile(context)), { recursive: true });
    fs.writeFileSync(stampFile(context), JSON.stringify({ ...identity(context), built: !failure }));
  },
};
