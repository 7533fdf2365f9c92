"use strict";
// What the tests of measuring ask about the same logs: alp, built from its Go module. pt-query-digest and wrk are Debian's (tests.cjs).

const fs = require("node:fs");
const path = require("node:path");
const { run } = require("../run.cjs");
const { install, isExecutable, onPath } = require("../tools.cjs");
const { findGo } = require("./go.cjs");

const version = "1.0.21";
const module_ = "github.com/tkuchiki/alp";
const folder = `alp-${version}`;

module.exports = {
  title: `alp ${version}, which the tests of measuring ask`,

  // Only where machines can be made is there anything to measure.
  missing: ({ apt, cache }) =>
    !apt || isExecutable(path.join(cache, folder, "alp")) || onPath("alp").length > 0 ? undefined : "not built yet",

  async install(context) {
    const go = await findGo(context);
    await install(context.cache, folder, async (work) => {
      const made = path.join(work, "made");
      const cwd = path.join(work, "build");
      for (const each of [made, cwd]) fs.mkdirSync(each);
      // Required by a module of its own: `go install …@version` is refused by some proxies.
      fs.writeFileSync(path.join(cwd, "go.mod"), `module contest-fleet.local/alp\n\ngo 1.22\n\nrequire ${module_} v${version}\n`);
      const env = { ...go.env, CGO_ENABLED: "0", GOFLAGS: "-mod=mod", GOWORK: "off" };
      await run("building alp", go.command, ["build", "-o", path.join(made, "alp"), `${module_}/cmd/alp`], { cwd, env });
      return made;
    });
  },
};
