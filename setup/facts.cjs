"use strict";
// The decisions of set-up, as pure functions of facts.

/** @returns the first three numbers in `text`, undefined when there is no version in it; `go1.26rc1` counts as 1.26.0 */
function parseVersion(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text || "");
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] || 0)] : undefined;
}

/** No version at all is never enough. */
function atLeast(have, want) {
  const [haves, wants] = [parseVersion(have), parseVersion(want)];
  if (!haves) return false;
  const first = [0, 1, 2].find((place) => haves[place] !== wants[place]);
  return first === undefined || haves[first] > wants[first];
}

/**
 * Whether node_modules is what the lockfile says. npm writes node_modules/.package-lock.json as the last thing it does, so a
 * half-done installation has none. Packages for other platforms are optional and may be missing.
 * @param lock package-lock.json, parsed
 * @param installed node_modules/.package-lock.json, parsed; undefined when there is none
 */
function installedMatches(lock, installed) {
  if (!installed) return false;
  const same = (a, b) => a.version === b.version && a.integrity === b.integrity;
  const wants = Object.entries(lock.packages).filter(([place]) => place !== "");
  const extra = Object.keys(installed.packages).some((place) => !lock.packages[place]);
  return (
    !extra &&
    wants.every(([place, want]) => {
      const have = installed.packages[place];
      return have ? same(want, have) : want.optional === true || want.devOptional === true;
    })
  );
}

/**
 * Why this computer can't run practice machines, and what to do; undefined when it can.
 * @param facts platform as in process.platform, uid (undefined on Windows), distribution: ID and ID_LIKE of os-release
 */
function practiceRefusal({ platform, uid, distribution }) {
  const instead = "or name servers of your own in a stack with the target `inventory`";
  if (platform === "darwin") {
    const virtual = "give a stack the target `{kind: practice, driver: qemu}` and type `./fleet setup --qemu`";
    return `these practice machines need Linux, and this is \`darwin\`: ${virtual}, ${instead}`;
  }
  if (platform !== "linux") {
    return `practice machines need Linux, and this is \`${platform}\`: run this as root in a virtual machine with Debian 12 or Ubuntu, ${instead}`;
  }
  if (!/\b(debian|ubuntu)\b/.test(distribution)) {
    return `practice machines need Debian or Ubuntu, and this is \`${distribution || "unknown"}\`: run this as root there, ${instead}`;
  }
  if (uid !== 0) return `practice machines need root, and this is user \`${uid}\`: type \`sudo npm start\`, ${instead}`;
  return undefined;
}

/**
 * What virtual machines need here, as packages of Debian or as programs on PATH, and what to type where set-up can't install it. An arm64
 * computer takes a cloud image, and so makes none.
 */
function qemuNeeds({ platform, arch, distribution }) {
  const arm = arch === "arm64";
  const programs = [arm ? "qemu-system-aarch64" : "qemu-system-x86_64", "qemu-img", "ssh-keygen"];
  if (platform === "darwin") return { programs, advice: "type `brew install qemu`" };
  const forImages = ["mmdebstrap", "debian-archive-keyring", "uidmap"];
  const machine = arm ? ["qemu-system-arm", "qemu-efi-aarch64"] : [...forImages, "qemu-system-x86"];
  const packages = [...machine, "qemu-utils", "openssh-client"];
  if (/\b(debian|ubuntu)\b/.test(distribution)) return { packages, advice: `type \`sudo apt-get install ${packages.join(" ")}\`` };
  const others = arm ? [] : ["mmdebstrap", "newuidmap"];
  return { programs: [...programs, ...others], advice: `install what Debian has as ${packages.join(", ")}` };
}

/** What to type for a Go compiler, where set-up can't install one. */
function goAdvice({ platform, distribution }) {
  if (platform === "darwin") return "type `brew install pulumi`";
  if (/\b(debian|ubuntu)\b/.test(distribution)) return "type `sudo apt-get install golang-go`";
  return "install Pulumi's CLI, or Go 1.19 or newer, and see that it is on PATH";
}

/** Other people's messages name the hosts that they talked to; ours don't: every host in `text` becomes `…`. */
function withoutHosts(text) {
  const named =
    /(?:\/\/(?:[^\s/@]*@)?|\b(?:lookup|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|resolve|resolving|connect to|host:?) ['"]?)([\w-]+(?:\.[\w-]+)+)/g;
  const hosts = [...text.matchAll(named)].map(([, host]) => host);
  return hosts.reduce((shown, host) => shown.split(host).join("…"), text);
}

/** @returns 0.4 s, 12 s, 3 min 05 s */
function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

module.exports = { atLeast, duration, goAdvice, installedMatches, parseVersion, practiceRefusal, qemuNeeds, withoutHosts };
