"use strict";
// npm packages, exactly those of the lockfile.

const fs = require("node:fs");
const path = require("node:path");
const { installedMatches } = require("../facts.cjs");
const { run } = require("../run.cjs");

function json(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

const isFetch = (line) => line.startsWith("npm http fetch");

module.exports = {
  title: "npm packages",

  missing({ checkout }) {
    // A package that npm installed has what it needs beside it, and no lockfile.
    if (!fs.existsSync(path.join(checkout, "package-lock.json"))) return undefined;
    const installed = json(path.join(checkout, "node_modules", ".package-lock.json"));
    const lock = JSON.parse(fs.readFileSync(path.join(checkout, "package-lock.json"), "utf8"));
    if (installedMatches(lock, installed)) return undefined;
    return installed ? "node_modules is not what package-lock.json says" : "node_modules is missing or half-done";
  },

  install: ({ checkout }) =>
    // Packages' own scripts don't run. In .npmrc, `ignore-scripts` would keep our own `prestart` and `pretest` from running too.
    run("installing npm packages", "npm", ["ci", "--ignore-scripts", "--loglevel=http"], {
      cwd: checkout,
      // The reason first, a page of usage after it.
      excerpt: (lines) => lines.filter((line) => line.startsWith("npm error")),
      detail: (lines) => `${lines.filter(isFetch).length} fetched`,
    }),
};
