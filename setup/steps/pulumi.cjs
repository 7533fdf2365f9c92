"use strict";
// Pulumi's CLI and its Node language host: those on PATH; else the npm package `pulumi`, which downloads both; else, where that
// download can't be reached, a build from Go modules.

const fs = require("node:fs");
const path = require("node:path");
const { spawnSync } = require("node:child_process");
const { atLeast } = require("../facts.cjs");
const { SetupError, realpath, wanted } = require("../paths.cjs");
const { run } = require("../run.cjs");
const { install, isExecutable, link, linked, onPath } = require("../tools.cjs");
const { findGo } = require("./go.cjs");

const cli = "pulumi";
const host = "pulumi-language-nodejs";
/** Seconds. Where the download is not possible it usually fails at once; where it hangs, a build is as fast as waiting longer. */
const downloadLimit = 240;

module.exports = {
  title: `Pulumi >= ${wanted.pulumi}`,

  missing: ({ bin }) => (linked(bin, cli) && linked(bin, host) ? undefined : "no CLI with its Node language host linked yet"),

  async install(context) {
    const found = fromPath(context.bin) || fromCache(context.cache) || (await obtain(context));
    for (const name of [cli, host]) link(context.bin, name, found[name]);
  },
};

/** The first CLI on PATH that is new enough and has a language host: beside it, or on PATH too. */
function fromPath(bin) {
  for (const file of onPath(cli, bin)) {
    const { stdout } = spawnSync(file, ["version"], {
      encoding: "utf8",
      timeout: 10_000,
      env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    const beside = path.join(path.dirname(realpath(file)), host);
    const language = isExecutable(beside) ? beside : onPath(host, bin)[0];
    if (language && atLeast(stdout, wanted.pulumi)) return { [cli]: realpath(file), [host]: realpath(language) };
  }
  return undefined;
}

function fromCache(cache) {
  const folder = path.join(cache, `pulumi-${wanted.pulumi}`, "bin");
  const files = { [cli]: path.join(folder, cli), [host]: path.join(folder, host) };
  return isExecutable(files[cli]) && isExecutable(files[host]) ? files : undefined;
}

async function obtain(context) {
  await install(context.cache, `pulumi-${wanted.pulumi}`, async (work) => {
    const made = await download(work).catch((error) => {
      if (context.interrupted()) throw error;
      context.say("the Pulumi CLI can't be downloaded from here: building it from Go modules, once");
      return build(context, work);
    });
    const version = await run("trying the Pulumi CLI", path.join(made, "bin", cli), ["version"], {
      env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    if (!atLeast(version, wanted.pulumi)) throw new SetupError(`pulumi: expected version ${wanted.pulumi}, got \`${version}\``);
    return made;
  });
  return fromCache(context.cache);
}

/** @returns the folder that has bin/ in it */
async function download(work) {
  const packaged = path.join(work, "npm");
  fs.mkdirSync(packaged);
  const args = ["install", "--prefix", packaged, "--no-save", "--no-package-lock", "--ignore-scripts", `pulumi@${wanted.pulumiPackage}`];
  await run("asking npm for the Pulumi CLI", "npm", args, { cwd: packaged, timeout: downloadLimit });
  const env = { PULUMI_HOME: path.join(work, "home"), PULUMI_VERSION: wanted.pulumi, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const start = path.join(packaged, "node_modules", "pulumi", "run.js");
  await run("downloading the Pulumi CLI", process.execPath, [start, "version"], { env, timeout: downloadLimit });
  return path.join(work, "home", "versions", wanted.pulumi);
}

/** Both modules get a go.mod of their own: the CLI's asks for a replacement, which `go install …@version` refuses. */
async function build(context, work) {
  const go = await findGo(context);
  const made = path.join(work, "made");
  fs.mkdirSync(path.join(made, "bin"), { recursive: true });
  const sdk = "github.com/pulumi/pulumi/sdk/v3";
  const pieces = [
    {
      name: cli,
      command: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      version: wanted.pulumi,
      replace: "github.com/atotto/clipboard=github.com/tgummerer/clipboard@v0.0.0-20241001131231-d02d263e614e",
    },
    { name: host, command: `${sdk}/nodejs/cmd/pulumi-language-nodejs`, version: wanted.languageHost },
  ];
  for (const piece of pieces) await compile(go, work, path.join(made, "bin", piece.name), piece, sdk);
  return made;
}

async function compile(go, work, output, { name, command, version, replace }, sdk) {
  const cwd = path.join(work, `build-${name}`);
  fs.mkdirSync(cwd);
  // No C compiler needed, none used. The checksum database stays in force, as the user has set it.
  const options = { cwd, env: { ...go.env, CGO_ENABLED: "0", GOFLAGS: "-mod=mod", GOWORK: "off" } };
  await run(`preparing ${name}`, go.command, ["mod", "init", `contest-fleet.local/${name}`], options);
  if (replace) await run(`preparing ${name}`, go.command, ["mod", "edit", `-replace=${replace}`], options);
  await run(`fetching the modules of ${name}`, go.command, ["get", `${command}@v${version}`], options);
  const linker = `-s -w -X ${sdk}/go/common/version.Version=v${version}`;
  await run(`building ${name}`, go.command, ["build", "-v", "-o", output, "-ldflags", linker, command], {
    ...options,
    detail: (lines) => `${lines.filter((line) => !line.startsWith("go: ")).length} packages compiled`,
  });
}
