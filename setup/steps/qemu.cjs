"use strict";
// Debian packages for practice machines that are virtual ones. Running these needs no root; installing them does.

const { SetupError } = require("../paths.cjs");
const { absent, aptInstall } = require("./debian.cjs");

/** For machines/qemu.ts: build an image, also without root; boot it; reach it. About 90 MB. */
const forQemu = [
  "mmdebstrap", // the base image
  "debian-archive-keyring", // Ubuntu's apt does not know Debian's keys
  "uidmap", // the image's users, where its builder is not root
  "qemu-system-x86", // the machine
  "qemu-utils", // its disk
  "openssh-client", // ssh-keygen, and ssh for people
];

module.exports = {
  title: "Debian packages for virtual machines",

  missing() {
    const names = absent(forQemu);
    return names.length > 0 ? names.join(", ") : undefined;
  },

  install({ apt }) {
    const names = absent(forQemu);
    if (!apt)
      throw new SetupError(
        `virtual machines need ${names.join(", ")}: type \`sudo apt-get install ${names.join(" ")}\` on Debian or Ubuntu`,
      );
    return aptInstall(names);
  },
};
