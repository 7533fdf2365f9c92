"use strict";
// A Go toolchain new enough for Pulumi's modules. Any Go from 1.19 on (Debian 12's) fetches it as the module that it is.

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { spawnSync } = require("node:child_process");
const { atLeast, goAdvice } = require("../facts.cjs");
const { SetupError, wanted } = require("../paths.cjs");
const { run } = require("../run.cjs");
const { isExecutable, onPath } = require("../tools.cjs");
const { aptInstall } = require("./debian.cjs");

/** Older ones can't read the toolchain's module. */
const oldestHelper = "1.19.0";

/** @returns the newest Go of this machine, in the usual places besides PATH */
function newestGo() {
  const usual = [
    "/usr/local/go/bin/go",
    ...(fs.existsSync("/usr/lib") ? fs.readdirSync("/usr/lib") : [])
      .filter((name) => name.startsWith("go-1."))
      .map((name) => `/usr/lib/${name}/bin/go`),
  ];
  const found = [...onPath("go"), ...usual.filter(isExecutable)].map((command) => {
    const { stdout } = spawnSync(command, ["version"], {
      encoding: "utf8",
      timeout: 20_000,
      env: { ...process.env, GOTOOLCHAIN: "local" },
    });
    return { command, version: (stdout || "").split(" ")[2] };
  });
  return found.reduce((best, each) => (!best || !atLeast(best.version, each.version || "0.0") ? each : best), undefined);
}

/** @returns command and environment of a Go that is new enough */
async function findGo(context) {
  let go = newestGo();
  if (!go && context.apt) {
    await aptInstall(["golang-go"]);
    go = newestGo();
  }
  if (!go || !atLeast(go.version, oldestHelper)) {
    const got = go ? `\`${go.version}\` at ${go.command}` : "none";
    throw new SetupError(
      `pulumi: to build it, Go ${oldestHelper} or newer is needed, got ${got}: ${goAdvice(context)}, then run this again`,
    );
  }
  const command = atLeast(go.version, wanted.go) ? go.command : await toolchain(go);
  return { command, env: { GOTOOLCHAIN: "local", GOROOT: "" } };
}

/** The module cache keeps no executable bits (a Go since 1.21 sets the same ones itself). */
async function toolchain({ command }) {
  const [system, cpu] = [process.platform, { x64: "amd64", ia32: "386" }[process.arch] || process.arch];
  const module = `golang.org/toolchain@v0.0.1-go${wanted.go}.${system}-${cpu}`;
  const env = { GOTOOLCHAIN: "local", GOFLAGS: "", GO111MODULE: "on", GOWORK: "off" };
  const said = await run(`fetching Go ${wanted.go}`, command, ["mod", "download", "-json", module], {
    env,
    cwd: os.tmpdir(),
  });
  const { Dir: folder } = JSON.parse(said.slice(said.indexOf("{")));
  const tools = path.join(folder, "pkg", "tool", `${system}_${cpu}`);
  const programs = [
    ...["go", "gofmt"].map((name) => path.join(folder, "bin", name)),
    ...fs.readdirSync(tools).map((name) => path.join(tools, name)),
  ];
  for (const program of programs) fs.chmodSync(program, 0o755);
  return path.join(folder, "bin", "go");
}

module.exports = { findGo };
