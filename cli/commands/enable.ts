// fleet enable: a server that was drained in again.

import { type BalanceOptions, balance, balancedServers, percent } from "../balance.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";

export const enable: Register = (program, done) =>
  program
    .command("enable")
    .description("give a server that was drained its share of the requests again")
    .argument("<servers...>", balancedServers)
    .option(...stackOption)
    .option("--share <per cent>", "of its usual share", percent, 100)
    .option("--json", "what was changed, as JSON", false)
    .addHelpText("after", "\nExamples:\n  fleet enable isu3\n  fleet enable isu3 --share 50")
    .action((words: string[], options: BalanceOptions) => done(balance("enable", words, { ...options, wait: false, anyway: true })));
