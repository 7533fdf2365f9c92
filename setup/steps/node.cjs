"use strict";
// A Node that runs TypeScript: the one that runs this, where it is new enough, else one from npm.

const path = require("node:path");
const { atLeast } = require("../facts.cjs");
const { SetupError, realpath, wanted } = require("../paths.cjs");
const { run } = require("../run.cjs");
const { install, isExecutable, link, linked } = require("../tools.cjs");

const enough = () => atLeast(process.version, wanted.nodeAtLeast);

module.exports = {
  title: `Node >= ${wanted.nodeAtLeast}`,

  missing({ bin }) {
    const node = linked(bin, "node");
    if (node === undefined) return enough() ? "not linked yet" : `this is ${process.version}; ${wanted.node} comes from npm`;
    // The link leads to this very Node, which was replaced by an older one.
    return node === realpath(process.execPath) && !enough() ? `${node} is ${process.version} now` : undefined;
  },

  async install({ cache, bin }) {
    link(bin, "node", enough() ? realpath(process.execPath) : await fromNpm(cache));
  },
};

/** The package `node` is a script that fetches one of these; it names the one for Apple's processors in another way. */
const packageName = () =>
  `${process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node"}-${process.platform}-${process.arch}`;

async function fromNpm(cache) {
  const name = `node-${wanted.node}`;
  const binary = path.join(cache, name, "bin", "node");
  if (isExecutable(binary)) return binary;
  await install(cache, name, async (work) => {
    const args = ["install", "--prefix", work, "--no-save", "--no-package-lock", "--ignore-scripts", `${packageName()}@${wanted.node}`];
    await run(`installing Node ${wanted.node}`, "npm", args, { cwd: work });
    const made = path.join(work, "node_modules", packageName());
    const version = await run("trying the new Node", path.join(made, "bin", "node"), ["--version"]);
    if (!atLeast(version, wanted.node)) throw new SetupError(`\`${packageName()}\`: expected version ${wanted.node}, got \`${version}\``);
    return made;
  });
  return binary;
}
