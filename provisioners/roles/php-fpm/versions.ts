// The PHP that a distribution has: it stands in the paths and in the unit's name.
import { UserError } from "../../../spec/problem.ts";
import type { Facts } from "../../engine/facts.ts";

const versions: Readonly<Record<string, string>> = { "debian 12": "8.2", "debian 13": "8.4", "ubuntu 22.04": "8.1", "ubuntu 24.04": "8.3" };

/** `undefined` where it is not known. */
export const knownPhp = ({ distribution, version }: Facts): string | undefined => versions[`${distribution} ${version}`];

export function phpVersion(facts: Facts): string {
  const found = knownPhp(facts);
  const got = `${facts.distribution} ${facts.version}`;
  if (!found) throw new UserError(`php-fpm: expected one of ${Object.keys(versions).join(", ")}, got ${got}`);
  return found;
}

export const phpUnit = (version: string): string => `php${version}-fpm.service`;
/** What it can't read it takes for 0, with a warning, and starts: that counts as an error. */
export const phpValidator = (version: string): string => `php-fpm${version} -t
! php-fpm${version} -t 2>&1 | grep 'Invalid "'`;
