"use strict";
// Loads Pulumi's SDK without what this product never needs of it: half a second of each start.

const Module = require("node:module");

/** Node runs TypeScript itself; some language hosts lose `typescript: false` of Pulumi.yaml, and would load a compiler. */
delete process.env.PULUMI_NODEJS_TYPESCRIPT;

/** Serialise functions into dynamic providers and lambdas; loaded at their first use, which is never here. */
const seldom = new Set(["typescript", "@npmcli/arborist", "normalize-package-data"]);
/** Reads source maps at every stack trace, and gRPC takes one at every call. Our own code needs none: its lines are those of its file. */
const never = "source-map-support/register";
const load = Module._load;

function late(name, parent) {
  let real;
  const get = () => {
    real ??= load(name, parent, false);
    return real;
  };
  // `__esModule` keeps TypeScript's import helpers from copying the properties, which would load it all.
  return new Proxy(function late() {}, {
    get: (_target, key) => (key === "__esModule" ? true : get()[key]),
    apply: (_target, self, args) => Reflect.apply(get(), self, args),
  });
}

Module._load = (name, parent, isMain) => {
  if (!parent?.filename?.includes("/@pulumi/pulumi/")) return load(name, parent, isMain);
  if (name === never) return {};
  return seldom.has(name) ? late(name, parent) : load(name, parent, isMain);
};
