// The contract of a command: data in, exit code out. Only main.ts exits.
import type { Command } from "commander";

/** 0 done; 1 failed; 2 wrong use, or a problem in the stack file; 7 verify found a difference (as Pulumi's own). */
export type ExitCode = number;

/** Adds itself to the program; `done` is handed the exit code. */
export type Register = (program: Command, done: (code: ExitCode | Promise<ExitCode>) => Promise<void>) => void;
