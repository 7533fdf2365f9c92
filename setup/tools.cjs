"use strict";
// The cache folder: what is installed there, and the links in its bin/ that the launcher puts in front of PATH.

const fs = require("node:fs");
const path = require("node:path");
const { realpath, wanted } = require("./paths.cjs");

/** Beside the links: the versions that they were chosen for. Other wishes, and every link is chosen anew. */
const stamp = (bin) => path.join(bin, ".wanted.json");

function linksAreFor(bin, wants) {
  try {
    return fs.readFileSync(stamp(bin), "utf8") === JSON.stringify(wants);
  } catch {
    return false;
  }
}

/** @returns the real path behind `bin/<name>`, undefined when the link is missing, dangling or was made for other versions */
const linked = (bin, name) => (linksAreFor(bin, wanted) ? realpath(path.join(bin, name)) : undefined);

/** Replaces in one step, so that a command that another process starts at this moment is there. */
function link(bin, name, target) {
  if (!linksAreFor(bin, wanted)) {
    fs.rmSync(bin, { recursive: true, force: true });
    fs.mkdirSync(bin, { recursive: true });
    fs.writeFileSync(stamp(bin), JSON.stringify(wanted));
  }
  const fresh = path.join(bin, `.${name}.${process.pid}`);
  fs.symlinkSync(target, fresh);
  fs.renameSync(fresh, path.join(bin, name));
}

/** Executable files called `name` on PATH, in its order, those in `except` left out. */
function onPath(name, except) {
  const folders = (process.env.PATH || "").split(path.delimiter).filter((folder) => path.isAbsolute(folder) && folder !== except);
  return folders.map((folder) => path.join(folder, name)).filter(isExecutable);
}

function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Installs into the cache as a whole or not at all: `build` fills a temporary folder and names the part of it that is renamed
 * into place at the end.
 * @returns the folder `cache/name`
 */
async function install(cache, name, build) {
  const place = path.join(cache, name);
  const work = fs.mkdtempSync(path.join(cache, `${name}.tmp-`));
  try {
    const made = await build(work);
    fs.rmSync(place, { recursive: true, force: true });
    fs.renameSync(made, place);
    return place;
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** Temporary folders of set-ups that were killed. Call it holding the lock: then they are nobody's. Others keep theirs here too. */
function sweep(cache) {
  for (const name of fs.readdirSync(cache).filter((each) => /^(?:node|pulumi|alp)-.*\.tmp-/.test(each))) {
    fs.rmSync(path.join(cache, name), { recursive: true, force: true });
  }
}

module.exports = { install, isExecutable, link, linked, linksAreFor, onPath, sweep };
