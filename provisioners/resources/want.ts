// How a role says what it wants: `want.file({ path, content })`, checked and with its defaults filled in. One line a kind.
import type { z } from "zod";
import { explain } from "../../spec/messages.ts";
import { type AbsentWant, absent } from "./absent.ts";
import { type ArchiveWant, archive } from "./archive.ts";
import { type BlockWant, block } from "./block.ts";
import { type CheckWant, check } from "./check.ts";
import { type CommandWant, command } from "./command.ts";
import { type CronWant, cron } from "./cron.ts";
import { type DirectoryWant, directory } from "./directory.ts";
import { type FileWant, file } from "./file.ts";
import { type GitWant, git } from "./git.ts";
import { type GroupWant, group } from "./group.ts";
import { type HandlerWant, handler } from "./handler.ts";
import type { Address, Common, Kind } from "./kind.ts";
import { type LimitsWant, limits } from "./limits.ts";
import { type LinkWant, link } from "./link.ts";
import { type LiveWant, live } from "./live.ts";
import { type MountWant, mount } from "./mount.ts";
import { type MysqlDatabaseWant, mysqlDatabase } from "./mysql-database.ts";
import { type MysqlGrantWant, mysqlGrant } from "./mysql-grant.ts";
import { type MysqlUserWant, mysqlUser } from "./mysql-user.ts";
import { type PackageWant, packageKind } from "./package.ts";
import { type RepositoryWant, repository } from "./repository.ts";
import { type ServiceWant, service } from "./service.ts";
import { type SysctlWant, sysctl } from "./sysctl.ts";
import { type UnitWant, unit } from "./unit.ts";
import { type UserWant, user } from "./user.ts";
import { WantError } from "./want-error.ts";

/** A resource of a role. Its address is what other resources refer to. */
export interface Declared {
  readonly address: Address;
  readonly want: Common;
}

// biome-ignore lint/suspicious/noExplicitAny: what a kind sees on a host does not matter to who wants something
function builder<Schema extends z.ZodType<Common>>(kind: Kind<any, any, any>): (input: z.input<Schema>) => Declared {
  return (input) => {
    const { success, data, error } = kind.schema.safeParse(input, { reportInput: true, error: explain });
    if (!success) throw new WantError(named(kind, input), error);
    return { address: kind.address(data), want: data };
  };
}

/** The address of what is wrong somewhere, where that much is right. */
function named({ kind, address }: Pick<Kind, "kind" | "address">, input: unknown): string {
  try {
    const found = address(input as Common);
    return found.includes("undefined") ? kind : found;
  } catch {
    return kind;
  }
}

export const want = {
  group: builder<typeof GroupWant>(group),
  user: builder<typeof UserWant>(user),
  repository: builder<typeof RepositoryWant>(repository),
  package: builder<typeof PackageWant>(packageKind),
  directory: builder<typeof DirectoryWant>(directory),
  file: builder<typeof FileWant>(file),
  link: builder<typeof LinkWant>(link),
  absent: builder<typeof AbsentWant>(absent),
  block: builder<typeof BlockWant>(block),
  limits: builder<typeof LimitsWant>(limits),
  sysctl: builder<typeof SysctlWant>(sysctl),
  mount: builder<typeof MountWant>(mount),
  unit: builder<typeof UnitWant>(unit),
  cron: builder<typeof CronWant>(cron),
  git: builder<typeof GitWant>(git),
  archive: builder<typeof ArchiveWant>(archive),
  handler: builder<typeof HandlerWant>(handler),
  service: builder<typeof ServiceWant>(service),
  mysqlDatabase: builder<typeof MysqlDatabaseWant>(mysqlDatabase),
  mysqlUser: builder<typeof MysqlUserWant>(mysqlUser),
  mysqlGrant: builder<typeof MysqlGrantWant>(mysqlGrant),
  command: builder<typeof CommandWant>(command),
  check: builder<typeof CheckWant>(check),
  live: builder<typeof LiveWant>(live),
};
