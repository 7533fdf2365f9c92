// Folders under /run are gone after a reboot; tmpfiles.d makes them before any service starts.
import { z } from "zod";
import { AbsolutePath, Mode, UserName } from "../../spec/scalars.ts";
import { conf, ownedBy } from "../conf.ts";

export const RuntimeDirectory = z.strictObject({
  path: AbsolutePath.describe("Folder for a unix socket: /run/app."),
  user: UserName.describe("Owner: the application's user."),
  group: UserName.describe("Who may connect: the group of nginx."),
  mode: Mode.default("2775").describe("Set-group-id: sockets made in it belong to the group."),
});
export type RuntimeDirectory = z.infer<typeof RuntimeDirectory>;

/** `/etc/tmpfiles.d/<name>.conf` */
export const tmpfiles = (directories: readonly RuntimeDirectory[]): string => conf`
  # ${ownedBy("app", "templates/app/tmpfiles.ts")}
  ${directories.map(({ path, user, group, mode }) => `d ${path} ${mode} ${user} ${group} -`)}
`;
