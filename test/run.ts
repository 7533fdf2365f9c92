// npm test: the check, then the integration tests on real practice machines, where this computer can carry them.
import { checks, finish, run, vitest } from "./steps.ts";

const whyNot =
  process.platform !== "linux" ? `this is ${process.platform}, not Linux` : process.getuid?.() !== 0 ? "this is not root" : undefined;

const failed = run(whyNot === undefined ? [...checks, vitest("integration")] : checks);
if (whyNot !== undefined)
  console.log(
    `\nleft out: the integration tests, which make machines on this computer: ${whyNot}; next: sudo npm test on Debian or Ubuntu`,
  );
finish(failed);
