"use strict";
// Child processes, with progress for whoever waits: nothing for the first second, then what it does and for how long.

const { spawn } = require("node:child_process");
const { duration, withoutHosts } = require("./facts.cjs");
const { SetupError } = require("./paths.cjs");

const quietMs = 1000;
/** Redraws on a terminal; in a log a line now and then. */
const everyMs = process.stderr.isTTY ? 200 : 15_000;
const shownLines = 15;

const say = (line) => process.stderr.write(`${line}\n`);

/** Shows `title` and what `detail()` says until the returned function is called. */
function progress(title, detail) {
  const live = process.stderr.isTTY;
  const start = Date.now();
  let shown = false;
  const show = () => {
    const more = shown || live ? [duration(Date.now() - start), withoutHosts(detail())].filter(Boolean).join(", ") : "…";
    const line = `${title} ${more}`;
    process.stderr.write(live ? `\r\x1b[K${line.slice(0, (process.stderr.columns || 80) - 1)}` : `${line}\n`);
    shown = true;
  };
  let ticker;
  const first = setTimeout(() => {
    show();
    ticker = setInterval(show, everyMs).unref();
  }, quietMs).unref();
  return (outcome) => {
    clearTimeout(first);
    clearInterval(ticker);
    if (shown) process.stderr.write(`${live ? "\r\x1b[K" : ""}${title}: ${outcome} after ${duration(Date.now() - start)}\n`);
  };
}

let signalled;
/** @returns the signal that asked us to stop, undefined when none did */
const interrupted = () => signalled;
const stoppers = new Set();
function stopIfInterrupted() {
  if (signalled) throw new SetupError(`interrupted (${signalled}): run it again, it goes on where it stopped`);
}
/** Ctrl-C ends what may be ended; what may not (a package installation half-way) is waited for. */
function onSignal(signal) {
  signalled = signalled || signal;
  for (const stop of stoppers) stop(signal);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, onSignal);

/**
 * Runs a command to its end and returns its output, both streams in one. Fails with its last lines, hosts taken out.
 * @param title what is being done, for people
 * @param options cwd, env (added to ours), timeout (seconds, default none), finish (true: never interrupted),
 *   detail (lines so far → what to show, default the last line), excerpt (all lines → those that explain a failure, default the last)
 */
async function run(title, command, args, { cwd, env, timeout, finish, detail, excerpt } = {}) {
  const lines = [];
  const done = progress(title, () => (detail ? detail(lines) : lines[lines.length - 1] || ""));
  const ended = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const end = (signal) => child.exitCode === null && child.signalCode === null && child.pid && process.kill(-child.pid, signal);
    const stop = (signal) => (finish ? say(`${title}: waiting for it to finish, so that nothing is half-installed`) : end(signal));
    const timer = timeout && setTimeout(() => end("SIGKILL"), timeout * 1000);
    stoppers.add(stop);
    for (const stream of [child.stdout, child.stderr]) collect(stream, lines);
    const settle = (how) => {
      clearTimeout(timer);
      stoppers.delete(stop);
      resolve(how);
    };
    child.on("error", (error) => settle(error.code === "ENOENT" ? `\`${command}\` is not on PATH` : error.message));
    child.on("close", (code, signal) => settle(code === 0 ? undefined : signal ? `ended by ${signal}` : `exit ${code}`));
  });
  done(ended ? `failed (${ended})` : "done");
  stopIfInterrupted();
  if (!ended) return lines.join("\n");
  const why = excerpt ? excerpt(lines).slice(0, shownLines) : lines.slice(-shownLines);
  throw new SetupError([`${title}: ${ended}`, ...why.map(withoutHosts)].join("\n  "));
}

/** Splits at `\r` too: that is how progress bars write. */
function collect(stream, lines) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const parts = (rest + text).split(/[\r\n]+/);
    rest = parts.pop();
    lines.push(...parts.filter((part) => part.trim() !== ""));
  });
  stream.on("end", () => rest.trim() !== "" && lines.push(rest));
}

module.exports = { interrupted, progress, run, say, stopIfInterrupted };
