// fleet setup: what this computer needs. The launcher runs it before anything is there (setup/setup.cjs); this is its place in the help.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { checkout } from "../../provisioners/project.ts";
import type { Register } from "../command.ts";

export const setup: Register = (program, done) =>
  program
    .command("setup")
    .description("install what is missing on this computer: Node, Pulumi, and what practice machines need")
    .option("--practice", "also the Debian packages for practice machines")
    .option("--qemu", "also what practice machines that are virtual ones need")
    .option("--check", "print what is there and what is missing, and change nothing")
    .allowUnknownOption()
    .helpOption(false)
    .action(() => {
      const { status } = spawnSync(process.execPath, [join(checkout, "setup", "setup.cjs"), ...process.argv.slice(3)], {
        stdio: "inherit",
      });
      return done(status ?? 130);
    });
