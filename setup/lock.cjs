"use strict";
// One set-up at a time per cache folder. The lock file is linked into place with its content, so it is never seen half-written.

const fs = require("node:fs");

/** A pid alone is reused; with the time its process started (clock ticks since boot, Linux only) it is not. */
function startOf(pid) {
  try {
    return fs
      .readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")[19];
  } catch {
    return undefined;
  }
}

/** @param text the content of a lock file */
function isDead(text) {
  const [pid, started] = text.trim().split(" ");
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return error.code !== "EPERM";
  }
  return started !== undefined && startOf(pid) !== started;
}

function read(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Two may break a dead holder's lock at once: who finds that it moved away a live one puts it back. */
function breakDead(file, dead) {
  const aside = `${file}.${process.pid}`;
  try {
    fs.renameSync(file, aside);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  if (read(aside) !== dead) fs.linkSync(aside, file);
  fs.unlinkSync(aside);
}

/** @returns undefined when the lock is ours, else the text of its living holder */
function tryLock(file) {
  const mine = `${file}.${process.pid}`;
  fs.writeFileSync(mine, [process.pid, startOf(process.pid)].join(" ").trim());
  try {
    fs.linkSync(mine, file);
    return undefined;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  } finally {
    fs.unlinkSync(mine);
  }
  const holder = read(file);
  if (holder === undefined) return tryLock(file);
  if (!isDead(holder)) return holder;
  breakDead(file, holder);
  return tryLock(file);
}

/**
 * Runs `work` while holding the lock; waits as long as its holder lives.
 * @param onWait called again and again with the holder's pid while there is something to wait for; what it throws ends the wait
 */
async function withLock(file, onWait, work) {
  for (let holder = tryLock(file); holder !== undefined; holder = tryLock(file)) {
    onWait(holder.split(" ")[0]);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}

module.exports = { isDead, tryLock, withLock };
