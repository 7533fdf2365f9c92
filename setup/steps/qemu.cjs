"use strict";
// What practice machines need that are virtual ones. Running these needs no root; installing Debian packages does.

const { qemuNeeds } = require("../facts.cjs");
const { SetupError } = require("../paths.cjs");
const { onPath } = require("../tools.cjs");
const { absent, aptInstall } = require("./debian.cjs");

/** @returns names of packages, or of programs where there are no packages of Debian */
function lacking(context) {
  const { packages, programs } = qemuNeeds(context);
  return packages ? absent(packages) : programs.filter((name) => onPath(name).length === 0);
}

module.exports = {
  title: "what virtual machines need",

  missing(context) {
    const names = lacking(context);
    return names.length > 0 ? names.join(", ") : undefined;
  },

  install(context) {
    const names = lacking(context);
    const { packages, advice } = qemuNeeds(context);
    if (!packages || !context.apt) throw new SetupError(`virtual machines need ${names.join(", ")}: ${advice}`);
    return aptInstall(names);
  },
};
