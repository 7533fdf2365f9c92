"use strict";
// Prepares a machine and this checkout: each step only when it is needed, and nothing half-done. `npm start`, `npm test` and
// their like call it first; with everything there it costs a moment.

const fs = require("node:fs");
const path = require("node:path");
const { duration, practiceRefusal } = require("./facts.cjs");
const { withLock } = require("./lock.cjs");
const { SetupError, cacheFolder, checkout } = require("./paths.cjs");
const { interrupted, progress, say, stopIfInterrupted } = require("./run.cjs");
const { sweep } = require("./tools.cjs");

const help = `usage: fleet setup [--practice[=optional]] [--qemu] [--tests] [--check]

Installs what is missing: npm packages, Node, Pulumi's CLI with its Node
language host.

  --practice           also the Debian packages for practice machines; exit 3,
                       with nothing changed, where these can't run
  --practice=optional  the same, but says so and goes on without them
  --qemu               also what practice machines that are virtual ones need:
                       Debian packages of about 90 MB; elsewhere, says what
  --tests              also what the tests need: an SSH server, which is neither
                       started nor enabled, Python, and what measures are
                       judged by
  --check              prints what is there and what is missing, and changes
                       nothing; exit 1 if something is missing
  --help               prints this

Tools go to $XDG_CACHE_HOME/contest-fleet (by default ~/.cache/contest-fleet);
remove that folder to be rid of them.
Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 practice machines can't run
here, 130 interrupted.`;

const flags = ["--practice", "--practice=optional", "--qemu", "--tests", "--check", "--help"];

/** ID and ID_LIKE of os-release: `debian`, `ubuntu debian`; empty where there is none. */
function distribution() {
  if (!fs.existsSync("/etc/os-release")) return "";
  const lines = fs.readFileSync("/etc/os-release", "utf8").matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm);
  return [...lines].map(([, value]) => value).join(" ");
}

function contextOf(env) {
  const cache = cacheFolder(env);
  const facts = { platform: process.platform, arch: process.arch, uid: process.getuid?.(), distribution: distribution() };
  const refusal = practiceRefusal(facts);
  return { ...facts, checkout, cache, bin: path.join(cache, "bin"), refusal, apt: refusal === undefined, say, interrupted };
}

/** In this order: a step may use what those before it installed. */
function stepsFor({ practice, qemu, tests }) {
  const always = ["node", "packages", "pulumi"];
  const more = { debian: practice, qemu, tests, judges: tests };
  return [...always, ...Object.keys(more).filter((name) => more[name])].map((name) => require(`./steps/${name}.cjs`));
}

/** @returns the exit code */
function check(context, steps, practice) {
  const rows = steps.map((step) => {
    const [missing, notice] = [step.missing(context), step.notice?.(context)];
    const state = missing ? "missing" : notice ? "without" : "there  ";
    return { missing, line: [`${state}  ${step.title}`, missing || notice].filter(Boolean).join(": ") };
  });
  if (practice && context.refusal) rows.push({ missing: context.refusal, line: `missing  practice machines: ${context.refusal}` });
  for (const { line } of rows) console.log(line);
  return rows.some(({ missing }) => missing) ? 1 : 0;
}

async function prepare(context, steps) {
  if (steps.every((step) => step.missing(context) === undefined)) return;
  const start = Date.now();
  fs.mkdirSync(context.cache, { recursive: true });
  let done;
  const waiting = (pid) => {
    stopIfInterrupted();
    done = done || progress(`waiting for another set-up (process ${pid})`, () => "");
  };
  await withLock(path.join(context.cache, "lock"), waiting, async () => {
    if (done) done("over");
    sweep(context.cache);
    for (const step of steps) {
      if (step.missing(context) !== undefined) await step.install(context);
    }
  });
  for (const notice of steps.map((step) => step.notice?.(context)).filter(Boolean)) say(notice);
  say(`set-up done in ${duration(Date.now() - start)}`);
}

async function main(args) {
  const unknown = args.find((arg) => !flags.includes(arg));
  if (unknown) {
    say(`setup: expected one of ${flags.map((flag) => `\`${flag}\``).join(", ")}, got \`${unknown}\``);
    return 2;
  }
  if (args.includes("--help")) {
    console.log(help);
    return 0;
  }
  const context = contextOf(process.env);
  const practice = args.some((arg) => arg.startsWith("--practice"));
  const has = (flag) => args.includes(flag);
  const steps = stepsFor({ practice: practice && !context.refusal, qemu: has("--qemu"), tests: has("--tests") });
  if (args.includes("--check")) return check(context, steps, practice);
  if (practice && context.refusal) {
    say(context.refusal);
    if (args.includes("--practice")) return 3;
  }
  await prepare(context, steps);
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    say(error instanceof SetupError ? error.message : error.stack);
    process.exitCode = interrupted() ? 130 : 1;
  },
);
