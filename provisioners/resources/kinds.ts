// The kinds, in the order in which a role does them: what others need comes first.

import { absent } from "./absent.ts";
import { archive } from "./archive.ts";
import { block } from "./block.ts";
import { check } from "./check.ts";
import { command } from "./command.ts";
import { cron } from "./cron.ts";
import { directory } from "./directory.ts";
import { file } from "./file.ts";
import { git } from "./git.ts";
import { group } from "./group.ts";
import { handler } from "./handler.ts";
import type { Address, Common, Kind } from "./kind.ts";
import { limits } from "./limits.ts";
import { link } from "./link.ts";
import { live } from "./live.ts";
import { mount } from "./mount.ts";
import { mysqlDatabase } from "./mysql-database.ts";
import { mysqlGrant } from "./mysql-grant.ts";
import { mysqlUser } from "./mysql-user.ts";
import { packageKind } from "./package.ts";
import { repository } from "./repository.ts";
import { service } from "./service.ts";
import { sysctl } from "./sysctl.ts";
import { unit } from "./unit.ts";
import { user } from "./user.ts";

// biome-ignore lint/suspicious/noExplicitAny: a registry of kinds with different wants; `kindOf` is its only reader
export const kinds: readonly Kind<any, any, any>[] = [
  group,
  user,
  repository,
  packageKind,
  directory,
  file,
  link,
  absent,
  block,
  limits,
  sysctl,
  mount,
  unit,
  cron,
  git,
  archive,
  handler,
  service,
  mysqlDatabase,
  mysqlUser,
  mysqlGrant,
  command,
  check,
  live,
];

const byName = new Map(kinds.map((kind, rank) => [kind.kind, { kind, rank }]));

/** The kind of an address. An unknown one is our bug, or a state written by a newer version. */
export function kindOf(address: Address): { readonly kind: Kind<Common, unknown, string>; readonly rank: number } {
  const found = byName.get(address.slice(0, address.indexOf("[")));
  if (!found) throw new Error(`unknown resource kind in \`${address}\`; known: ${[...byName.keys()].join(", ")}`);
  return found;
}
