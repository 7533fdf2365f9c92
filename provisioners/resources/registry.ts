// Made from the folder by test/unit/registries.test.ts: UPDATE_GOLDEN=1 makes it anew.

import { type AbsentWant, absent } from "./absent.ts";
import { type ArchiveWant, archive } from "./archive.ts";
import { type BlockWant, block } from "./block.ts";
import { builder } from "./builder.ts";
import { type CheckWant, check } from "./check.ts";
import { type CommandWant, command } from "./command.ts";
import { type CronWant, cron } from "./cron.ts";
import { type DirectoryWant, directory } from "./directory.ts";
import { type FileWant, file } from "./file.ts";
import { type GitWant, git } from "./git.ts";
import { type GroupWant, group } from "./group.ts";
import { type HandlerWant, handler } from "./handler.ts";
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

export const registered = [
  absent,
  archive,
  block,
  check,
  command,
  cron,
  directory,
  file,
  git,
  group,
  handler,
  limits,
  link,
  live,
  mount,
  mysqlDatabase,
  mysqlGrant,
  mysqlUser,
  packageKind,
  repository,
  service,
  sysctl,
  unit,
  user,
];

export const want = {
  absent: builder<typeof AbsentWant>(absent),
  archive: builder<typeof ArchiveWant>(archive),
  block: builder<typeof BlockWant>(block),
  check: builder<typeof CheckWant>(check),
  command: builder<typeof CommandWant>(command),
  cron: builder<typeof CronWant>(cron),
  directory: builder<typeof DirectoryWant>(directory),
  file: builder<typeof FileWant>(file),
  git: builder<typeof GitWant>(git),
  group: builder<typeof GroupWant>(group),
  handler: builder<typeof HandlerWant>(handler),
  limits: builder<typeof LimitsWant>(limits),
  link: builder<typeof LinkWant>(link),
  live: builder<typeof LiveWant>(live),
  mount: builder<typeof MountWant>(mount),
  mysqlDatabase: builder<typeof MysqlDatabaseWant>(mysqlDatabase),
  mysqlGrant: builder<typeof MysqlGrantWant>(mysqlGrant),
  mysqlUser: builder<typeof MysqlUserWant>(mysqlUser),
  package: builder<typeof PackageWant>(packageKind),
  repository: builder<typeof RepositoryWant>(repository),
  service: builder<typeof ServiceWant>(service),
  sysctl: builder<typeof SysctlWant>(sysctl),
  unit: builder<typeof UnitWant>(unit),
  user: builder<typeof UserWant>(user),
};
