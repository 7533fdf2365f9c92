// Every answer as an option: what a script says, and what a person need not be asked.

import { textIn } from "../../spec/text-file.ts";

export interface StackOptions {
  readonly practice?: true;
  readonly server: readonly string[];
  readonly aws?: true;
  readonly team?: string;
  readonly member: readonly string[];
  readonly user?: string;
  readonly passwordFile?: string;
  readonly key?: string;
  readonly region?: string;
  readonly type?: string;
  readonly expires?: string;
  readonly sshFrom: readonly string[];
  readonly yes: boolean;
}

const textOf = (file: string): string => textIn(file, { what: "a file that can be read" });

/** The way in that options give, or the environment. */
export function loginOf({ key, passwordFile }: StackOptions, env: NodeJS.ProcessEnv = process.env) {
  if (key !== undefined) return { privateKey: textOf(key) };
  // The first line: editors end a file with a newline.
  if (passwordFile !== undefined) return { password: textOf(passwordFile).split("\n")[0]!.replace(/\r$/, "") };
  return env.FLEET_PASSWORD === undefined ? undefined : { password: env.FLEET_PASSWORD };
}
