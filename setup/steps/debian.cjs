"use strict";
// Debian packages: those that practice machines need, and apt itself for other steps.

const { spawnSync } = require("node:child_process");
const { run } = require("../run.cjs");

/** For machines/nspawn: build an image, boot it, give it a network, reach it. */
const forPractice = [
  "mmdebstrap", // the base image
  "debian-archive-keyring", // Ubuntu's apt does not know Debian's keys
  "systemd-container", // systemd-nspawn
  "nftables", // NAT
  "iproute2", // the bridge
  "openssh-client", // ssh-keygen, and ssh for people
];

/** @returns those of `names` that are not installed; apt's own words for "there" are `install ok installed` */
function absent(names) {
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f=${Package} ${Status}\\n", ...names], { encoding: "utf8" });
  const there = new Set(
    (stdout || "")
      .split("\n")
      .filter((line) => line.endsWith("install ok installed"))
      .map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !there.has(name));
}

/** Waits for another apt (a fresh Ubuntu upgrades itself). An installation is never interrupted half-way. */
async function aptInstall(names) {
  const env = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" };
  await run("refreshing Debian's package lists", "apt-get", ["-q", "-o", "DPkg::Lock::Timeout=300", "update"], { env });
  const args = ["-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "install", ...names];
  await run(`installing ${names.join(", ")}`, "apt-get", args, { env, finish: true });
}

module.exports = {
  absent,
  aptInstall,
  title: "Debian packages for practice machines",

  missing() {
    const names = absent(forPractice);
    return names.length > 0 ? names.join(", ") : undefined;
  },

  install: () => aptInstall(absent(forPractice)),
};
