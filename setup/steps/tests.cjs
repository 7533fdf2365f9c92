"use strict";
// What the tests need beside the product: an SSH server to talk to, Python for the emulator of AWS, a load, a judge of slow logs and a browser.

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const { onPath } = require("../tools.cjs");
const { absent, aptInstall } = require("./debian.cjs");

const sshd = "/usr/sbin/sshd";
/** What packages ask before they start a service; Debian's own way to say no. */
const policy = "/usr/sbin/policy-rc.d";

/** Debian packs Python without what `python3 -m venv` needs. */
const hasVenv = () => spawnSync("python3", ["-c", "import ensurepip, venv"]).status === 0;

/** Command and Debian package: a load of HTTP, what slow logs are judged by, and what reads the team's page. */
const tools = { wrk: "wrk", "pt-query-digest": "percona-toolkit", chromium: "chromium" };

const names = () => [
  ...(fs.existsSync(sshd) ? [] : ["openssh-server"]),
  ...(hasVenv() ? [] : ["python3-venv"]),
  ...Object.keys(tools)
    .filter((name) => onPath(name).length === 0)
    .map((name) => tools[name]),
];

/** The tests start an SSH server of their own on loopback: this computer must not get one that is open to its network. */
async function withoutStarting(install) {
  const own = !fs.existsSync(policy);
  if (own) fs.writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await install();
  } finally {
    if (own) fs.rmSync(policy);
  }
  spawnSync("systemctl", ["disable", "ssh.service", "ssh.socket"]);
}

module.exports = {
  title: "what the tests need",

  missing({ apt }) {
    const missing = names();
    return apt && missing.length > 0 ? missing.join(", ") : undefined;
  },

  notice({ apt }) {
    const missing = names();
    if (apt || missing.length === 0) return undefined;
    return `tests need ${missing.join(" and ")}, and some fail without: type \`sudo apt-get install ${missing.join(" ")}\` on Debian or Ubuntu`;
  },

  async install() {
    const missing = absent(names());
    if (missing.includes("openssh-server")) await withoutStarting(() => aptInstall(missing));
    else await aptInstall(missing);
  },
};
