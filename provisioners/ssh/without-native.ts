// Keeps ssh2 from loading its native part, also where somebody's `npm install` has built it: built with the headers of Node 24.19 or newer, it
// aborts the whole process when V8 collects a closed connection's ciphers (nodejs/node #65446, mscdex/ssh2 #1511). What it would save is 0.14 s of
// CPU per 200 MB received; handshakes and short commands cost the same. Imported before ssh2, by the door to it alone: ssh2.ts.
import { existsSync, realpathSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const native = join(dirname(require.resolve("ssh2")), "protocol", "crypto", "build", "Release", "sshcrypto.node");

if (existsSync(native)) {
  const file = realpathSync(native);
  // ssh2 takes "there, but nothing in it" as "not built".
  require.cache[file] = Object.assign(new Module(file), { loaded: true, exports: undefined });
}
