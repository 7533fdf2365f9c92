// fleet drain: a server out of what balances over it.

import { type BalanceOptions, balance, balancedServers, percent } from "../balance.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { seconds } from "../seconds.ts";

export const drain: Register = (program, done) =>
  program
    .command("drain")
    .description("take a server out of what balances over it (nginx, haproxy), without a restart, and wait for its connections to end")
    .argument("<servers...>", balancedServers)
    .option(...stackOption)
    .option("--share <per cent>", "leave it this share of its requests, in place of none", percent, 0)
    .option("--timeout <seconds>", "for its connections to end; 30 without", seconds)
    .option("--no-wait", "do not wait for its connections to end")
    .option("--anyway", "also where nobody is left to answer", false)
    .option("--json", "what was changed, as JSON", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet drain isu3
  fleet drain isu3 --share 20
  fleet enable isu3

It stays out in the next up: the stack file says so (share: 0), which fleet enable takes out again.
Where a file of the team's own has the upstream, that file says so too, for the balancer's server.
Exit codes: 0; 1 where a balancer refused, or connections were left after the time.`,
    )
    .action((words: string[], options: BalanceOptions) => done(balance("drain", words, options)));
