"use strict";
// Where set-up keeps what it installs, and which versions it wants. Plain old JavaScript, like all of setup/: it runs on the
// Node that a machine happens to have (>= 18) before anything is installed. `node setup/paths.cjs` prints the paths as JSON.

const fs = require("node:fs");
const path = require("node:path");

/** A sentence for the user; printed without a stack. */
class SetupError extends Error {}

/** The checkout that this file is part of. */
const checkout = path.dirname(__dirname);

/** Exact where set-up installs, a lower bound where it takes what is there. */
const wanted = {
  /** The first Node that runs TypeScript without a flag. */
  nodeAtLeast: "22.18.0",
  /** The npm package `node-<platform>-<arch>`. */
  node: "24.21.0",
  /** The engine and its Node language host are published apart; these two work together and with the newer npm packages. */
  pulumi: "3.250.0",
  languageHost: "3.60.0",
  /** The npm package `pulumi`, which downloads the CLI that `pulumi` above names. */
  pulumiPackage: "3.265.0",
  /** What the Pulumi CLI's own module asks for. */
  go: "1.25.11",
};

/** The commands that the launcher `setup/node` puts in front of PATH. */
const commands = ["node", "pulumi", "pulumi-language-nodejs"];

/** A user's cache, outside the checkout. A relative XDG_CACHE_HOME is ignored, as its specification says. */
function cacheFolder(env) {
  const xdg = env.XDG_CACHE_HOME || "";
  if (path.isAbsolute(xdg)) return path.join(xdg, "contest-fleet");
  if (env.HOME) return path.join(env.HOME, ".cache", "contest-fleet");
  throw new SetupError("neither `HOME` nor `XDG_CACHE_HOME` is set: expected a folder to keep tools in; set one of them");
}

/** @returns cache and bin folders, and the real path of each command that is there */
function paths(env) {
  const cache = cacheFolder(env);
  const bin = path.join(cache, "bin");
  const found = commands.map((name) => [name, realpath(path.join(bin, name))]).filter(([, file]) => file !== undefined);
  return { checkout, cache, bin, commands: Object.fromEntries(found) };
}

/** @returns undefined for what does not exist, a dangling link included */
function realpath(file) {
  try {
    return fs.realpathSync(file);
  } catch {
    return undefined;
  }
}

module.exports = { SetupError, cacheFolder, checkout, commands, paths, realpath, wanted };

if (require.main === module) console.log(JSON.stringify(paths(process.env), undefined, 2));
